// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the guest answered a connect: what has to be done with the socket lock, and
 * so not by the guest's thread.
 */
#include <linux/errno.h>
#include <linux/module.h>

#include "protocol/conn.h"

/**
 * conn_answer() - have the socket told that it is connected, or is not
 * @conn: a connection that was CONN_CONNECTING until now, or is closed since
 */
void conn_answer(struct conn *conn)
	__must_hold(&conn->lock)
{
	lockdep_assert_held(&conn->lock);
	/* What happens to it before the work begins, that will find. */
	if (conn->answer_sk)
		return;
	/* The work may come long after the socket has gone to another transport. */
	__module_get(THIS_MODULE);
	sock_hold(conn->sk);
	conn->answer_sk = conn->sk;
	conn_get(conn);
	queue_work(conn_wq, &conn->answer);
}

static void refused(struct vns_sock *vs, int err)
{
	struct sock *sk = vns_sock_sk(vs);

	conn_leave(vs);
	sk->sk_state = TCP_CLOSE;
	WRITE_ONCE(sk->sk_err, err);
	sk_error_report(sk);
}

/* What the guest did since is told along. */
static void connected(struct vns_sock *vs, u32 shutdown, int err)
{
	struct conn *conn = conn_sk(vs)->conn;
	struct sock *sk = vns_sock_sk(vs);

	vns_mark_connected(vs);
	if (err)
		WRITE_ONCE(sk->sk_err, err);
	if (shutdown) {
		/*
		 * The guest's thread may add to it.  After the last data: see
		 * vns_peer_is_done().
		 */
		spin_lock(&conn->lock);
		smp_store_release(&vs->vsk.peer_shutdown,
				  vs->vsk.peer_shutdown | shutdown);
		spin_unlock(&conn->lock);
	}
	sk->sk_state_change(sk);
	/* It woke nobody, as the socket was connecting. */
	if (READ_ONCE(conn->in.unread))
		vns_data_ready(sk);
}

/**
 * conn_answer_work() - tell the socket
 * @work: in struct conn
 *
 * Once the socket lock is free, which a process may hold for as long as the memory
 * takes that it hands to setsockopt().
 */
void conn_answer_work(struct work_struct *work)
{
	struct conn *conn = container_of(work, struct conn, answer);
	struct sock *sk = conn->answer_sk;
	struct vns_sock *vs = vns_sk(sk);
	bool accepted;
	u32 shutdown;
	int err;

	if (!vns_work_lock(sk, conn_wq, work))
		return;
	/* The caller may have given up, and even tried another. */
	if (vs->transport == &conn_transport && conn_sk(vs)->conn == conn &&
	    sk->sk_state == TCP_SYN_SENT) {
		spin_lock(&conn->lock);
		conn->known = true;
		accepted = conn->accepted;
		shutdown = conn->state == CONN_CLOSED ? SHUTDOWN_MASK :
							conn->peer_shutdown;
		err = conn->err;
		spin_unlock(&conn->lock);

		if (accepted)
			connected(vs, shutdown, err);
		else
			refused(vs, err);
	}
	release_sock(sk);
	sock_put(sk);
	conn_put(conn);
	/* Unloading waits for the end of this function. */
	module_put(THIS_MODULE);
}
