// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stock struct vsock_transport, driven through our struct vns_transport.
 *
 * Stock transports want their notify hooks called around every step, keep
 * state between them, and tell "nothing there" and "no room" by counters that
 * have to be asked first.  All that is hidden here.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <net/sock.h>
#include <net/af_vsock.h>

#include "abi/bridge.h"
#include "compat/stock_transport.h"
#include "core/socket.h"
#include "route/route.h"

/**
 * struct stock - a registered stock transport
 * @t: as the core knows it
 * @stock: as its module knows it
 * @node: in all_stock
 */
struct stock {
	struct vns_transport t;
	const struct vsock_transport *stock;
	struct list_head node;
};

/* Protected by stock_mutex. */
static LIST_HEAD(all_stock);
static DEFINE_MUTEX(stock_mutex);

static const struct vsock_transport *stock_of(const struct vns_transport *t)
{
	return container_of(t, struct stock, t)->stock;
}

static bool stock_dgram_allow(const struct vns_transport *t, u32 cid, u32 port)
{
	return stock_of(t)->dgram_allow(cid, port);
}

static bool stock_stream_allow(const struct vns_transport *t, u32 cid, u32 port)
{
	return stock_of(t)->stream_allow(cid, port);
}

static bool stock_allows_seqpacket(const struct vns_transport *t,
				   const struct vns_domain *domain, u32 cid)
{
	return stock_seqpacket_allow(stock_of(t), cid);
}

static u32 stock_local_cid(const struct vns_transport *t)
{
	return stock_of(t)->get_local_cid();
}

static bool stock_zerocopy_allow(const struct vns_transport *t)
{
	return stock_msgzerocopy_allow(stock_of(t));
}

static int stock_attach(struct vns_sock *vs, struct vns_sock *parent)
{
	const struct vsock_transport *stock = stock_of(vs->transport);
	int err;

	vs->vsk.transport = stock;
	err = stock->init(&vs->vsk, parent ? &parent->vsk : NULL);
	if (err)
		vs->vsk.transport = NULL;

	return err;
}

static void stock_detach(struct vns_sock *vs)
{
	vs->vsk.transport->destruct(&vs->vsk);
	vs->vsk.transport = NULL;
	/* Not every one clears it, and a packet may still be on its way here. */
	vs->vsk.trans = NULL;
}

static int stock_connect(struct vns_sock *vs)
{
	int err = vs->vsk.transport->connect(&vs->vsk);

	return err < 0 ? err : -EINPROGRESS;
}

static void stock_cancel(struct vns_sock *vs)
{
	if (vs->vsk.transport->cancel_pkt)
		vs->vsk.transport->cancel_pkt(&vs->vsk);
}

static int stock_shutdown(struct vns_sock *vs, int how)
{
	return vs->vsk.transport->shutdown(&vs->vsk, how);
}

static void stock_release(struct vns_sock *vs)
{
	vs->vsk.transport->release(&vs->vsk);
}

/* The state that a stock transport keeps over one call. */
static struct vsock_transport_send_notify_data *send_state(struct vns_io *io)
{
	BUILD_BUG_ON(sizeof(struct vsock_transport_send_notify_data) >
		     sizeof(io->private));
	return (void *)io->private;
}

static struct vsock_transport_recv_notify_data *recv_state(struct vns_io *io)
{
	BUILD_BUG_ON(sizeof(struct vsock_transport_recv_notify_data) >
		     sizeof(io->private));
	return (void *)io->private;
}

static int stock_io_begin(struct vns_sock *vs, struct vns_io *io, bool write)
{
	const struct vsock_transport *stock = vs->vsk.transport;

	if (write)
		return stock->notify_send_init(&vs->vsk, send_state(io));
	return stock->notify_recv_init(&vs->vsk, io->target, recv_state(io));
}

static int stock_io_block(struct vns_sock *vs, struct vns_io *io,
			  enum vns_wait what)
{
	const struct vsock_transport *stock = vs->vsk.transport;

	if (what == VNS_WAIT_SPACE)
		return stock->notify_send_pre_block(&vs->vsk, send_state(io));
	if (vns_is_seqpacket(vs))
		return 0;
	return stock->notify_recv_pre_block(&vs->vsk, io->target,
					    recv_state(io));
}

static ssize_t stock_send(struct vns_sock *vs, struct vns_io *io)
{
	const struct vsock_transport *stock = vs->vsk.transport;
	ssize_t n;
	int err;

	/* Less than none is an error, which the transport will name. */
	if (!stock->stream_has_space(&vs->vsk))
		return -EAGAIN;
	err = stock->notify_send_pre_enqueue(&vs->vsk, send_state(io));
	if (err < 0)
		return err;

	n = vns_is_seqpacket(vs) ?
	    stock_seqpacket_enqueue(&vs->vsk, io->msg, io->len) :
	    stock->stream_enqueue(&vs->vsk, io->msg, io->len);
	/* It had room, and refuses all the same: waiting for room is no use. */
	if (n == -EAGAIN || !n)
		return -ENOBUFS;
	if (n < 0)
		return n;
	err = stock->notify_send_post_enqueue(&vs->vsk, n, send_state(io));
	if (err < 0)
		return err;

	return n;
}

static ssize_t stock_recv_stream(struct vns_sock *vs, struct vns_io *io)
{
	const struct vsock_transport *stock = vs->vsk.transport;
	s64 ready = stock->stream_has_data(&vs->vsk);
	ssize_t n;
	int err;

	if (!ready)
		return -EAGAIN;
	/* The queue pair is broken; there is no telling how. */
	if (ready < 0)
		return -ENOMEM;

	err = stock->notify_recv_pre_dequeue(&vs->vsk, io->target,
					     recv_state(io));
	if (err < 0)
		return err;
	n = stock->stream_dequeue(&vs->vsk, io->msg, io->len, io->flags);
	if (n < 0)
		return n == -EAGAIN ? -EIO : n;
	err = stock->notify_recv_post_dequeue(&vs->vsk, io->target, n,
					      !(io->flags & MSG_PEEK),
					      recv_state(io));
	if (err < 0)
		return err;

	return n ?: -EAGAIN;
}

static ssize_t stock_recv(struct vns_sock *vs, struct vns_io *io)
{
	if (!vns_is_seqpacket(vs))
		return stock_recv_stream(vs, io);
	if (stock_seqpacket_has_data(&vs->vsk) <= 0)
		return -EAGAIN;
	return stock_seqpacket_dequeue(&vs->vsk, io->msg, io->flags);
}

static int stock_read_skb(struct vns_sock *vs,
			  int (*actor)(struct sock *sk, struct sk_buff *skb))
{
	return stock_read_skb_of(vs->vsk.transport)(&vs->vsk, actor);
}

/* Less than nothing is an error, which a try will tell. */
static bool stock_has_data(struct vns_sock *vs, size_t target)
{
	return vns_bridge_readable(&vs->vsk);
}

static bool stock_has_room(struct vns_sock *vs, size_t target)
{
	return vs->vsk.transport->stream_has_space(&vs->vsk);
}

static int stock_poll_in(struct vns_sock *vs, size_t target, bool *ready)
{
	if (vns_is_seqpacket(vs)) {
		*ready = stock_seqpacket_has_data(&vs->vsk) > 0;
		return 0;
	}
	return vs->vsk.transport->notify_poll_in(&vs->vsk, target, ready);
}

static int stock_poll_out(struct vns_sock *vs, size_t target, bool *ready)
{
	return vs->vsk.transport->notify_poll_out(&vs->vsk, target, ready);
}

static bool stock_accepts_data(struct vns_sock *vs)
{
	return vs->vsk.transport->stream_is_active(&vs->vsk);
}

static void stock_buffer_size(struct vns_sock *vs, u64 *size)
{
	if (vs->vsk.transport->notify_buffer_size)
		vs->vsk.transport->notify_buffer_size(&vs->vsk, size);
}

static int stock_set_rcvlowat(struct vns_sock *vs, int val)
{
	return stock_rcvlowat(&vs->vsk, val);
}

/* Without a connection some have nothing to look at. */
static ssize_t stock_queued(struct vns_sock *vs)
{
	if (!stock_accepts_data(vs))
		return 0;
	return max_t(s64, vs->vsk.transport->stream_has_data(&vs->vsk), 0);
}

static ssize_t stock_unsent_bytes(struct vns_sock *vs)
{
	if (!stock_accepts_data(vs))
		return 0;
	return stock_unsent(&vs->vsk);
}

static u64 stock_rcvhiwat(struct vns_sock *vs)
{
	return vs->vsk.transport->stream_rcvhiwat(&vs->vsk);
}

static int stock_dgram_bind(struct vns_sock *vs, struct sockaddr_vm *addr)
{
	return vs->vsk.transport->dgram_bind(&vs->vsk, addr);
}

static int stock_dgram_send(struct vns_sock *vs, struct sockaddr_vm *to,
			    struct msghdr *msg, size_t len)
{
	return vs->vsk.transport->dgram_enqueue(&vs->vsk, to, msg, len);
}

static int stock_dgram_recv(struct vns_sock *vs, struct msghdr *msg, size_t len,
			    int flags)
{
	return vs->vsk.transport->dgram_dequeue(&vs->vsk, msg, len, flags);
}

static const struct vns_transport stock_ops = {
	.global_only = true,
	.zerocopy_allow = stock_zerocopy_allow,
	.seqpacket_allow = stock_allows_seqpacket,
	.stream_allow = stock_stream_allow,
	.local_cid = stock_local_cid,
	.attach = stock_attach,
	.detach = stock_detach,
	.connect = stock_connect,
	.cancel = stock_cancel,
	.shutdown = stock_shutdown,
	.release = stock_release,
	.io_begin = stock_io_begin,
	.io_block = stock_io_block,
	.send = stock_send,
	.recv = stock_recv,
	.read_skb = stock_read_skb,
	.has_data = stock_has_data,
	.has_room = stock_has_room,
	.poll_in = stock_poll_in,
	.poll_out = stock_poll_out,
	.accepts_data = stock_accepts_data,
	.buffer_size = stock_buffer_size,
	.rcvlowat = stock_set_rcvlowat,
	.queued = stock_queued,
	.unsent = stock_unsent_bytes,
	.rcvhiwat = stock_rcvhiwat,
	.dgram_bind = stock_dgram_bind,
	.dgram_send = stock_dgram_send,
	.dgram_recv = stock_dgram_recv,
	.dgram_allow = stock_dgram_allow,
};

static struct stock *find_stock(const struct vsock_transport *t)
	__must_hold(&stock_mutex)
{
	struct stock *s;

	lockdep_assert_held(&stock_mutex);
	list_for_each_entry(s, &all_stock, node) {
		if (s->stock == t)
			return s;
	}

	return NULL;
}

static struct stock *add_stock(const struct vsock_transport *t)
	__must_hold(&stock_mutex)
{
	struct stock *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	s->t = stock_ops;
	s->t.owner = t->module;
	if (!stock_read_skb_of(t))
		s->t.read_skb = NULL;
	s->stock = t;
	list_add(&s->node, &all_stock);

	return s;
}

static void forget_stock(struct stock *s)
	__must_hold(&stock_mutex)
{
	vns_transport_unregister(&s->t);
	list_del(&s->node);
	kfree(s);
}

/**
 * vns_bridge_register() - vsock_core_register()
 * @t: the stock transport; it may come again for more roles
 * @features: VSOCK_TRANSPORT_F_*
 *
 * Context: may sleep.
 * Return: 0, -EBUSY when another transport has one of the roles, -ENOMEM.
 */
int vns_bridge_register(const struct vsock_transport *t, int features)
{
	static const struct {
		int feature;
		enum vns_role role;
	} wanted[] = {
		{ VSOCK_TRANSPORT_F_H2G, VNS_ROLE_H2G },
		{ VSOCK_TRANSPORT_F_G2H, VNS_ROLE_G2H },
		{ VSOCK_TRANSPORT_F_DGRAM, VNS_ROLE_DGRAM },
		{ VSOCK_TRANSPORT_F_LOCAL, VNS_ROLE_LOCAL },
	};
	struct stock *s;
	bool is_new;
	int err = 0;
	int i;

	mutex_lock(&stock_mutex);
	s = find_stock(t);
	is_new = !s;
	if (is_new)
		s = add_stock(t);
	if (!s)
		err = -ENOMEM;
	/*
	 * VMCI, the only one that has datagrams, allows every CID and lets the
	 * host refuse.  Others say themselves whom they reach.
	 */
	if (s && (features & VSOCK_TRANSPORT_F_DGRAM))
		s->t.host_only = true;
	for (i = 0; i < ARRAY_SIZE(wanted) && !err; i++) {
		if (features & wanted[i].feature)
			err = vns_transport_register(&s->t, wanted[i].role);
	}
	if (err && s && is_new)
		forget_stock(s);
	mutex_unlock(&stock_mutex);

	return err;
}

/**
 * vns_bridge_unregister() - vsock_core_unregister()
 * @t: the stock transport; no socket is attached to it any more
 *
 * Context: may sleep.
 */
void vns_bridge_unregister(const struct vsock_transport *t)
{
	struct stock *s;

	mutex_lock(&stock_mutex);
	s = find_stock(t);
	if (s)
		forget_stock(s);
	mutex_unlock(&stock_mutex);
}
