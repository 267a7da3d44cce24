/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A local connection: two sockets of one kernel that put bytes onto each
 * other's receive queue.
 */
#ifndef VNS_LOOPBACK_H
#define VNS_LOOPBACK_H

#include <linux/refcount.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>

/* We are no part of vsock.ko: see <vns_transport.h>. */
#define VNS_TRANSPORT_MODULE
#include "core/socket.h"
#include "vns_queue.h"

/**
 * struct lo_end - one side of a connection
 * @queue: what waits to be received.  Its buffers are the socket's receive queue,
 *	which also tells the socket: lo_end_sk().  Its writer is the other side.
 */
struct lo_end {
	struct vns_queue queue;
};

/**
 * struct lo_flags - what there is to know of a side beside its queue
 * @message_wanted: room_wanted is what a whole message needs which had no room
 * @data_wanted: this side waits for data, less than SO_RCVLOWAT will do
 * @deaf: receives no more, or was closed
 */
struct lo_flags {
	bool message_wanted;
	bool data_wanted;
	bool deaf;
};

/**
 * struct lo_link - a connection
 * @lock: protects @end, @flags and both sockets' receive queues (not the lock
 *	inside of them).  Taken in process context only, inside of the socket lock of
 *	either side; never sleep with it.
 * @users: sockets that point here
 * @one_net: both are in one network namespace; never changes
 * @flags: what there is to know of the two sides
 * @end: the two sides
 *
 * All of it fits a cache line, and memory that is as large.
 *
 * A side does everything that concerns its own queue under its socket lock as
 * well, so buffers leave a queue, and its socket leaves the link, only then.  The
 * other side is only ever reached through here and under @lock: no side holds a
 * reference on the other, nor on its namespace.  Only what was sent in place
 * (MSG_ZEROCOPY) and waits holds its sender, and that inside one namespace.
 */
struct lo_link {
	spinlock_t lock;
	refcount_t users;
	bool one_net;
	struct lo_flags flags[2];
	struct lo_end end[2];
};

/* The socket of @end, NULL once it was closed. */
static inline struct sock *lo_end_sk(const struct lo_end *end)
{
	struct sk_buff_head *buffers = READ_ONCE(end->queue.buffers);

	return buffers ? container_of(buffers, struct sock, sk_receive_queue) :
			 NULL;
}

static inline struct lo_flags *lo_flags(struct lo_link *link,
					const struct lo_end *end)
{
	return &link->flags[end == &link->end[1]];
}

/**
 * struct lo_sock - what a socket knows of its connection
 * @link: the connection, NULL before connect() and after close()
 *
 * Protected by the socket lock.  Lives in vns_sock.private.
 */
struct lo_sock {
	struct lo_link *link;
};

static inline struct lo_sock *lo_sk(struct vns_sock *vs)
{
	BUILD_BUG_ON(sizeof(struct lo_sock) > sizeof(vs->private));
	return (struct lo_sock *)vs->private;
}

/* Which end of its link a connected socket is: 0 connected, 1 was accepted. */
static inline int lo_side(struct vns_sock *vs)
{
	/* The other end may become NULL meanwhile, but never this socket. */
	return READ_ONCE(lo_sk(vs)->link->end[1].queue.buffers) ==
	       &vns_sock_sk(vs)->sk_receive_queue;
}

/* This socket's side of a connected socket's link, and the other one. */
static inline struct lo_end *lo_this_end(struct vns_sock *vs)
{
	return &lo_sk(vs)->link->end[lo_side(vs)];
}

static inline struct lo_end *lo_other_end(struct vns_sock *vs)
{
	return &lo_sk(vs)->link->end[!lo_side(vs)];
}

/* link.c */
int lo_link_create(struct vns_sock *vs, struct vns_sock *child);
void lo_link_shutdown(struct vns_sock *vs, int how);
void lo_link_leave(struct vns_sock *vs);

/* room.c */
ssize_t lo_room(struct vns_sock *vs, size_t len);
bool lo_has_room(struct vns_sock *vs, size_t target);
int lo_poll_out(struct vns_sock *vs, size_t target, bool *ready);
bool lo_has_data(struct vns_sock *vs, size_t target);
bool lo_has_much(struct vns_sock *vs);
void lo_wake_reader(struct vns_sock *vs);
void lo_wake_writer(struct vns_sock *vs);
void lo_wake_all(struct vns_sock *vs);

/* send.c, recv.c */
ssize_t lo_send(struct vns_sock *vs, struct vns_io *io);
ssize_t lo_recv(struct vns_sock *vs, struct vns_io *io);
int lo_read_skb(struct vns_sock *vs,
		int (*actor)(struct sock *sk, struct sk_buff *skb));

/* tap.c */
void lo_tap_event(struct vns_sock *vs, u16 op, u32 flags);
void lo_tap_refused(struct vns_sock *vs);
void lo_tap_close(struct vns_sock *vs);
void lo_tap_payload(struct vns_sock *vs, struct sk_buff_head *buffers);

/* Does somebody watch this socket's connection?  Cheap when nobody does. */
static inline bool lo_tap_wanted(struct vns_sock *vs)
{
	return vns_tap_any() && vns_tap_wanted(vns_sock_domain(vs));
}

#endif /* VNS_LOOPBACK_H */
