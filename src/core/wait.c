// SPDX-License-Identifier: GPL-2.0-only
/* Sleeping until data or room is there, and being woken. */
#include <linux/errno.h>
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>

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

	/*
	 * Part of what SO_RCVLOWAT asks for is taken as soon as it is there.  In this
	 * order: Hyper-V notices the end of a stream when it is asked for data.
	 */
	return (sk->sk_shutdown & RCV_SHUTDOWN) ||
	       vns_has_data(vs, 1) || vns_peer_is_done(vs);
}

/*
 * A receiver that has long been sent to without answering reads a stream.  When
 * it has caught up, it lets a little collect before it is woken: its waking, and
 * the writer's being interrupted by it, cost more than a small message does.
 * Nothing waits longer than a nap, and who answers now and then never naps.
 */
#define NAP_STREAK	16
#define NAP_NS		(50 * NSEC_PER_USEC)

/**
 * struct nap - a receiver that lets data collect
 * @wait: entry in the socket's wait queue
 * @vs: the socket
 * @woken: there is something else, or much data
 */
struct nap {
	struct wait_queue_entry wait;
	struct vns_sock *vs;
	bool woken;
};

/* Runs wherever the socket is woken from; all but data is told at once. */
static int nap_wake(struct wait_queue_entry *wait, unsigned int mode, int sync,
		    void *key)
{
	struct nap *nap = container_of(wait, struct nap, wait);
	const struct vns_transport *t = READ_ONCE(nap->vs->transport);

	/* Asleep, it does not have the socket lock, nor a say in what changes. */
	if (key && !(key_to_poll(key) & EPOLLERR) && t && t->has_much &&
	    !t->has_much(nap->vs))
		return 0;
	WRITE_ONCE(nap->woken, true);

	return default_wake_function(wait, mode, sync, key);
}

static bool reads_stream(struct vns_sock *vs)
{
	return vs->streak >= NAP_STREAK && vs->transport->has_much &&
	       !vns_in_sockmap(vns_sock_sk(vs)) && hrtimer_resolution < NAP_NS;
}

static void take_nap(struct vns_sock *vs, const struct vns_io *io)
{
	struct sock *sk = vns_sock_sk(vs);
	ktime_t length = NAP_NS;
	struct nap nap = { .vs = vs };

	init_waitqueue_entry(&nap.wait, current);
	nap.wait.func = nap_wake;
	add_wait_queue(sk_sleep(sk), &nap.wait);
	/* As in vns_wait(). */
	smp_mb();

	if (!worth_a_try(vs, io, VNS_WAIT_DATA)) {
		release_sock(sk);
		set_current_state(TASK_INTERRUPTIBLE);
		if (!READ_ONCE(nap.woken))
			schedule_hrtimeout_range(&length, 0, HRTIMER_MODE_REL);
		__set_current_state(TASK_RUNNING);
		lock_sock(sk);
	}
	remove_wait_queue(sk_sleep(sk), &nap.wait);
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
	if (what == VNS_WAIT_DATA && reads_stream(vs)) {
		take_nap(vs, io);
		if (worth_a_try(vs, io, what))
			return 0;
		vs->streak = 0;
	}

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

/* What sk_data_ready() is when nobody has put anything else there. */
static void (*plain_data_ready)(struct sock *sk) __read_mostly;

/**
 * vns_ready_locked() - call sk_data_ready(), and tell of the end if it has come
 * @vs: the socket, its socket lock held
 *
 * The program of a sockmap may have dropped the last data, or let it pass: who
 * waits for the end, and for nothing else, hears of it here only.
 */
void vns_ready_locked(struct vns_sock *vs)
{
	struct sock *sk = vns_sock_sk(vs);

	READ_ONCE(sk->sk_data_ready)(sk);
	if (READ_ONCE(vs->vsk.peer_shutdown) & SEND_SHUTDOWN)
		sk->sk_state_change(sk);
}

/**
 * vns_ready_run() - take the socket lock for vns_ready_locked()
 * @vs: the socket, with the reference of vns_data_ready_later(), which is dropped
 *
 * Context: its work item; may sleep, but not for the lock.
 */
void vns_ready_run(struct vns_sock *vs)
{
	struct sock *sk = vns_sock_sk(vs);

	if (!vns_work_lock(sk, vns_wq, &vs->vsk.pending_work.work))
		return;
	vns_ready_locked(vs);
	release_sock(sk);
	sock_put(sk);
}

/*
 * The kernel's own wakes nobody while much is charged to the sender, which here is
 * so only while another thread makes buffers that refer to its memory: who waits
 * for room would be told never.
 */
static void write_space(struct sock *sk)
{
	struct socket_wq *wq;

	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_sync_poll(&wq->wait, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
	sk_wake_async(sk, SOCK_WAKE_SPACE, POLL_OUT);
	rcu_read_unlock();
}

/**
 * vns_wait_prepare() - how a new socket wakes who waits for data, and for room
 * @vs: the socket, as sock_init_data() made it
 */
void vns_wait_prepare(struct vns_sock *vs)
{
	struct sock *sk = vns_sock_sk(vs);

	if (unlikely(!READ_ONCE(plain_data_ready)))
		WRITE_ONCE(plain_data_ready, sk->sk_data_ready);
	sk->sk_write_space = write_space;
}

/**
 * vns_data_ready_later() - have sk_data_ready() called with the socket lock
 * @sk: the socket
 * @delay: after so many jiffies, or when another call wants it, unless the socket
 *	was locked then
 *
 * Context: any; the caller has a reference.
 */
void vns_data_ready_later(struct sock *sk, unsigned long delay)
{
	struct delayed_work *work = &vns_sk(sk)->vsk.pending_work;
	bool pending;

	sock_hold(sk);
	/* What has no delay does not wait for a try that has one. */
	pending = delay ? !queue_delayed_work(vns_wq, work, delay) :
			  mod_delayed_work(vns_wq, work, 0);
	if (pending)
		sock_put(sk);
}

/**
 * vns_data_ready() - tell a socket that there is data to receive
 * @sk: the socket
 *
 * The kernel's own sk_data_ready() wakes who waits.  That of a sockmap's program
 * receives, which takes the socket lock, and locks of the transport that its
 * caller may have.
 *
 * Context: any; the caller has a reference.
 */
void vns_data_ready(struct sock *sk)
{
	void (*ready)(struct sock *sk) = READ_ONCE(sk->sk_data_ready);

	if (likely(ready == READ_ONCE(plain_data_ready)))
		ready(sk);
	else
		vns_data_ready_later(sk, 0);
}
EXPORT_SYMBOL_GPL(vns_data_ready);

static bool has_unsent(struct vns_sock *vs)
{
	const struct vns_transport *t = vs->transport;

	return t && t->unsent && t->unsent(vs) > 0;
}

/**
 * vns_wait_sent() - sleep until the peer has all that was sent
 * @vs: the socket, its lock held; it has a struct socket
 * @timeout: in jiffies, at most so long
 *
 * A transport that does not know, or a signal, ends that at once.  The transport
 * wakes the socket when bytes were taken.
 *
 * Context: gives the lock up meanwhile.
 */
void vns_wait_sent(struct vns_sock *vs, long timeout)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct sock *sk = vns_sock_sk(vs);

	add_wait_queue(sk_sleep(sk), &wait);
	while (has_unsent(vs) && timeout && !signal_pending(current)) {
		release_sock(sk);
		timeout = wait_woken(&wait, TASK_INTERRUPTIBLE, timeout);
		lock_sock(sk);
	}
	remove_wait_queue(sk_sleep(sk), &wait);
}
