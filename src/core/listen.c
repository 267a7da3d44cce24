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
	int err = 0;

	if (!vns_is_connectible(sk))
		return -EOPNOTSUPP;

	lock_sock(sk);
	if (sock->state != SS_UNCONNECTED ||
	    !vsock_addr_bound(&vsock_sk(sk)->local_addr)) {
		err = -EINVAL;
	} else {
		sk->sk_max_ack_backlog = backlog;
		sk->sk_state = TCP_LISTEN;
	}
	release_sock(sk);

	return err;
}

/**
 * vns_listener_find() - who listens at an address
 * @domain: the CID and port space
 * @addr: the address
 *
 * The answer may be bound only, or stop listening at any time: check its state
 * under its lock.
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
 * vns_child_enqueue() - hand a connected child to accept()
 * @listener: the listener, its lock held
 * @child: the child; the queue takes a reference
 *
 * The caller has counted it (sk_acceptq_added()) and wakes the listener.
 */
void vns_child_enqueue(struct sock *listener, struct sock *child)
{
	sock_hold(child);
	list_add_tail(&vns_sk(child)->vsk.accept_queue,
		      &vns_sk(listener)->vsk.accept_queue);
}
EXPORT_SYMBOL_GPL(vns_child_enqueue);

/**
 * vns_accept_dequeue() - take the oldest connection that waits
 * @listener: the listener, its lock held
 *
 * Return: the child, with the queue's reference, or NULL.
 */
struct sock *vns_accept_dequeue(struct sock *listener)
{
	struct vsock_sock *vsk;

	vsk = list_first_entry_or_null(&vns_sk(listener)->vsk.accept_queue,
				       struct vsock_sock, accept_queue);
	if (!vsk)
		return NULL;

	list_del_init(&vsk->accept_queue);
	sk_acceptq_removed(listener);

	return sk_vsock(vsk);
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
 * vns_pending_work() - clean up a handshake that was never finished
 * @work: vsock_sock.pending_work, scheduled by a stock transport, which gave
 *	it a reference on the child and on the listener
 */
void vns_pending_work(struct work_struct *work)
{
	struct vsock_sock *vsk = container_of(work, struct vsock_sock,
					      pending_work.work);
	struct sock *listener = vsk->listener;
	struct sock *sk = sk_vsock(vsk);
	bool orphan = false;

	lock_sock(listener);
	lock_sock_nested(sk, VNS_NEST_CHILD);
	if (!list_empty(&vsk->pending_links)) {
		vns_pending_remove(listener, sk);
		sk_acceptq_removed(listener);
		orphan = true;
	} else if (vsk->rejected) {
		orphan = true;
	}
	if (orphan) {
		vns_table_disconnect(vns_sk(sk));
		sk->sk_state = TCP_CLOSE;
	}
	release_sock(sk);
	release_sock(listener);

	/* Nobody will ever accept, and so release, it. */
	if (orphan)
		sock_put(sk);
	sock_put(sk);
	sock_put(listener);
}
