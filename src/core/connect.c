// SPDX-License-Identifier: GPL-2.0-only
/* connect(): from a closed socket to a connected one, or back. */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>

#include "core/socket.h"
#include "core/table.h"
#include "route/route.h"

/*
 * Ends nonblocking connects that got no answer, and calls sk_data_ready() for
 * vns_data_ready().  Ours alone, so that unloading the module can wait for the
 * last work.  Nothing on it sleeps for the lock of a socket that a process has: see
 * vns_work_lock().
 */
struct workqueue_struct *vns_wq;

/**
 * vns_connect_init() - module init
 *
 * Return: 0 or -ENOMEM.
 */
int __init vns_connect_init(void)
{
	vns_wq = alloc_workqueue("vsock", 0, 0);

	return vns_wq ? 0 : -ENOMEM;
}

/** vns_connect_exit() - module exit; no socket is left */
void vns_connect_exit(void)
{
	destroy_workqueue(vns_wq);
}

/* Jiffies until a nonblocking connect has to end, counted in half a word. */
static s32 time_left(const struct vns_sock *vs)
{
	return vs->connect_deadline - (u32)jiffies;
}

/*
 * A connect that fails leaves the socket as it was before the attempt, free to
 * try again.
 */
static void connect_failed(struct vns_sock *vs)
{
	struct sock *sk = vns_sock_sk(vs);

	sk->sk_state = TCP_CLOSE;
	if (sk->sk_socket)
		sk->sk_socket->state = SS_UNCONNECTED;
	vns_table_disconnect(vs);
}

/* The caller no longer waits for an answer that is still to come. */
static void connect_abandon(struct vns_sock *vs)
{
	connect_failed(vs);
	if (vs->transport->cancel)
		vs->transport->cancel(vs);
	/* Another thread may be waiting for the same connection. */
	vns_sock_sk(vs)->sk_state_change(vns_sock_sk(vs));
}

static void connect_timeout_work(struct work_struct *work)
{
	struct vsock_sock *vsk = container_of(work, struct vsock_sock,
					      connect_work.work);
	struct sock *sk = sk_vsock(vsk);

	if (!vns_work_lock(sk, vns_wq, work))
		return;
	if (sk->sk_state == TCP_SYN_SENT && sk->sk_shutdown != SHUTDOWN_MASK &&
	    time_left(vns_sk(sk)) <= 0) {
		connect_abandon(vns_sk(sk));
		sk->sk_err = ETIMEDOUT;
		sk_error_report(sk);
	}
	release_sock(sk);
	sock_put(sk);
}

/**
 * vns_connect_prepare() - a new socket: no connect is pending
 * @vs: the socket
 */
void vns_connect_prepare(struct vns_sock *vs)
{
	INIT_DELAYED_WORK(&vs->vsk.connect_work, connect_timeout_work);
}

/**
 * vns_connect_forget() - the timeout of an earlier connect does not count any more
 * @vs: the socket
 *
 * Context: socket lock held.
 */
void vns_connect_forget(struct vns_sock *vs)
{
	if (cancel_delayed_work(&vs->vsk.connect_work))
		__sock_put(vns_sock_sk(vs));
}

/* The state that a connect() finds decides before its address is looked at. */
static int check_state(struct socket *sock)
{
	switch (sock->state) {
	case SS_CONNECTED:
		return -EISCONN;
	case SS_CONNECTING:
		return -EALREADY;
	case SS_UNCONNECTED:
		return sock->sk->sk_state == TCP_LISTEN ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

/* Did a peer answer, or did nothing get that far? */
static bool peer_refused(int err)
{
	return err == -ECONNRESET || err == -EPROTO;
}

static int connect_once(struct vns_sock *vs, const struct sockaddr_vm *remote)
{
	struct sock *sk = vns_sock_sk(vs);
	bool autobind;
	int err;

	if (sk->sk_shutdown)
		return -EINVAL;

	vs->vsk.remote_addr = *remote;
	err = vns_route_connect(vs);
	if (err)
		return err;
	if (vns_zerocopy_allowed(vs))
		vns_support_zerocopy(sk->sk_socket);
	else if (sock_flag(sk, SOCK_ZEROCOPY))
		return -EOPNOTSUPP;
	autobind = !vsock_addr_bound(&vs->vsk.local_addr);
	if (autobind) {
		err = vns_autobind(vs);
		if (err)
			return err;
	}

	/* One that runs already waits for our lock, and sees the deadline. */
	vns_connect_forget(vs);
	vs->connect_deadline = (u32)jiffies +
			       min_t(long, S32_MAX,
				     READ_ONCE(vs->vsk.connect_timeout));
	sock_reset_flag(sk, SOCK_DONE);
	sk->sk_err = 0;
	sk->sk_state = TCP_SYN_SENT;
	WRITE_ONCE(vs->vsk.peer_shutdown, 0);
	sk->sk_socket->state = SS_CONNECTING;

	err = vs->transport->connect(vs);
	if (err && err != -EINPROGRESS) {
		connect_failed(vs);
		/* Nobody has seen the port, unless it was a peer that refused. */
		if (autobind && !peer_refused(err))
			vns_table_forget(vs);
	}

	return err;
}

static int connect_start(struct vns_sock *vs, const struct sockaddr_vm *remote)
{
	int err = connect_once(vs, remote);

	/*
	 * A guest that went while its transport was asked leaves the address to
	 * whoever serves it without that guest.
	 */
	if (err == -ENODEV && vs->transport && vs->transport->owns_cid)
		err = connect_once(vs, remote);

	return err;
}

/*
 * A connection that stood and ended again is no failed connect: the caller is
 * told by what it does next.
 */
static bool was_established(const struct sock *sk)
{
	return sk->sk_state == TCP_ESTABLISHED || sk->sk_state == TCP_CLOSING;
}

static int wait_connected(struct vns_sock *vs, bool nonblock)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct sock *sk = vns_sock_sk(vs);
	long timeout = READ_ONCE(vs->vsk.connect_timeout);
	int err = 0;

	add_wait_queue(sk_sleep(sk), &wait);
	while (sk->sk_state == TCP_SYN_SENT && !sk->sk_err) {
		if (nonblock) {
			/* The option may have changed since the attempt began. */
			if (queue_delayed_work(vns_wq, &vs->vsk.connect_work,
					       max(time_left(vs), 0)))
				sock_hold(sk);
			err = -EINPROGRESS;
		} else if (sk->sk_shutdown & SEND_SHUTDOWN) {
			err = -EPIPE;
		} else if (!timeout) {
			err = -ETIMEDOUT;
		} else if (signal_pending(current)) {
			err = sock_intr_errno(timeout);
		}
		if (err)
			break;
		release_sock(sk);
		timeout = wait_woken(&wait, TASK_INTERRUPTIBLE, timeout);
		lock_sock(sk);
	}
	remove_wait_queue(sk_sleep(sk), &wait);

	if (err == -EINPROGRESS)
		return err;
	if (err) {
		connect_abandon(vs);
		return err;
	}

	if (was_established(sk))
		return 0;
	err = sock_error(sk) ?: -ECONNRESET;
	/* Another thread may have heard of it first, and listen by now. */
	if (sk->sk_state != TCP_LISTEN)
		connect_failed(vs);

	return err;
}

/* The peer's answer is here already; a nonblocking caller expects it in poll(). */
static int answer_later(struct sock *sk, int err)
{
	sk->sk_err = err;
	sk_error_report(sk);

	return -EINPROGRESS;
}

static int connected_later(struct sock *sk)
{
	sk->sk_state_change(sk);

	return -EINPROGRESS;
}

/**
 * vns_connect_sockaddr() - connect() on SOCK_STREAM and SOCK_SEQPACKET
 * @sock: the socket
 * @addr: the caller's address, already in kernel memory
 * @len: its length
 * @flags: O_NONBLOCK
 *
 * Return: 0 or the errors of connect(2); a failed attempt leaves the socket
 *	free to try again.
 */
int vns_connect_sockaddr(struct socket *sock, const void *addr, int len,
			 int flags)
{
	const bool nonblock = flags & O_NONBLOCK;
	struct sock *sk = sock->sk;
	struct vns_sock *vs = vns_sk(sk);
	struct sockaddr_vm *remote;
	int err;

	lock_sock(sk);
	/* A nonblocking attempt that ended tells so here, or in SO_ERROR. */
	if (sock->state == SS_CONNECTING && was_established(sk))
		sock->state = SS_CONNECTED;
	if (sock->state == SS_CONNECTING && sk->sk_state == TCP_CLOSE)
		connect_failed(vs);

	err = check_state(sock);
	if (err == -EALREADY && !nonblock) {
		err = wait_connected(vs, false);
		goto out;
	}
	if (err)
		goto out;
	if (vsock_addr_cast(addr, len, &remote)) {
		err = -EINVAL;
		goto out;
	}
	/* That nobody answered the last attempt in time is no answer to this one. */
	err = sk->sk_err == ETIMEDOUT ? 0 : sock_error(sk);
	if (err)
		goto out;

	err = connect_start(vs, remote);
	if (err == -EINPROGRESS)
		err = wait_connected(vs, nonblock);
	else if (nonblock && peer_refused(err))
		err = answer_later(sk, -err);
	else if (nonblock && !err)
		err = connected_later(sk);
	if (sock->state == SS_CONNECTING && was_established(sk))
		sock->state = SS_CONNECTED;
out:
	release_sock(sk);

	return err;
}

/**
 * vns_mark_connected() - a connection of @vs stands
 * @vs: a connecting socket, or a child that is about to be accepted
 *
 * For transports written for us.  Context: socket lock of @vs held.
 */
void vns_mark_connected(struct vns_sock *vs)
{
	struct sock *sk = vns_sock_sk(vs);

	sk->sk_state = TCP_ESTABLISHED;
	/* What was shut down while it connected stays so. */
	if (sk->sk_socket && sk->sk_socket->state == SS_CONNECTING)
		sk->sk_socket->state = SS_CONNECTED;
	vns_table_connect(vs, true);
}
EXPORT_SYMBOL_GPL(vns_mark_connected);
