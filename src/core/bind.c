// SPDX-License-Identifier: GPL-2.0-only
/* Giving a socket its local address. */
#include <linux/capability.h>
#include <linux/errno.h>

#include "core/socket.h"
#include "core/table.h"
#include "route/route.h"

/**
 * vns_bind_locked() - bind a socket
 * @vs: the socket
 * @addr: a valid address; VMADDR_CID_ANY and VMADDR_PORT_ANY as in vsock(7)
 *
 * Context: socket lock held; may sleep.
 * Return: 0, -EINVAL when bound already, -EADDRNOTAVAIL when @addr's CID is
 *	not ours, -EACCES for a privileged port, -EADDRINUSE, -ENOMEM.
 */
int vns_bind_locked(struct vns_sock *vs, const struct sockaddr_vm *addr)
{
	struct sock *sk = vns_sock_sk(vs);
	struct sockaddr_vm dgram_addr;

	if (vsock_addr_bound(&vs->vsk.local_addr))
		return -EINVAL;
	if (addr->svm_cid != VMADDR_CID_ANY && !vns_route_cid_is_ours(addr->svm_cid))
		return -EADDRNOTAVAIL;

	if (vns_is_connectible(sk)) {
		if (addr->svm_port <= LAST_RESERVED_PORT &&
		    !capable(CAP_NET_BIND_SERVICE))
			return -EACCES;
		return vns_table_bind(vs, vns_net(sock_net(sk)), addr);
	}

	dgram_addr = *addr;
	return vs->transport->dgram_bind(vs, &dgram_addr);
}

/**
 * vns_autobind() - bind a socket to an ephemeral port
 * @vs: a socket that is not bound
 *
 * Context: socket lock held; may sleep.
 * Return: 0 or as vns_bind_locked().
 */
int vns_autobind(struct vns_sock *vs)
{
	struct sockaddr_vm addr;

	vsock_addr_init(&addr, VMADDR_CID_ANY, VMADDR_PORT_ANY);
	return vns_bind_locked(vs, &addr);
}

/**
 * vns_bind_sockaddr() - bind()
 * @sock: the socket
 * @addr: the caller's address, already in kernel memory
 * @len: its length
 *
 * Return: 0, -EINVAL when @addr is no AF_VSOCK address, or as vns_bind_locked().
 */
int vns_bind_sockaddr(struct socket *sock, const void *addr, int len)
{
	struct sock *sk = sock->sk;
	struct sockaddr_vm *vm_addr;
	int err;

	if (vsock_addr_cast(addr, len, &vm_addr))
		return -EINVAL;

	lock_sock(sk);
	err = vns_bind_locked(vns_sk(sk), vm_addr);
	release_sock(sk);

	return err;
}
