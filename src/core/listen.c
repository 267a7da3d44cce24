// SPDX-License-Identifier: GPL-2.0-only
/* listen(), accept(), and how connections get to a listener. */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/sched/signal.h>

#include "core/socket.h"
#include "core/table.h"
#include "route/route.h"

/**
 * vns_listen() - proto_ops.listen
 * @sock: the socket
 * @backlog: connections that may wait, one more than it says
 *
 * Return: 0, -EOPNOTSUPP for SOCK_DGRAM, -EINVAL when connected or not bound.
 */
int vns_listen(struct socket *sock, int backlog)
{
	struct sock *sk = sock->sk;
	struct vns_sock *vs = vns_sk(sk);
	int err = 0;

	if (!vns_is_connectible(sk))
		return -EOPNOTSUPP;

	lock_sock(sk);
	if (sock->state != SS_UNCONNECTED ||
	    !vsock_addr_bound(&vsock_sk(sk)->local_addr)) {
		err = -EINVAL;
	} else {
		sk->sk_state = TCP_LISTEN;
		spin_lock(&vs->accept_lock);
		WRITE_ONCE(sk->sk_max_ack_backlog, backlog);
		vs->listening = true;
		spin_unlock(&vs->accept_lock);
	}
	release_sock(sk);

	return err;
}

/* For one more than the backlog says. */
static bool has_room(struct vns_sock *listener)
{
	return READ_ONCE(listener->accept_count) <=
	       READ_ONCE(vns_sock_sk(listener)->sk_max_ack_backlog);
}

/**
 * vns_listener_find() - who listens at an address
 * @domain: the CID and port space
 * @addr: the address
 *
 * The answer may be bound only, or stop listening at any time: only
 * vns_child_enqueue() tells.
 *
 * Context: any but hard interrupts.
 * Return: the socket, with a reference, or NULL.
 */
struct sock *vns_listener_find(const struct vns_domain *domain,
			       const struct sockaddr_vm *addr)
{
	return vns_table_find_bound(domain, addr);
}
EXPORT_SYMBOL_GPL(vns_listener_find);

/**
 * vns_listener_would_take() - is it worth making a child for?
 * @listener: from vns_listener_find()
 * @type: of the connection
 *
 * Most refusals are known before anything is made; vns_child_enqueue() has the
 * last word.
 *
 * Context: any.
 */
bool vns_listener_would_take(struct sock *listener, int type)
{
	return READ_ONCE(listener->sk_state) == TCP_LISTEN &&
	       listener->sk_type == type &&
	       has_room(vns_sk(listener));
}
EXPORT_SYMBOL_GPL(vns_listener_would_take);

/**
 * vns_child_create() - make the socket of an incoming connection
 * @listener: whom it is for; gives its options and namespace
 *
 * Context: may sleep.
 * Return: the socket, with one reference, or NULL.
 */
struct sock *vns_child_create(struct sock *listener)
{
	return vns_sock_new(sock_net(listener), NULL, listener, GFP_KERNEL,
			    listener->sk_type, 0);
}
EXPORT_SYMBOL_GPL(vns_child_create);

/**
 * vns_child_attach() - say who carries a child's data
 * @child: from vns_child_create()
 * @t: a transport written for us, which calls this
 *
 * Context: may sleep.
 * Return: 0 or the error of @t's attach.
 */
int vns_child_attach(struct vns_sock *child, const struct vns_transport *t)
{
	return vns_route_attach(child, t, NULL);
}
EXPORT_SYMBOL_GPL(vns_child_attach);

/**
 * vns_child_abandon() - a child does not get to accept()
 * @child: from vns_child_create(), and in no queue; its reference is dropped
 *
 * A lookup in a softirq that knew another socket in this memory may have a
 * reference for a moment: the last one, after which nothing may sleep, nor take
 * the transport's locks.  So the transport is done with the child here.
 *
 * Context: process context, no spinlock held.
 */
void vns_child_abandon(struct sock *child)
{
	vns_route_detach(vns_sk(child));
	sock_put(child);
}
EXPORT_SYMBOL_GPL(vns_child_abandon);

static void enqueue(struct vns_sock *listener, struct sock *child)
	__must_hold(&listener->accept_lock)
{
	lockdep_assert_held(&listener->accept_lock);
	sock_hold(child);
	list_add_tail(&vns_sk(child)->vsk.accept_queue,
		      &listener->vsk.accept_queue);
	WRITE_ONCE(listener->accept_count, listener->accept_count + 1);
}

/**
 * vns_child_enqueue() - hand a connected child to accept()
 * @listener: whom it is for; its socket lock is not needed
 * @child: the child, ready for use; the queue takes a reference
 *
 * Context: process context, no spinlock of a lookup held.
 * Return: 0, or -ECONNRESET when @listener does not listen or its backlog is
 *	full.
 */
int vns_child_enqueue(struct sock *listener, struct sock *child)
{
	struct vns_sock *vs = vns_sk(listener);
	int err = -ECONNRESET;

	spin_lock(&vs->accept_lock);
	if (vs->listening && has_room(vs)) {
		enqueue(vs, child);
		err = 0;
	}
	spin_unlock(&vs->accept_lock);
	if (!err)
		vns_data_ready(listener);

	return err;
}
EXPORT_SYMBOL_GPL(vns_child_enqueue);

/**
 * vns_child_enqueue_stock() - the same for a stock transport
 * @listener: the listener, its socket lock held, found listening
 * @child: the child; the queue takes a reference
 *
 * The transport has looked at sk_ack_backlog and counted the child there; it
 * wakes the listener itself.
 */
void vns_child_enqueue_stock(struct sock *listener, struct sock *child)
{
	struct vns_sock *vs = vns_sk(listener);

	spin_lock(&vs->accept_lock);
	enqueue(vs, child);
	spin_unlock(&vs->accept_lock);
}

/**
 * vns_accept_dequeue() - take the oldest connection that waits
 * @listener: the listener, its socket lock held
 *
 * Return: the child, with the queue's reference, or NULL.
 */
struct sock *vns_accept_dequeue(struct sock *listener)
{
	struct vns_sock *vs = vns_sk(listener);
	struct vsock_sock *vsk;

	spin_lock(&vs->accept_lock);
	vsk = list_first_entry_or_null(&vs->vsk.accept_queue,
				       struct vsock_sock, accept_queue);
	if (vsk) {
		list_del_init(&vsk->accept_queue);
		WRITE_ONCE(vs->accept_count, vs->accept_count - 1);
	}
	spin_unlock(&vs->accept_lock);
	if (!vsk)
		return NULL;

	/* Only stock transports count there, under the listener's lock. */
	if (vsk->transport)
		sk_acceptq_removed(listener);

	return sk_vsock(vsk);
}

/**
 * vns_listen_end() - take no more connections
 * @vs: a socket that closes, listening or not; its socket lock is held
 */
void vns_listen_end(struct vns_sock *vs)
{
	spin_lock(&vs->accept_lock);
	vs->listening = false;
	spin_unlock(&vs->accept_lock);
}

static struct sock *wait_for_child(struct sock *listener, bool nonblock,
				   int *err)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	long timeout = sock_rcvtimeo(listener, nonblock);
	struct sock *child;

	child = vns_accept_dequeue(listener);
	if (child)
		return child;

	add_wait_queue(sk_sleep(listener), &wait);
	while (!(child = vns_accept_dequeue(listener))) {
		if (listener->sk_state != TCP_LISTEN)
			*err = -EINVAL;
		else if (!timeout)
			*err = -EAGAIN;
		else if (signal_pending(current))
			*err = sock_intr_errno(timeout);
		if (*err)
			break;
		release_sock(listener);
		timeout = wait_woken(&wait, TASK_INTERRUPTIBLE, timeout);
		lock_sock(listener);
	}
	remove_wait_queue(sk_sleep(listener), &wait);

	return child;
}

/**
 * vns_accept_socket() - accept()
 * @sock: the listener
 * @newsock: the file side for the connection
 * @flags: O_NONBLOCK
 *
 * Return: 0, -EOPNOTSUPP for SOCK_DGRAM, -EINVAL when not listening, -EAGAIN,
 *	-EINTR or -ERESTARTSYS.
 */
int vns_accept_socket(struct socket *sock, struct socket *newsock, int flags)
{
	struct sock *listener = sock->sk;
	struct sock *child;
	int err = 0;

	if (!vns_is_connectible(listener))
		return -EOPNOTSUPP;

	lock_sock(listener);
	if (listener->sk_state != TCP_LISTEN) {
		err = -EINVAL;
		goto out;
	}
	child = wait_for_child(listener, flags & O_NONBLOCK, &err);
	if (!child)
		goto out;

	lock_sock_nested(child, VNS_NEST_CHILD);
	newsock->state = SS_CONNECTED;
	vns_want_sol_socket(newsock);
	if (vns_sk(child)->transport && vns_zerocopy_allowed(vns_sk(child)))
		vns_support_zerocopy(newsock);
	sock_graft(child, newsock);
	release_sock(child);
	sock_put(child);
out:
	release_sock(listener);

	return err;
}

/**
 * vns_pending_add() - remember a connection whose handshake goes on
 * @listener: the listener, its lock held
 * @pending: the child; the list takes a reference on both
 */
void vns_pending_add(struct sock *listener, struct sock *pending)
{
	sock_hold(pending);
	sock_hold(listener);
	list_add_tail(&vns_sk(pending)->vsk.pending_links,
		      &vns_sk(listener)->vsk.pending_links);
}

/**
 * vns_pending_remove() - the handshake of a connection is over
 * @listener: the listener, its lock held
 * @pending: the child
 */
void vns_pending_remove(struct sock *listener, struct sock *pending)
{
	list_del_init(&vns_sk(pending)->vsk.pending_links);
	sock_put(listener);
	sock_put(pending);
}

/**
 * vns_pending_expired() - clean up a handshake that was never finished
 * @vs: the child; a stock transport scheduled its vsk.pending_work, and gave that
 *	a reference on the child and on the listener
 */
void vns_pending_expired(struct vns_sock *vs)
{
	struct vsock_sock *vsk = &vs->vsk;
	struct sock *listener = vsk->listener;
	struct sock *sk = sk_vsock(vsk);
	bool abandoned;

	if (!vns_work_lock(listener, vns_wq, &vsk->pending_work.work))
		return;
	/* While it is pending no process has it, who might keep its lock. */
	abandoned = !list_empty(&vsk->pending_links);
	if (abandoned) {
		lock_sock_nested(sk, VNS_NEST_CHILD);
		vns_pending_remove(listener, sk);
		sk_acceptq_removed(listener);
		vns_table_disconnect(vs);
		sk->sk_state = TCP_CLOSE;
		release_sock(sk);
	}
	release_sock(listener);

	/* The reference of whoever would have accepted, and so closed, it. */
	if (abandoned)
		sock_put(sk);
	sock_put(sk);
	sock_put(listener);
}
