// SPDX-License-Identifier: GPL-2.0-only
/* The far side of the test transports: from connect() to the end of a connection. */
#include <linux/module.h>
#include <linux/slab.h>

#include "far_conn.h"

static struct workqueue_struct *far_wq;

static void free_conn(struct kref *kref)
{
	struct far_conn *conn = container_of(kref, struct far_conn, kref);

	skb_queue_purge(&conn->out);
	skb_queue_purge(&conn->in);
	kfree(conn);
}

/* The far side has something to do: in another context, as an interrupt has. */
void far_wake(struct far_conn *conn)
{
	sock_hold(conn->sk);
	kref_get(&conn->kref);
	if (!queue_work(far_wq, &conn->work)) {
		kref_put(&conn->kref, free_conn);
		sock_put(conn->sk);
	}
}

static void reset(struct far_conn *conn)
{
	struct sock *sk = conn->sk;

	conn->up = false;
	sk->sk_state = TCP_CLOSE;
	sk->sk_err = ECONNRESET;
	sock_set_flag(sk, SOCK_DONE);
	sk->sk_state_change(sk);
	sk_error_report(sk);
}

/* The connection stands: what the far side says by itself. */
void far_established(struct far_conn *conn)
{
	conn->up = true;
	far_serve(conn);
}

static void answer(struct far_conn *conn)
{
	struct sock *sk = conn->sk;

	switch (conn->service) {
	case FAR_SILENT:
		return;
	case FAR_ECHO:
	case FAR_NAME:
	case FAR_RESET:
	case FAR_END:
		sk->sk_state = TCP_ESTABLISHED;
		if (sk->sk_socket)
			sk->sk_socket->state = SS_CONNECTED;
		vsock_insert_connected(vsock_sk(sk));
		far_established(conn);
		sk->sk_state_change(sk);
		return;
	default:
		reset(conn);
	}
}

static void far_work(struct work_struct *work)
{
	struct far_conn *conn = container_of(work, struct far_conn, work);
	struct sock *sk = conn->sk;

	lock_sock(sk);
	/* It may have got another transport meanwhile. */
	if (vsock_sk(sk)->trans == conn) {
		if (sk->sk_state == TCP_SYN_SENT)
			answer(conn);
		else if (conn->up && conn->service == FAR_RESET && conn->out_bytes)
			reset(conn);
		else if (conn->up)
			far_serve(conn);
	}
	release_sock(sk);
	kref_put(&conn->kref, free_conn);
	sock_put(sk);
}

int far_init(struct far_side *far, struct vsock_sock *vsk)
{
	struct far_conn *conn = kzalloc(sizeof(*conn), GFP_KERNEL);

	if (!conn)
		return -ENOMEM;
	WARN_ON(vsk->trans);
	WARN_ON(vsk->transport != far->transport);
	conn->far = far;
	kref_init(&conn->kref);
	INIT_WORK(&conn->work, far_work);
	conn->sk = sk_vsock(vsk);
	skb_queue_head_init(&conn->out);
	skb_queue_head_init(&conn->in);
	INIT_LIST_HEAD(&conn->bound);
	vsk->trans = conn;
	atomic_inc(&far->calls[HOOK_init]);

	return 0;
}
EXPORT_SYMBOL_GPL(far_init);

void far_destruct(struct vsock_sock *vsk)
{
	struct far_conn *conn = far_called(vsk, destruct);

	WARN_ON(!list_empty(&conn->bound));
	vsk->trans = NULL;
	kref_put(&conn->kref, free_conn);
}
EXPORT_SYMBOL_GPL(far_destruct);

void far_release(struct vsock_sock *vsk)
{
	struct far_conn *conn = far_called(vsk, release);

	conn->up = false;
	far_dgram_unbind(conn);
	vsock_remove_sock(vsk);
}
EXPORT_SYMBOL_GPL(far_release);

int far_cancel_pkt(struct vsock_sock *vsk)
{
	WARN_ON(far_called(vsk, cancel_pkt)->up);
	return 0;
}
EXPORT_SYMBOL_GPL(far_cancel_pkt);

int far_connect(struct vsock_sock *vsk)
{
	struct far_conn *conn = far_called(vsk, connect);

	WARN_ON(sk_vsock(vsk)->sk_state != TCP_SYN_SENT);
	WARN_ON(!vsock_addr_bound(&vsk->local_addr));
	conn->service = vsk->remote_addr.svm_port;
	if (conn->service == FAR_NO_WAY)
		return -EHOSTUNREACH;
	far_wake(conn);

	return 0;
}
EXPORT_SYMBOL_GPL(far_connect);

int far_shutdown(struct vsock_sock *vsk, int mode)
{
	struct far_conn *conn = far_called(vsk, shutdown);

	if (mode & SEND_SHUTDOWN)
		conn->we_ended = true;
	far_wake(conn);

	return 0;
}
EXPORT_SYMBOL_GPL(far_shutdown);

static int __init far_module_init(void)
{
	far_wq = alloc_workqueue("test_far_side", 0, 0);

	return far_wq ? 0 : -ENOMEM;
}

/* Sockets that lost their transport may still have work of ours. */
static void __exit far_module_exit(void)
{
	destroy_workqueue(far_wq);
}

module_init(far_module_init);
module_exit(far_module_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Far side of the test transports");
