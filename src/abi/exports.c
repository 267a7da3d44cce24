// SPDX-License-Identifier: GPL-2.0-only
/*
 * The symbols through which stock modules use vsock.ko.
 *
 * Each has to have the CRC that the kernel's own vsock.ko gives it, or no stock
 * module loads.  A CRC covers every struct that is complete here, so the list
 * of includes is part of the interface: it has to be the kernel's.
 */
#include <linux/compat.h>
#include <linux/types.h>
#include <linux/bitops.h>
#include <linux/cred.h>
#ifdef HAVE_SOL_VSOCK /* The stock family got it with its error queue. */
#include <linux/errqueue.h>
#endif
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/sched/signal.h>
#include <linux/kmod.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <linux/skbuff.h>
#include <linux/smp.h>
#include <linux/socket.h>
#include <linux/stddef.h>
#include <linux/unistd.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <net/sock.h>
#include <net/af_vsock.h>
#include <uapi/linux/vm_sockets.h>

#include "abi/bridge.h"

/*
 * Sockets that are not bound are in the last list of the first table.  Only
 * vsock_diag reads these lists; see src/core/table.c.
 */
struct list_head vsock_bind_table[VSOCK_HASH_SIZE + 1];
EXPORT_SYMBOL_GPL(vsock_bind_table);
struct list_head vsock_connected_table[VSOCK_HASH_SIZE];
EXPORT_SYMBOL_GPL(vsock_connected_table);
DEFINE_SPINLOCK(vsock_table_lock);
EXPORT_SYMBOL_GPL(vsock_table_lock);

/* Transports. */

int vsock_core_register(const struct vsock_transport *t, int features)
{
	return vns_bridge_register(t, features);
}
EXPORT_SYMBOL_GPL(vsock_core_register);

void vsock_core_unregister(const struct vsock_transport *t)
{
	vns_bridge_unregister(t);
}
EXPORT_SYMBOL_GPL(vsock_core_unregister);

const struct vsock_transport *vsock_core_get_transport(struct vsock_sock *vsk)
{
	return vsk->transport;
}
EXPORT_SYMBOL_GPL(vsock_core_get_transport);

int vsock_assign_transport(struct vsock_sock *vsk, struct vsock_sock *psk)
{
	return vns_bridge_assign_transport(vsk, psk);
}
EXPORT_SYMBOL_GPL(vsock_assign_transport);

bool vsock_find_cid(unsigned int cid)
{
	return vns_bridge_cid_is_ours(cid);
}
EXPORT_SYMBOL_GPL(vsock_find_cid);

/* Tables. */

void vsock_insert_connected(struct vsock_sock *vsk)
{
	vns_bridge_insert_connected(vsk);
}
EXPORT_SYMBOL_GPL(vsock_insert_connected);

void vsock_remove_bound(struct vsock_sock *vsk)
{
	vns_bridge_remove_bound(vsk);
}
EXPORT_SYMBOL_GPL(vsock_remove_bound);

void vsock_remove_connected(struct vsock_sock *vsk)
{
	vns_bridge_remove_connected(vsk);
}
EXPORT_SYMBOL_GPL(vsock_remove_connected);

void vsock_remove_sock(struct vsock_sock *vsk)
{
	/* Who only changes its transport keeps its address. */
	if (sock_flag(sk_vsock(vsk), SOCK_DEAD))
		vns_bridge_remove_bound(vsk);
	vns_bridge_remove_connected(vsk);
}
EXPORT_SYMBOL_GPL(vsock_remove_sock);

struct sock *vsock_find_bound_socket(struct sockaddr_vm *addr)
{
	return vns_bridge_find_bound(addr);
}
EXPORT_SYMBOL_GPL(vsock_find_bound_socket);

struct sock *vsock_find_connected_socket(struct sockaddr_vm *src,
					 struct sockaddr_vm *dst)
{
	return vns_bridge_find_connected(src, dst);
}
EXPORT_SYMBOL_GPL(vsock_find_connected_socket);

#ifdef HAVE_VSOCK_FOR_EACH_CONNECTED_SOCKET_TRANSPORT
void vsock_for_each_connected_socket(struct vsock_transport *transport,
				     void (*fn)(struct sock *sk))
{
	vns_bridge_for_each_connected(transport, fn);
}
#else
void vsock_for_each_connected_socket(void (*fn)(struct sock *sk))
{
	vns_bridge_for_each_connected(NULL, fn);
}
#endif
EXPORT_SYMBOL_GPL(vsock_for_each_connected_socket);

#ifdef HAVE_VSOCK_CHECK_SOURCE
/* Is a packet from @src, that came through @transport, from @vsk's peer? */
bool vsock_check_source(const struct vsock_sock *vsk,
			const struct vsock_transport *transport,
			const struct sockaddr_vm *src)
{
	const struct sockaddr_vm *peer = &vsk->remote_addr;

	if (vsk->transport != transport || peer->svm_port != src->svm_port)
		return false;

	/* Loopback sends from CID 1, whichever of our CIDs was called. */
	return peer->svm_cid == src->svm_cid ||
	       transport->get_local_cid() == VMADDR_CID_LOCAL;
}
EXPORT_SYMBOL_GPL(vsock_check_source);
#endif

#ifdef HAVE_VSOCK_LINGER
void vsock_linger(struct sock *sk)
{
	vns_bridge_linger(sk);
}
EXPORT_SYMBOL_GPL(vsock_linger);
#endif

/* Incoming connections. */

struct sock *vsock_create_connected(struct sock *parent)
{
	return vns_bridge_create_child(parent);
}
EXPORT_SYMBOL_GPL(vsock_create_connected);

void vsock_add_pending(struct sock *listener, struct sock *pending)
{
	vns_bridge_add_pending(listener, pending);
}
EXPORT_SYMBOL_GPL(vsock_add_pending);

void vsock_remove_pending(struct sock *listener, struct sock *pending)
{
	vns_bridge_remove_pending(listener, pending);
}
EXPORT_SYMBOL_GPL(vsock_remove_pending);

void vsock_enqueue_accept(struct sock *listener, struct sock *connected)
{
	vns_bridge_enqueue_accept(listener, connected);
}
EXPORT_SYMBOL_GPL(vsock_enqueue_accept);

/* Data.  A socket may have lost its transport: then nothing is there. */

s64 vsock_stream_has_data(struct vsock_sock *vsk)
{
	return vsk->transport ? vsk->transport->stream_has_data(vsk) : 0;
}
EXPORT_SYMBOL_GPL(vsock_stream_has_data);

s64 vsock_stream_has_space(struct vsock_sock *vsk)
{
	return vsk->transport ? vsk->transport->stream_has_space(vsk) : 0;
}
EXPORT_SYMBOL_GPL(vsock_stream_has_space);

#ifdef HAVE_VSOCK_CONNECTIBLE_HAS_DATA
s64 vsock_connectible_has_data(struct vsock_sock *vsk)
{
	return vns_bridge_readable(vsk);
}
EXPORT_SYMBOL_GPL(vsock_connectible_has_data);
#endif

#ifdef HAVE_VSOCK_DATA_READY
void vsock_data_ready(struct sock *sk)
{
	if (vsock_stream_has_data(vsock_sk(sk)) >= sk->sk_rcvlowat ||
	    sock_flag(sk, SOCK_DONE))
		sk->sk_data_ready(sk);
}
EXPORT_SYMBOL_GPL(vsock_data_ready);
#endif

#ifdef HAVE_VSOCK_CONNECTIBLE_RECVMSG
int vsock_connectible_recvmsg(struct socket *sock, struct msghdr *msg,
			      size_t len, int flags)
{
	return vns_connectible_recvmsg(sock, msg, len, flags);
}
EXPORT_SYMBOL_GPL(vsock_connectible_recvmsg);
#endif

#ifdef HAVE_VSOCK_DGRAM_RECVMSG
int vsock_dgram_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
			int flags)
{
	return vns_dgram_recvmsg(sock, msg, len, flags);
}
EXPORT_SYMBOL_GPL(vsock_dgram_recvmsg);
#endif
