// SPDX-License-Identifier: GPL-2.0-only
/* The life of a local connection. */
#include <linux/slab.h>

#include "loopback/loopback.h"

static void join(struct vns_sock *vs, struct lo_link *link, int side)
{
	link->end[side].queue.buffers = &vns_sock_sk(vs)->sk_receive_queue;
	lo_sk(vs)->link = link;
}

/**
 * lo_link_create() - connect two sockets
 * @vs: the connecting one, its socket lock held
 * @child: the listener's, which nobody else knows
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int lo_link_create(struct vns_sock *vs, struct vns_sock *child)
{
	struct lo_link *link = kzalloc(sizeof(*link), GFP_KERNEL_ACCOUNT);

	if (!link)
		return -ENOMEM;

	spin_lock_init(&link->lock);
	refcount_set(&link->users, 2);
	link->one_net = net_eq(sock_net(vns_sock_sk(vs)),
			       sock_net(vns_sock_sk(child)));
	join(vs, link, 0);
	join(child, link, 1);

	return 0;
}

/* Takes all that waits in this side's queue away; nobody will receive it. */
static void drop_unread(struct vns_sock *vs, struct sk_buff_head *dropped)
	__must_hold(&lo_sk(vs)->link->lock)
{
	struct lo_end *end = lo_this_end(vs);

	lockdep_assert_held(&lo_sk(vs)->link->lock);
	skb_queue_splice_init(end->queue.buffers, dropped);
	end->queue.unread = 0;
	end->queue.taken = 0;
}

/* Tells the other side that this one ends what @how says. */
static void announce(struct vns_sock *vs, int how)
	__must_hold(&lo_sk(vs)->link->lock)
{
	struct sock *other = lo_end_sk(lo_other_end(vs));
	struct vsock_sock *vsk;

	lockdep_assert_held(&lo_sk(vs)->link->lock);
	if (!other)
		return;

	vsk = vsock_sk(other);
	/* After the last data: see vns_peer_is_done(). */
	smp_store_release(&vsk->peer_shutdown, vsk->peer_shutdown | how);
	other->sk_state_change(other);
}

/**
 * lo_link_shutdown() - one or both directions end
 * @vs: a connected socket, its socket lock held
 * @how: RCV_SHUTDOWN, SEND_SHUTDOWN
 */
void lo_link_shutdown(struct vns_sock *vs, int how)
{
	struct lo_link *link = lo_sk(vs)->link;

	spin_lock(&link->lock);
	if (how & RCV_SHUTDOWN)
		lo_flags(link, lo_this_end(vs))->deaf = true;
	announce(vs, how);
	spin_unlock(&link->lock);
}

/**
 * lo_link_leave() - a side closes
 * @vs: a socket, its socket lock held, or nobody else's
 */
void lo_link_leave(struct vns_sock *vs)
{
	struct lo_link *link = lo_sk(vs)->link;
	struct sk_buff_head dropped;

	if (!link)
		return;

	__skb_queue_head_init(&dropped);
	spin_lock(&link->lock);
	drop_unread(vs, &dropped);
	/* Who shut both directions down has told all that there is to tell. */
	if (vns_sock_sk(vs)->sk_shutdown != SHUTDOWN_MASK)
		announce(vs, SHUTDOWN_MASK);
	lo_flags(link, lo_this_end(vs))->deaf = true;
	/* The last that is done with this end: it is known by this pointer. */
	WRITE_ONCE(lo_this_end(vs)->queue.buffers, NULL);
	spin_unlock(&link->lock);
	__skb_queue_purge(&dropped);

	lo_sk(vs)->link = NULL;
	if (refcount_dec_and_test(&link->users))
		kfree(link);
}
