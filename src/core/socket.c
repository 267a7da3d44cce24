// SPDX-License-Identifier: GPL-2.0-only
/* Birth and death of a socket; getname() and shutdown(). */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/module.h>
#include <linux/security.h>

#include "core/socket.h"
#include "core/table.h"
#include "route/route.h"

static void proto_close(struct sock *sk, long timeout)
{
	vns_sock_close(sk, 0);
}

struct proto vns_proto = {
	.name = "AF_VSOCK",
	.owner = THIS_MODULE,
	.obj_size = sizeof(struct vns_sock),
	.slab_flags = SLAB_TYPESAFE_BY_RCU,
	.close = proto_close,
	VNS_PROTO_SOCKMAP
};

/* The last reference is gone; runs wherever that happened. */
static void sock_destruct(struct sock *sk)
{
	struct vns_sock *vs = vns_sk(sk);

	/* Most are out already; not those that were never accepted or closed. */
	vns_table_unbind(vs);
	vns_table_disconnect(vs);
	vns_route_detach(vs);
	put_cred(vs->vsk.owner);

	skb_queue_purge(&sk->sk_receive_queue);
	skb_queue_purge(&sk->sk_error_queue);
}

/*
 * A child whose handshake a stock transport watches uses this for that; every other
 * socket, to call sk_data_ready().  None needs both: what that transport carries
 * goes into no sockmap.
 */
static void pending_work(struct work_struct *work)
{
	struct vsock_sock *vsk = container_of(work, struct vsock_sock,
					      pending_work.work);
	struct vns_sock *vs = vns_sk(sk_vsock(vsk));

	if (vsk->listener)
		vns_pending_expired(vs);
	else
		vns_ready_run(vs);
}

/* Datagram transports hand packets over while the socket lock may be taken. */
static int backlog_receive(struct sock *sk, struct sk_buff *skb)
{
	int err = sock_queue_rcv_skb(sk, skb);

	if (err)
		kfree_skb(skb);
	return err;
}

static void inherit(struct vsock_sock *vsk, struct sock *parent)
{
	const struct vsock_sock *from = &vns_sk(parent)->vsk;

	vsk->trusted = from->trusted;
	vsk->owner = get_cred(from->owner);
	vsk->connect_timeout = from->connect_timeout;
	vsk->buffer_size = READ_ONCE(from->buffer_size);
	vsk->buffer_min_size = READ_ONCE(from->buffer_min_size);
	vsk->buffer_max_size = READ_ONCE(from->buffer_max_size);
	security_sk_clone(parent, sk_vsock(vsk));
}

static void set_defaults(struct vsock_sock *vsk)
{
	vsk->trusted = ns_capable_noaudit(&init_user_ns, CAP_NET_ADMIN);
	vsk->owner = get_current_cred();
	vsk->connect_timeout = VNS_DEFAULT_CONNECT_TIMEOUT;
	vsk->buffer_size = VNS_DEFAULT_BUFFER_SIZE;
	vsk->buffer_min_size = VNS_DEFAULT_BUFFER_MIN_SIZE;
	vsk->buffer_max_size = VNS_DEFAULT_BUFFER_MAX_SIZE;
}

/**
 * vns_sock_new() - make a socket
 * @net: its namespace
 * @sock: its file side, NULL for a child of a listener
 * @parent: the listener, NULL for a user's socket
 * @gfp: how to allocate
 * @type: SOCK_*, used when @sock is NULL
 * @kern: does not hold @net
 *
 * Context: as @gfp says.
 * Return: the socket, with one reference, or NULL.
 */
struct sock *vns_sock_new(struct net *net, struct socket *sock,
			  struct sock *parent, gfp_t gfp, int type, int kern)
{
	struct vsock_sock *vsk;
	struct vns_sock *vs;
	struct sock *sk;

	sk = sk_alloc(net, AF_VSOCK, gfp, &vns_proto, kern);
	if (!sk)
		return NULL;

	sock_init_data(sock, sk);
	if (!sock)
		sk->sk_type = type;
	sk->sk_allocation = GFP_KERNEL_ACCOUNT;
	sk->sk_destruct = sock_destruct;
	sk->sk_backlog_rcv = backlog_receive;

	vs = vns_sk(sk);
	spin_lock_init(&vs->accept_lock);

	vsk = &vs->vsk;
	vsock_addr_init(&vsk->local_addr, VMADDR_CID_ANY, VMADDR_PORT_ANY);
	vsock_addr_init(&vsk->remote_addr, VMADDR_CID_ANY, VMADDR_PORT_ANY);
	INIT_LIST_HEAD(&vsk->bound_table);
	INIT_LIST_HEAD(&vsk->connected_table);
	INIT_LIST_HEAD(&vsk->pending_links);
	INIT_LIST_HEAD(&vsk->accept_queue);
	INIT_DELAYED_WORK(&vsk->pending_work, pending_work);
	vns_connect_prepare(vs);
	vns_wait_prepare(vs);

	if (parent)
		inherit(vsk, parent);
	else
		set_defaults(vsk);

	return sk;
}

/**
 * vns_sock_domain() - where addresses of a socket mean something
 * @vs: the socket
 *
 * For transports written for us.  Context: any.
 * Return: what two sockets that can reach each other have in common.
 */
const struct vns_domain *vns_sock_domain(const struct vns_sock *vs)
{
	return vns_domain(vs);
}
EXPORT_SYMBOL_GPL(vns_sock_domain);

/**
 * vns_sock_close() - the user's side of a socket ends
 * @sk: the socket; its first reference is dropped
 * @nesting: lockdep's subclass for the socket lock
 *
 * Context: may sleep; no socket lock held but a listener's, when @sk is a child
 *	that was never accepted.
 */
void vns_sock_close(struct sock *sk, int nesting)
{
	struct vns_sock *vs = vns_sk(sk);
	struct sock *child;

	lock_sock_nested(sk, nesting);

	/* Tells a transport's release that the binding may go as well. */
	sock_set_flag(sk, SOCK_DEAD);
	if (vs->transport)
		vs->transport->release(vs);
	if (!vs->vsk.transport) {
		/* A stock transport does this itself, when its peer knows. */
		vns_table_unbind(vs);
		vns_table_disconnect(vs);
	}
	vns_connect_forget(vs);

	vns_listen_end(vs);
	/* A packet that was on its way here finds neither state any more. */
	if (sk->sk_state == TCP_LISTEN || sk->sk_state == TCP_SYN_SENT)
		sk->sk_state = TCP_CLOSE;

	/* After the transport, which may have lingered on the wait queue. */
	sock_orphan(sk);
	sk->sk_shutdown = SHUTDOWN_MASK;
	skb_queue_purge(&sk->sk_receive_queue);

	while ((child = vns_accept_dequeue(sk))) {
		vns_sock_close(child, VNS_NEST_CHILD);
		sock_put(child);
	}

	release_sock(sk);
	sock_put(sk);
}

/**
 * vns_release() - proto_ops.release
 * @sock: the socket
 */
int vns_release(struct socket *sock)
{
	struct sock *sk = sock->sk;

	if (sk) {
		/* A sockmap wants to know; until then its worker may send. */
		READ_ONCE(sk->sk_prot)->close(sk, 0);
		sock->sk = NULL;
	}
	sock->state = SS_FREE;

	return 0;
}

/**
 * vns_getname() - proto_ops.getname
 * @sock: the socket
 * @addr: where the address goes
 * @peer: the peer's address is asked for
 *
 * Return: length of the address, or -ENOTCONN.
 */
int vns_getname(struct socket *sock, struct sockaddr *addr, int peer)
{
	struct sock *sk = sock->sk;
	struct vsock_sock *vsk = vsock_sk(sk);
	int ret = sizeof(struct sockaddr_vm);

	lock_sock(sk);
	if (!peer)
		memcpy(addr, &vsk->local_addr, ret);
	else if (sock->state == SS_CONNECTED)
		memcpy(addr, &vsk->remote_addr, ret);
	else
		ret = -ENOTCONN;
	release_sock(sk);

	return ret;
}

/**
 * vns_shutdown() - proto_ops.shutdown
 * @sock: the socket
 * @how: SHUT_RD, SHUT_WR or SHUT_RDWR
 *
 * Return: 0, -EINVAL for another @how, -ENOTCONN, or the transport's error.
 */
int vns_shutdown(struct socket *sock, int how)
{
	struct sock *sk = sock->sk;
	struct vns_sock *vs = vns_sk(sk);
	int err = 0;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	/* SHUT_RD, SHUT_WR, SHUT_RDWR are 0, 1, 2; the mask is 1, 2, 3. */
	how++;

	lock_sock(sk);
	if (sock->state == SS_UNCONNECTED) {
		err = -ENOTCONN;
	} else {
		sock->state = SS_DISCONNECTING;
		sk->sk_shutdown |= how;
		sk->sk_state_change(sk);
		if (vns_is_connectible(sk) && vs->transport) {
			sock_reset_flag(sk, SOCK_DONE);
			err = vs->transport->shutdown(vs, how);
		}
	}
	release_sock(sk);

	return err;
}
