// SPDX-License-Identifier: GPL-2.0-only
/* The packet protocol as a transport of AF_VSOCK: VNS_ROLE_H2G. */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "protocol/conn.h"

/* Tells sockets of answers, and ends what lingers. */
struct workqueue_struct *conn_wq;

static bool seqpacket_allow(const struct vns_transport *t,
			    const struct vns_domain *domain, u32 cid)
{
	struct guest *guest = guest_find(domain, cid);
	bool allow = guest && guest_has_seqpacket(guest);

	if (guest)
		guest_put(guest);

	return allow;
}

static u32 local_cid(const struct vns_transport *t)
{
	return VMADDR_CID_HOST;
}

static bool owns_cid(const struct vns_transport *t,
		     const struct vns_domain *domain, u32 cid)
{
	return guest_exists(domain, cid);
}

static int attach(struct vns_sock *vs, struct vns_sock *parent)
{
	memset(conn_sk(vs), 0, sizeof(struct conn_sock));
	WRITE_ONCE(vs->vsk.buffer_size,
		   min_t(u64, vs->vsk.buffer_size, U32_MAX));

	return 0;
}

static int connect_to(struct vns_sock *vs, struct guest *guest)
{
	const struct sockaddr_vm *remote = &vs->vsk.remote_addr;
	struct conn *conn;
	int err;

	if (!guest_is_running(guest))
		return -EHOSTUNREACH;
	conn = conn_new(guest, remote->svm_cid, vs, remote->svm_port,
			vs->vsk.local_addr.svm_port);
	if (!conn)
		return -ENOMEM;
	/* Before the guest can find it, or it could answer what was not asked. */
	conn->due = CONN_DUE_REQUEST;
	err = conn_link(conn);
	if (err) {
		conn_leave(vs);
		return err;
	}
	spin_lock(&conn->lock);
	conn_make_ready(conn);
	spin_unlock(&conn->lock);

	return -EINPROGRESS;
}

static int start_connect(struct vns_sock *vs)
{
	struct guest *guest;
	int err;

	/* An earlier attempt may have left something. */
	conn_leave(vs);
	guest = guest_find(vns_sock_domain(vs), vs->vsk.remote_addr.svm_cid);
	if (!guest)
		return -ENODEV;
	err = connect_to(vs, guest);
	guest_put(guest);

	return err;
}

static int shut_down(struct vns_sock *vs, int how)
{
	struct conn *conn = conn_sk(vs)->conn;

	if (!conn)
		return -ENOTCONN;
	spin_lock(&conn->lock);
	if (how & RCV_SHUTDOWN)
		conn->deaf = true;
	if (conn->state != CONN_CLOSED) {
		conn->shutdown |= how;
		conn->shut |= how;
		conn_due(conn, CONN_DUE_SHUTDOWN);
	}
	spin_unlock(&conn->lock);

	return 0;
}

/* Does the socket have to wait until the guest took more? */
static bool has_unsent(struct conn *conn)
{
	bool unsent;

	spin_lock(&conn->lock);
	unsent = conn->out.unread;
	conn->drain_wanted = unsent;
	spin_unlock(&conn->lock);

	return unsent;
}

/* SO_LINGER: close() waits until all is with the guest. */
static void wait_for_drain(struct vns_sock *vs)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct conn *conn = conn_sk(vs)->conn;
	struct sock *sk = vns_sock_sk(vs);
	long timeout = sk->sk_lingertime;

	if (!conn || !sock_flag(sk, SOCK_LINGER) || !sock_flag(sk, SOCK_DEAD) ||
	    !sk->sk_socket || (current->flags & PF_EXITING))
		return;

	conn_get(conn);
	add_wait_queue(sk_sleep(sk), &wait);
	while (has_unsent(conn) && timeout && !signal_pending(current)) {
		release_sock(sk);
		timeout = wait_woken(&wait, TASK_INTERRUPTIBLE, timeout);
		lock_sock(sk);
	}
	remove_wait_queue(sk_sleep(sk), &wait);
	conn_put(conn);
}

static void release(struct vns_sock *vs)
{
	wait_for_drain(vs);
	conn_leave(vs);
}

static bool accepts_data(struct vns_sock *vs)
{
	return conn_sk(vs)->conn;
}

static ssize_t bytes_queued(struct vns_sock *vs)
{
	const struct conn *conn = conn_sk(vs)->conn;

	return conn ? READ_ONCE(conn->in.unread) : 0;
}

/* What the guest's driver did not get yet. */
static ssize_t bytes_unsent(struct vns_sock *vs)
{
	const struct conn *conn = conn_sk(vs)->conn;

	return conn ? READ_ONCE(conn->out.unread) : 0;
}

static u64 rcvhiwat(struct vns_sock *vs)
{
	return vs->vsk.buffer_size;
}

const struct vns_transport conn_transport = {
	.owner = THIS_MODULE,
	.zerocopy = true,
	.seqpacket_allow = seqpacket_allow,
	.local_cid = local_cid,
	.owns_cid = owns_cid,
	.attach = attach,
	.detach = conn_leave,
	.connect = start_connect,
	.cancel = conn_leave,
	.shutdown = shut_down,
	.release = release,
	.send = conn_send,
	.recv = conn_recv,
	.read_skb = conn_read_skb,
	.has_data = conn_has_data,
	.has_room = conn_has_room,
	.has_much = conn_has_much,
	.accepts_data = accepts_data,
	.buffer_size = conn_buffer_size,
	.rcvlowat = conn_rcvlowat,
	.queued = bytes_queued,
	.unsent = bytes_unsent,
	.rcvhiwat = rcvhiwat,
};

/**
 * protocol_register() - sockets may connect to guests, and guests to sockets
 *
 * Context: module init.
 * Return: 0, -ENOMEM, or -EBUSY when another module serves guests.
 */
int __init protocol_register(void)
{
	int err;

	conn_wq = alloc_workqueue("vhost-vsock", 0, 0);
	if (!conn_wq)
		return -ENOMEM;
	err = vns_transport_register(&conn_transport, VNS_ROLE_H2G);
	if (err)
		destroy_workqueue(conn_wq);

	return err;
}

/**
 * protocol_unregister() - the same undone; no guest and no socket is left
 *
 * Context: module exit, or init that failed.
 */
void protocol_unregister(void)
{
	vns_transport_unregister(&conn_transport);
	/* Work that has let go of its socket may still be on its way out. */
	destroy_workqueue(conn_wq);
}
