// SPDX-License-Identifier: GPL-2.0-only
/* poll(), select() and epoll on sockets of every type. */
#include <linux/poll.h>

#include "core/socket.h"

static __poll_t poll_in(struct vns_sock *vs)
{
	struct sock *sk = vns_sock_sk(vs);
	const struct vns_transport *t = vs->transport;
	size_t target = sock_rcvlowat(sk, 0, INT_MAX);
	bool ready = false;
	int err = 0;

	if (sk->sk_state == TCP_LISTEN)
		ready = READ_ONCE(vs->accept_count);
	else if (!t || (sk->sk_shutdown & RCV_SHUTDOWN) ||
		 (t->accepts_data && !t->accepts_data(vs)))
		return 0;
	else if (vns_in_sockmap(sk))
		ready = vns_sockmap_has_data(vs, target);
	else if (t->poll_in)
		err = t->poll_in(vs, target, &ready);
	else
		ready = t->has_data(vs, target);

	if (err < 0)
		return EPOLLERR;
	return ready ? EPOLLIN | EPOLLRDNORM : 0;
}

static __poll_t poll_out(struct vns_sock *vs)
{
	struct sock *sk = vns_sock_sk(vs);
	const struct vns_transport *t = vs->transport;
	bool ready = false;
	int err = 0;

	if (sk->sk_shutdown & SEND_SHUTDOWN)
		return 0;
	if (sk->sk_state == TCP_CLOSE || sk->sk_state == TCP_CLOSING)
		/* It would not block: it would fail. */
		ready = true;
	else if (sk->sk_state != TCP_ESTABLISHED || !t)
		return 0;
	else if (t->poll_out)
		err = t->poll_out(vs, 1, &ready);
	else
		ready = t->has_room(vs, 1);

	if (err < 0)
		return EPOLLERR;
	return ready ? EPOLLOUT | EPOLLWRNORM : 0;
}

static __poll_t poll_error(struct sock *sk)
{
	return READ_ONCE(sk->sk_err) ||
	       !skb_queue_empty_lockless(&sk->sk_error_queue) ? EPOLLERR : 0;
}

static __poll_t poll_connectible(struct vns_sock *vs)
{
	struct sock *sk = vns_sock_sk(vs);
	/* Once, so that the answer is of one moment; see vns_peer_is_done(). */
	const u32 peer_shutdown = smp_load_acquire(&vs->vsk.peer_shutdown);
	__poll_t mask = 0;

	if (sk->sk_shutdown == SHUTDOWN_MASK ||
	    ((sk->sk_shutdown & SEND_SHUTDOWN) &&
	     (peer_shutdown & SEND_SHUTDOWN)))
		mask |= EPOLLHUP;
	if ((sk->sk_shutdown & RCV_SHUTDOWN) ||
	    ((peer_shutdown & SEND_SHUTDOWN) && !vns_expects_more(vs)))
		mask |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;

	return mask | poll_in(vs) | poll_out(vs) | poll_error(sk);
}

static __poll_t poll_dgram(struct vns_sock *vs)
{
	struct sock *sk = vns_sock_sk(vs);
	__poll_t mask = 0;

	if (sk->sk_shutdown == SHUTDOWN_MASK)
		mask |= EPOLLHUP;
	if (!skb_queue_empty_lockless(&sk->sk_receive_queue) ||
	    (sk->sk_shutdown & RCV_SHUTDOWN))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (!(sk->sk_shutdown & SEND_SHUTDOWN))
		mask |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;

	return mask | poll_error(sk);
}

/**
 * vns_poll() - proto_ops.poll
 * @file: the socket's file
 * @sock: the socket
 * @wait: whom to wake
 *
 * Return: EPOLL* events that are true now.
 */
__poll_t vns_poll(struct file *file, struct socket *sock, poll_table *wait)
{
	struct sock *sk = sock->sk;
	struct vns_sock *vs = vns_sk(sk);
	__poll_t mask;

	sock_poll_wait(file, sock, wait);

	if (!vns_is_connectible(sk))
		return poll_dgram(vs);

	/*
	 * A transport may go away with the lock only, and a connect that fails shows
	 * all that it changes or nothing.
	 */
	lock_sock(sk);
	mask = poll_connectible(vs);
	release_sock(sk);

	return mask;
}
