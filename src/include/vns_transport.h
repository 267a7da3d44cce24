/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lean transport interface: what the address family asks of whoever
 * carries a socket's data.  Loopback and vhost implement it directly; the
 * stock transports are wrapped into it by src/abi/adapter.c.
 *
 * Locking, unless a member says otherwise: called in process context, may
 * sleep, with the socket lock of @vs held.
 */
#ifndef VNS_TRANSPORT_H
#define VNS_TRANSPORT_H

#include <linux/socket.h>
#include <linux/types.h>
#include <net/af_vsock.h>

struct module;
struct net;
struct sk_buff;
struct sock;
struct ubuf_info;
struct vns_sock;
struct vns_domain;
struct work_struct;
struct workqueue_struct;

/*
 * Our own entry points are weak in the modules that use them, so that such a
 * module still links beside a foreign vsock.ko and can say what is wrong
 * instead of failing with a list of unknown symbols (vns_api_present()).
 */
#ifdef VNS_TRANSPORT_MODULE
#define VNS_API __weak
#else
#define VNS_API
#endif

/**
 * enum vns_role - the place of a transport in the routing table
 * @VNS_ROLE_LOCAL: between sockets of this machine (CID 1)
 * @VNS_ROLE_H2G: host to guest: serves the CIDs of the guests we run
 * @VNS_ROLE_G2H: guest to host: serves the hypervisor above us
 * @VNS_ROLE_DGRAM: SOCK_DGRAM, whatever the address
 * @VNS_ROLE_COUNT: number of roles
 */
enum vns_role {
	VNS_ROLE_LOCAL,
	VNS_ROLE_H2G,
	VNS_ROLE_G2H,
	VNS_ROLE_DGRAM,
	VNS_ROLE_COUNT,
};

/**
 * enum vns_wait - what a caller is about to sleep for
 * @VNS_WAIT_DATA: bytes, or a message, to receive
 * @VNS_WAIT_SPACE: room to send
 */
enum vns_wait {
	VNS_WAIT_DATA,
	VNS_WAIT_SPACE,
};

#define VNS_IO_PRIVATE_WORDS 5

/**
 * struct vns_io - one sendmsg() or recvmsg() call on its way
 * @msg: the caller's message; its iterator advances as bytes are moved
 * @len: bytes that are still to be sent, or room that is left for received ones
 * @target: bytes that satisfy a receiver (SO_RCVLOWAT, MSG_WAITALL); for a
 *	sender the room that makes another try worthwhile, 1 unless the
 *	transport raises it
 * @flags: MSG_* flags of the call
 * @ubuf: of a sender whose memory is to be used in place (MSG_ZEROCOPY):
 *	what the buffers that do so are marked with (skb_zcopy_set()); else NULL
 * @copied: memory is copied in spite of @ubuf; a transport may set it
 * @private: for the transport, zeroed before io_begin()
 */
struct vns_io {
	struct msghdr *msg;
	size_t len;
	size_t target;
	int flags;
	struct ubuf_info *ubuf;
	bool copied;
	u64 private[VNS_IO_PRIVATE_WORDS];
};

/**
 * struct vns_transport - operations of a transport
 * @owner: module that is held while a socket is attached
 * @global_only: knows nothing of namespaces: belongs to the global domain
 * @host_only: of one that is G2H: no other machine is behind the host, so
 *	g2h_fallback does not mean it
 * @zerocopy: understands @io->ubuf
 * @zerocopy_allow: does one that does not understand it take MSG_ZEROCOPY all
 *	the same, by means of its own?  NULL: no.  Any context.
 * @seqpacket_allow: may SOCK_SEQPACKET of @domain reach @cid?  NULL: never.
 *	Called under RCU.
 * @stream_allow: may SOCK_STREAM reach @cid, @port?  NULL: always.  Any context.
 * @local_cid: this side's CID, VMADDR_CID_ANY when it has none.  Any context.
 * @owns_cid: is @cid one of its guests, in @domain?  NULL: not known before a
 *	connection is tried.  Called under RCU.
 * @attach: prepares @vs, which is closed or a child of @parent; may set
 *	@vs->vsk.trans.  0 or a negative errno.
 * @detach: undoes @attach.  Called with the socket lock when a socket changes its
 *	transport, and without it for a child that is abandoned, and when the last
 *	reference goes.  That may be in a softirq, as lookups for a transport whose
 *	packets come there have references: after @release, or an earlier call, it
 *	may not sleep, nor take a lock that softirqs do not know.
 * @connect: starts a connection to @vs->vsk.remote_addr.  0 when the connection
 *	stands already, -EINPROGRESS when the answer will come by itself, another
 *	errno when it fails.
 * @cancel: the caller gave up on a connection in progress.  Optional.
 * @shutdown: tells the peer that @how (RCV_SHUTDOWN, SEND_SHUTDOWN) is shut.
 * @release: the last file is gone (SOCK_DEAD), or the socket goes to another transport:
 *	@detach follows.
 * @io_begin: a call of send (@write) or receive begins.  Optional.  0 or errno.
 * @io_block: the caller is about to sleep.  Optional.  0 or errno.
 * @send: moves up to @io->len bytes of @io->msg out; a seqpacket message is
 *	complete when @io->len bytes of it are taken.  Bytes taken, -EAGAIN when
 *	there is no room, or errno.
 * @recv: moves up to @io->len bytes in.  For SOCK_SEQPACKET one message, the
 *	rest is dropped: its real length is returned, MSG_EOR set in
 *	msg_flags when the sender set it.  -EAGAIN when there is nothing.
 * @read_skb: takes the next buffer (SOCK_SEQPACKET: a whole message) off the queue
 *	and hands it to @actor, which consumes it.  Optional.  Its length, -EAGAIN
 *	when there is nothing, or errno.
 * @has_data: is a receive worth a try: do @target bytes wait (SOCK_SEQPACKET: a
 *	message), or as many as ever will?  When not, whoever sleeps on the
 *	socket is woken when there is something.
 * @has_room: is a send worth a try: is there room for @target bytes, or will it
 *	fail at once?  When not, whoever sleeps is woken when there is.
 * @has_much: does so much data wait that a receiver who lets some collect should
 *	be woken?  Called while the socket is woken, in that context.  Optional:
 *	without it nobody lets data collect.
 * @poll_in: replaces @has_data in poll().  Optional.  0 or errno.
 * @poll_out: replaces @has_room in poll().  Optional.  0 or errno.
 * @accepts_data: false when no data can flow any more.  Optional.
 * @buffer_size: SO_VM_SOCKETS_BUFFER_SIZE becomes *@size, which it may lower.
 * @rcvlowat: SO_RCVLOWAT is about to become @val.  Optional.  0 or errno.
 * @queued: bytes of data that wait (SIOCINQ)
 * @unsent: bytes sent that the peer has not received (SIOCOUTQ).  Optional.
 * @rcvhiwat: bytes that can never wait all at once, nor more.  Optional.
 * @dgram_bind: SOCK_DGRAM: bind @vs to @addr.
 * @dgram_send: SOCK_DGRAM: send @len bytes to @to.
 * @dgram_recv: SOCK_DGRAM: receive, may block.  Called without the socket lock.
 * @dgram_allow: may SOCK_DGRAM reach @cid, @port?
 */
struct vns_transport {
	struct module *owner;
	bool global_only;
	bool host_only;
	bool zerocopy;

	bool (*zerocopy_allow)(const struct vns_transport *t);
	bool (*seqpacket_allow)(const struct vns_transport *t,
				const struct vns_domain *domain, u32 cid);
	bool (*stream_allow)(const struct vns_transport *t, u32 cid, u32 port);
	u32 (*local_cid)(const struct vns_transport *t);
	bool (*owns_cid)(const struct vns_transport *t,
			 const struct vns_domain *domain, u32 cid);

	int (*attach)(struct vns_sock *vs, struct vns_sock *parent);
	void (*detach)(struct vns_sock *vs);
	int (*connect)(struct vns_sock *vs);
	void (*cancel)(struct vns_sock *vs);
	int (*shutdown)(struct vns_sock *vs, int how);
	void (*release)(struct vns_sock *vs);

	int (*io_begin)(struct vns_sock *vs, struct vns_io *io, bool write);
	int (*io_block)(struct vns_sock *vs, struct vns_io *io,
			enum vns_wait what);
	ssize_t (*send)(struct vns_sock *vs, struct vns_io *io);
	ssize_t (*recv)(struct vns_sock *vs, struct vns_io *io);
	int (*read_skb)(struct vns_sock *vs,
			int (*actor)(struct sock *sk, struct sk_buff *skb));
	bool (*has_data)(struct vns_sock *vs, size_t target);
	bool (*has_room)(struct vns_sock *vs, size_t target);
	bool (*has_much)(struct vns_sock *vs);
	int (*poll_in)(struct vns_sock *vs, size_t target, bool *ready);
	int (*poll_out)(struct vns_sock *vs, size_t target, bool *ready);
	bool (*accepts_data)(struct vns_sock *vs);

	void (*buffer_size)(struct vns_sock *vs, u64 *size);
	int (*rcvlowat)(struct vns_sock *vs, int val);
	ssize_t (*queued)(struct vns_sock *vs);
	ssize_t (*unsent)(struct vns_sock *vs);
	u64 (*rcvhiwat)(struct vns_sock *vs);

	int (*dgram_bind)(struct vns_sock *vs, struct sockaddr_vm *addr);
	int (*dgram_send)(struct vns_sock *vs, struct sockaddr_vm *to,
			  struct msghdr *msg, size_t len);
	int (*dgram_recv)(struct vns_sock *vs, struct msghdr *msg, size_t len,
			  int flags);
	bool (*dgram_allow)(const struct vns_transport *t, u32 cid, u32 port);
};

/* Entry points of vsock.ko for transports written for it. */
int VNS_API vns_transport_register(const struct vns_transport *t,
				   enum vns_role role);
void VNS_API vns_transport_unregister(const struct vns_transport *t);
struct sock *VNS_API vns_listener_find(const struct vns_domain *domain,
				       const struct sockaddr_vm *addr);
bool VNS_API vns_listener_would_take(struct sock *listener, int type);
struct sock *VNS_API vns_child_create(struct sock *listener);
int VNS_API vns_child_attach(struct vns_sock *child,
			     const struct vns_transport *t);
void VNS_API vns_child_abandon(struct sock *child);
int VNS_API vns_child_enqueue(struct sock *listener, struct sock *child);
void VNS_API vns_mark_connected(struct vns_sock *vs);
void VNS_API vns_data_ready(struct sock *sk);
bool VNS_API vns_work_lock(struct sock *sk, struct workqueue_struct *wq,
			   struct work_struct *work);
const struct vns_domain *VNS_API vns_sock_domain(const struct vns_sock *vs);
bool VNS_API vns_tap_any(void);
bool VNS_API vns_tap_wanted(const struct vns_domain *domain);
void VNS_API vns_tap_deliver(const struct vns_domain *domain,
			     struct sk_buff *frame);
const struct vns_domain *VNS_API vns_net_domain(const struct net *net);
bool VNS_API vns_route_cid_is_ours(u32 cid);

/**
 * vns_api_present() - is the vsock.ko that this module runs on ours?
 *
 * Return: false when the entry points above are missing.
 */
static inline bool vns_api_present(void)
{
	int (*entry)(const struct vns_transport *t, enum vns_role role) =
		vns_transport_register;

	/* Hidden from the optimiser, which knows no weak functions at NULL. */
	OPTIMIZER_HIDE_VAR(entry);
	return entry;
}

#endif /* VNS_TRANSPORT_H */
