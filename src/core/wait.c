// SPDX-License-Identifier: GPL-2.0-only
/* Sleeping until data or room is there. */
#include <linux/errno.h>
#include <linux/sched/signal.h>

#include "core/socket.h"

/* Is there something to do, or a reason why there never will be? */
static bool worth_a_try(struct vns_sock *vs, const struct vns_io *io,
			enum vns_wait what)
{
	struct sock *sk = vns_sock_sk(vs);

	if (sk->sk_err || sk->sk_state != TCP_ESTABLISHED)
		return true;
	if (what == VNS_WAIT_SPACE)
		return vns_send_is_shut(vs) ||
		       vs->transport->has_room(vs, io->target);

	/* Part of what SO_RCVLOWAT asks for is taken as soon as it is there. */
	return (sk->sk_shutdown & RCV_SHUTDOWN) ||
	       (READ_ONCE(vs->vsk.peer_shutdown) & SEND_SHUTDOWN) ||
	       vs->transport->has_data(vs, 1);
}

/**
 * vns_wait() - sleep until a send or receive is worth another try
 * @vs: the socket
 * @io: the call
 * @what: what for
 * @timeout: jiffies left; updated
 *
 * A transport may wake us without our lock: the wait queue is joined before the
 * condition is looked at, and what has_data() or has_room() asks the transport
 * for is asked again before each sleep.
 *
 * Context: socket lock held, dropped while asleep.
 * Return: 0 when it is worth a try, -EAGAIN at the end of @timeout, -EINTR or
 *	-ERESTARTSYS for a signal, or the transport's error.
 */
int vns_wait(struct vns_sock *vs, struct vns_io *io, enum vns_wait what,
	     long *timeout)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct sock *sk = vns_sock_sk(vs);
	int err = 0;

	if (!*timeout)
		return worth_a_try(vs, io, what) ? 0 : -EAGAIN;

	add_wait_queue(sk_sleep(sk), &wait);
	/* Pairs with the one in skwq_has_sleeper() of whoever wakes us. */
	smp_mb();

	while (!worth_a_try(vs, io, what)) {
		if (!*timeout)
			err = -EAGAIN;
		else if (signal_pending(current))
			err = sock_intr_errno(*timeout);
		else if (vs->transport->io_block)
			err = vs->transport->io_block(vs, io, what);
		if (err)
			break;
		release_sock(sk);
		*timeout = wait_woken(&wait, TASK_INTERRUPTIBLE, *timeout);
		lock_sock(sk);
	}
	remove_wait_queue(sk_sleep(sk), &wait);

	return err;
}
