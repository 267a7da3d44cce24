// SPDX-License-Identifier: GPL-2.0-only
/*
 * SOCK_DGRAM, which only some stock transports offer.  The transport is
 * attached when the socket is made and stays.
 */
#include <linux/errno.h>

#include "core/socket.h"
#include "route/route.h"

static int dgram_destination(struct vns_sock *vs, struct msghdr *msg,
			     struct sockaddr_vm *to)
{
	const struct vns_transport *t = vs->transport;
	struct sockaddr_vm *addr;

	if (msg->msg_name) {
		if (vsock_addr_cast(msg->msg_name, msg->msg_namelen, &addr))
			return -EINVAL;
		*to = *addr;
	} else if (vns_sock_sk(vs)->sk_socket->state == SS_CONNECTED) {
		*to = vs->vsk.remote_addr;
	} else {
		return -EINVAL;
	}

	if (to->svm_cid == VMADDR_CID_ANY)
		to->svm_cid = t->local_cid(t);
	if (!vsock_addr_bound(to) || !t->dgram_allow(t, to->svm_cid,
						     to->svm_port))
		return -EINVAL;

	return 0;
}

/**
 * vns_dgram_sendmsg() - proto_ops.sendmsg of SOCK_DGRAM
 * @sock: the socket
 * @msg: what to send, and where to
 * @len: its length
 *
 * Return: bytes sent, -EOPNOTSUPP for MSG_OOB, -EINVAL for a destination that
 *	is missing or out of reach, or the transport's error.
 */
int vns_dgram_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct sock *sk = sock->sk;
	struct vns_sock *vs = vns_sk(sk);
	struct sockaddr_vm to;
	int ret = 0;

	if (msg->msg_flags & MSG_OOB)
		return -EOPNOTSUPP;

	lock_sock(sk);
	if (!vsock_addr_bound(&vs->vsk.local_addr))
		ret = vns_autobind(vs);
	if (!ret)
		ret = dgram_destination(vs, msg, &to);
	if (!ret)
		ret = vs->transport->dgram_send(vs, &to, msg, len);
	release_sock(sk);

	return ret;
}

/**
 * vns_dgram_recvmsg() - proto_ops.recvmsg of SOCK_DGRAM
 * @sock: the socket
 * @msg: where the data goes
 * @len: room for it
 * @flags: MSG_*
 *
 * Return: bytes received or the transport's error.
 */
int vns_dgram_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
		      int flags)
{
	struct vns_sock *vs = vns_sk(sock->sk);

	return vs->transport->dgram_recv(vs, msg, len, flags);
}

/**
 * vns_dgram_connect_sockaddr() - connect() on SOCK_DGRAM: set the destination
 * @sock: the socket
 * @addr: the address, already in kernel memory; AF_UNSPEC forgets the old one
 * @len: its length
 * @flags: ignored
 *
 * Return: 0, -EINVAL for an address that is none or out of reach, or as
 *	vns_autobind().
 */
int vns_dgram_connect_sockaddr(struct socket *sock, const void *addr, int len,
			       int flags)
{
	struct sock *sk = sock->sk;
	struct vns_sock *vs = vns_sk(sk);
	const struct vns_transport *t = vs->transport;
	struct sockaddr_vm *remote;
	int err;

	err = vsock_addr_cast(addr, len, &remote);
	if (err && err != -EAFNOSUPPORT)
		return -EINVAL;

	lock_sock(sk);
	if (err) {
		err = remote->svm_family == AF_UNSPEC ? 0 : -EINVAL;
		if (!err) {
			vsock_addr_init(&vs->vsk.remote_addr, VMADDR_CID_ANY,
					VMADDR_PORT_ANY);
			sock->state = SS_UNCONNECTED;
		}
		goto out;
	}

	if (!vsock_addr_bound(&vs->vsk.local_addr)) {
		err = vns_autobind(vs);
		if (err)
			goto out;
	}
	if (!t->dgram_allow(t, remote->svm_cid, remote->svm_port)) {
		err = -EINVAL;
		goto out;
	}
	vs->vsk.remote_addr = *remote;
	sock->state = SS_CONNECTED;
out:
	release_sock(sk);

	return err;
}
