/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connection between a socket of ours and a guest, apart from the socket:
 * the guest's thread must never wait for a socket lock, which a process may hold
 * for as long as it likes, and a connection outlives its socket.
 */
#ifndef VNS_PROTOCOL_CONN_H
#define VNS_PROTOCOL_CONN_H

#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "vhost/guest.h"
#include "vns_queue.h"

/**
 * enum conn_state - the life of a connection
 * @CONN_CONNECTING: we asked the guest, or are about to
 * @CONN_ESTABLISHED: data flows; without a socket what is left is sent, and the
 *	guest is told
 * @CONN_CLOSED: over; at most a RST is still to be sent
 */
enum conn_state {
	CONN_CONNECTING,
	CONN_ESTABLISHED,
	CONN_CLOSED,
};

/**
 * enum conn_place - which list of its guest's a connection is in
 * @CONN_OPEN: protocol.open: it has a socket
 * @CONN_LINGERING: protocol.lingering: data or a SHUTDOWN is left to be sent, or
 *	an answer to that is waited for
 * @CONN_RESETTING: protocol.resetting: a RST is left to be sent
 */
enum conn_place {
	CONN_OPEN,
	CONN_LINGERING,
	CONN_RESETTING,
};

/* Control packets that are to be sent. */
#define CONN_DUE_REQUEST	BIT(0)
#define CONN_DUE_RESPONSE	BIT(1)
#define CONN_DUE_CREDIT		BIT(2)
#define CONN_DUE_SHUTDOWN	BIT(3)
#define CONN_DUE_RST		BIT(4)

/**
 * struct conn_key - what a connection is found by among those of its guest
 * @guest_port: the guest's port
 * @host_port: ours
 */
struct conn_key {
	u32 guest_port;
	u32 host_port;
};

/**
 * struct conn - a connection
 * @node: in protocol.table
 * @key: its ports; never changes
 * @cid: the guest's CID when it began; never changes
 * @type: VIRTIO_VSOCK_TYPE_*; never changes
 * @messages: that is SOCK_SEQPACKET
 * @one_net: the socket's namespace is the guest's; never changes
 * @refs: references; the table, the ready list, a socket, a work item that
 *	waits each hold one
 * @protocol: its guest's connections; holds a reference on the guest
 * @lock: protects all that follows but for what says otherwise, and the
 *	receive queue of @sk (not the lock inside of it).  Taken in process
 *	context, inside of a socket lock; never sleep with it.
 * @linked: it is in the table and a list; written with protocol.lock as well
 * @place: enum conn_place; written with protocol.lock as well
 * @link: in the list that @place says; protocol.lock
 * @linger_bytes: its part of protocol.lingering_bytes; protocol.lock
 * @deadline: in jiffies, when lingering ends; protocol.lock
 * @ready: in protocol.ready; protocol.lock
 * @turn: its place there; protocol.lock
 * @spent: how much it has sent since it got that place
 * @is_ready: it is there, or with the guest's thread, which will look at what is
 *	due
 * @state: the state; never goes back
 * @accepted: the guest's answer was yes
 * @known: the socket knows that it is connected
 * @deaf: we receive no more
 * @data_wanted: a receiver waits for data, less than SO_RCVLOWAT will do
 * @drain_wanted: the socket waits for @out to be sent
 * @due: CONN_DUE_*
 * @shutdown: RCV_SHUTDOWN, SEND_SHUTDOWN: what a CONN_DUE_SHUTDOWN says
 * @shut: all of them that the socket was shut down for
 * @peer_shutdown: the same, said by the guest
 * @err: why it ended
 * @sk: its socket, NULL once it was closed.  No reference: it takes itself away.
 * @buf_alloc: the socket's buffer size
 * @in: what @sk may receive, in its receive queue
 * @partial: the beginning of a message that goes on
 * @partial_buffers: where it is
 * @empties: messages without a byte in @in
 * @arrived: bytes of payload that came
 * @forwarded: bytes that the guest may be told were received
 * @told: what it was told last
 * @allowed: @arrived may get this far: the guest was told so
 * @out: what is to be sent
 * @out_buffers: where it is
 * @message_left: bytes to be sent of a message that was sent in part
 * @message_eor: MSG_EOR of that
 * @queued: bytes of payload that ever were in @out; wraps around
 * @peer_forwarded: bytes of these that the guest says it received; wraps around
 * @peer_buf_alloc: its buffer size
 * @message_wanted: size of a message that had no room; poll() waits for that
 * @answer_sk: what @answer is about, a reference
 * @answer: tells the socket how the guest answered
 * @rcu: frees the memory after the last lookup that may have seen it
 *
 * Buffers are taken from @in under the socket lock as well.  From @out only the
 * guest's thread takes any, unless the connection ends; one that it is sending is
 * not in the queue, but counted there.
 */
struct conn {
	struct rhash_head node;
	struct conn_key key;
	u32 cid;
	u16 type;
	bool messages;
	bool one_net;
	refcount_t refs;
	struct protocol *protocol;

	spinlock_t lock;
	bool linked;
	u8 place;
	struct list_head link;
	u64 linger_bytes;
	unsigned long deadline;
	struct list_head ready;
	u64 turn;
	u32 spent;

	bool is_ready;
	bool accepted;
	bool known;
	bool deaf;
	bool data_wanted;
	bool drain_wanted;
	u8 state;
	u8 due;
	u8 shutdown;
	u8 shut;
	u8 peer_shutdown;
	int err;
	struct sock *sk;

	u32 buf_alloc;
	struct vns_queue in;
	struct vns_queue partial;
	struct sk_buff_head partial_buffers;
	u32 empties;
	u64 arrived;
	u64 forwarded;
	u64 told;
	u64 allowed;

	struct vns_queue out;
	struct sk_buff_head out_buffers;
	u32 message_left;
	bool message_eor;
	u32 queued;
	u32 peer_forwarded;
	u32 peer_buf_alloc;
	u32 message_wanted;

	struct sock *answer_sk;
	struct work_struct answer;
	struct rcu_head rcu;
};

/**
 * struct conn_sock - what a socket knows of its connection
 * @conn: the connection, with a reference; NULL before connect() and after
 *	close().  Protected by the socket lock.
 *
 * Lives in vns_sock.private.
 */
struct conn_sock {
	struct conn *conn;
};

static inline struct conn_sock *conn_sk(struct vns_sock *vs)
{
	BUILD_BUG_ON(sizeof(struct conn_sock) > sizeof(vs->private));
	return (struct conn_sock *)vs->private;
}

static inline void conn_get(struct conn *conn)
{
	refcount_inc(&conn->refs);
}

/* transport.c */
extern const struct vns_transport conn_transport;
extern struct workqueue_struct *conn_wq;

/* conn.c */
struct conn *conn_new(struct guest *guest, u32 cid, struct vns_sock *vs,
		      u32 guest_port, u32 host_port);
void conn_put(struct conn *conn);
int conn_link(struct conn *conn);
void conn_unlink(struct conn *conn);
struct conn *conn_find(struct protocol *protocol, u32 guest_port,
		       u32 host_port);
void conn_end(struct conn *conn, struct sk_buff_head *dropped);
void conn_close(struct conn *conn, int err, struct sk_buff_head *dropped);

/* linger.c */
void conn_leave(struct vns_sock *vs);
void conn_linger_touch(struct conn *conn);
void conn_linger_forget(struct conn *conn);
void conn_linger_work(struct work_struct *work);

/* answer.c */
void conn_answer(struct conn *conn);
void conn_answer_work(struct work_struct *work);

/* outgoing.c */
void conn_make_ready(struct conn *conn);
void conn_due(struct conn *conn, u8 due);

/* credit.c */
void conn_credit_fill(struct conn *conn, struct packet_header *header);
void conn_credit_update(struct conn *conn, const struct packet_header *header);
void conn_credit_wake(struct conn *conn);
u32 conn_room(const struct conn *conn);
u32 conn_room_limit(const struct conn *conn);
bool conn_has_room(struct vns_sock *vs, size_t target);
bool conn_has_data(struct vns_sock *vs, size_t target);
bool conn_has_much(struct vns_sock *vs);
void conn_received(struct conn *conn);
void conn_wake_reader(struct conn *conn);
void conn_buffer_size(struct vns_sock *vs, u64 *size);
int conn_rcvlowat(struct vns_sock *vs, int val);

/* incoming.c */
void protocol_refuse(struct protocol *protocol,
		     const struct packet_header *header);
void conn_refuse(struct conn *conn, const struct packet_header *header);

/* payload.c */
int conn_receive(struct conn *conn, const struct packet_header *header,
		 struct iov_iter *payload, struct sk_buff_head *dropped);

/* request.c */
void protocol_request(struct protocol *protocol,
		      const struct packet_header *header);

/* send.c, recv.c */
ssize_t conn_send(struct vns_sock *vs, struct vns_io *io);
ssize_t conn_recv(struct vns_sock *vs, struct vns_io *io);
int conn_read_skb(struct vns_sock *vs,
		  int (*actor)(struct sock *sk, struct sk_buff *skb));

#endif /* VNS_PROTOCOL_CONN_H */
