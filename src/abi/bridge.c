// SPDX-License-Identifier: GPL-2.0-only
/*
 * Behind the exported functions: the core, seen the way stock modules expect.
 *
 * Stock modules know of no domains.  They are given the global one.
 */
#include <net/sock.h>
#include <net/af_vsock.h>

#include "abi/bridge.h"
#include "compat/stock_transport.h"
#include "core/socket.h"
#include "core/table.h"
#include "netns/netns.h"
#include "route/route.h"

static struct vns_sock *vs_of(struct vsock_sock *vsk)
{
	return container_of(vsk, struct vns_sock, vsk);
}

/* Does a transport that is written for us carry it? */
static bool is_ours(const struct vns_sock *vs)
{
	return READ_ONCE(vs->transport) && !READ_ONCE(vs->vsk.transport);
}

/**
 * vns_bridge_find_bound() - vsock_find_bound_socket()
 * @addr: the address
 *
 * Return: a socket of the global domain, with a reference, or NULL.
 */
struct sock *vns_bridge_find_bound(const struct sockaddr_vm *addr)
{
	struct sock *sk = vns_table_find_bound(&vns_global_domain, addr);

	/*
	 * A client of a transport of ours is bound as well.  Some stock
	 * transports look at a socket before they check whose it is.
	 */
	if (sk && is_ours(vns_sk(sk)) &&
	    READ_ONCE(sk->sk_state) != TCP_LISTEN) {
		sock_put(sk);
		sk = NULL;
	}

	return sk;
}

/**
 * vns_bridge_find_connected() - vsock_find_connected_socket()
 * @remote: where a packet came from
 * @local: where it goes to
 *
 * Return: a socket of the global domain, with a reference, or NULL.
 */
struct sock *vns_bridge_find_connected(const struct sockaddr_vm *remote,
				       const struct sockaddr_vm *local)
{
	return vns_table_find_connected(&vns_global_domain, local, remote);
}

/**
 * vns_bridge_insert_connected() - vsock_insert_connected()
 * @vsk: the socket, locked, or a child that nobody else knows
 *
 * The caller cannot be told of an error.  A connection that could never be
 * found again is ended instead.
 */
void vns_bridge_insert_connected(struct vsock_sock *vsk)
{
	struct sock *sk = sk_vsock(vsk);

	/* The connection stands, or never will. */
	vns_connect_forget(vs_of(vsk));
	if (!vns_table_connect(vs_of(vsk), false))
		return;

	sock_set_flag(sk, SOCK_DONE);
	WRITE_ONCE(vsk->peer_shutdown, SHUTDOWN_MASK);
	sk->sk_err = ENOMEM;
	sk_error_report(sk);
}

/**
 * vns_bridge_remove_bound() - vsock_remove_bound()
 * @vsk: the socket
 */
void vns_bridge_remove_bound(struct vsock_sock *vsk)
{
	vns_table_unbind(vs_of(vsk));
}

/**
 * vns_bridge_remove_connected() - vsock_remove_connected()
 * @vsk: the socket
 */
void vns_bridge_remove_connected(struct vsock_sock *vsk)
{
	vns_table_disconnect(vs_of(vsk));
}

/**
 * vns_bridge_for_each_connected() - vsock_for_each_connected_socket()
 * @t: sockets of this transport only
 * @fn: called with vsock_table_lock held
 */
void vns_bridge_for_each_connected(const struct vsock_transport *t,
				   void (*fn)(struct sock *sk))
{
	vns_table_for_each_connected(t, fn);
}

/**
 * vns_bridge_add_pending() - vsock_add_pending()
 * @listener: the listener, locked
 * @pending: the child
 */
void vns_bridge_add_pending(struct sock *listener, struct sock *pending)
{
	vns_pending_add(listener, pending);
}

/**
 * vns_bridge_remove_pending() - vsock_remove_pending()
 * @listener: the listener, locked
 * @pending: the child
 */
void vns_bridge_remove_pending(struct sock *listener, struct sock *pending)
{
	vns_pending_remove(listener, pending);
}

/**
 * vns_bridge_enqueue_accept() - vsock_enqueue_accept()
 * @listener: the listener, locked
 * @connected: the child
 */
void vns_bridge_enqueue_accept(struct sock *listener, struct sock *connected)
{
	vns_child_enqueue_stock(listener, connected);
}

/**
 * vns_bridge_assign_transport() - vsock_assign_transport()
 * @vsk: the socket, its addresses set
 * @parent: the listener of a child, or NULL
 *
 * Return: as vns_route_connect().
 */
int vns_bridge_assign_transport(struct vsock_sock *vsk,
				struct vsock_sock *parent)
{
	if (!parent)
		return vns_route_connect(vs_of(vsk));
	return vns_route_child(vs_of(vsk), vs_of(parent));
}

/**
 * vns_bridge_linger() - vsock_linger()
 * @sk: a socket that its transport releases, locked
 *
 * Waits as long as SO_LINGER says for what was sent to reach the peer.
 *
 * Context: may sleep.
 */
void vns_bridge_linger(struct sock *sk)
{
	if (sock_flag(sk, SOCK_LINGER) && sk->sk_socket)
		vns_wait_sent(vns_sk(sk), sk->sk_lingertime);
}

/**
 * vns_bridge_cid_is_ours() - vsock_find_cid()
 * @cid: the CID
 */
bool vns_bridge_cid_is_ours(unsigned int cid)
{
	return vns_route_cid_is_ours(cid);
}

/**
 * vns_bridge_create_child() - vsock_create_connected()
 * @parent: the listener
 */
struct sock *vns_bridge_create_child(struct sock *parent)
{
	return vns_child_create(parent);
}

/**
 * vns_bridge_readable() - vsock_connectible_has_data()
 * @vsk: the socket
 */
s64 vns_bridge_readable(struct vsock_sock *vsk)
{
	const struct vsock_transport *t = vsk->transport;

	if (!t)
		return 0;
	return sk_vsock(vsk)->sk_type == SOCK_SEQPACKET ?
	       stock_seqpacket_has_data(vsk) : t->stream_has_data(vsk);
}

/**
 * vns_bridge_may_tap() - may a tap in this namespace see a connection?
 * @net: the namespace of the tap's device
 * @domain: the connection's
 *
 * A tap in a global namespace shows the traffic of all of them, so a container
 * must not be able to make itself one.  A local namespace's traffic is its own.
 *
 * Context: any.
 */
bool vns_bridge_may_tap(const struct net *net, const struct vns_domain *domain)
{
	return vns_net(net)->domain == domain &&
	       (vns_domain_is_local(domain) || net->user_ns == &init_user_ns);
}

/**
 * vns_bridge_tapped() - where vns_tap_wanted() remembers its answer for a domain
 * @domain: the domain
 */
unsigned long *vns_bridge_tapped(const struct vns_domain *domain)
{
	return domain->tapped;
}
