// SPDX-License-Identifier: GPL-2.0-only
/* ioctl() on a socket: SIOCINQ and SIOCOUTQ. */
#include <linux/errno.h>
#include <linux/sockios.h>
#include <linux/uaccess.h>
#include <asm/ioctls.h>

#include "core/socket.h"

static ssize_t bytes_unsent(struct vns_sock *vs)
{
	const struct vns_transport *t = vs->transport;

	return t->unsent ? t->unsent(vs) : -EOPNOTSUPP;
}

/**
 * vns_ioctl() - proto_ops.ioctl and compat_ioctl
 * @sock: the socket
 * @cmd: SIOCINQ or SIOCOUTQ
 * @arg: where the number of bytes goes, an int
 *
 * Return: 0, -EOPNOTSUPP for SOCK_DGRAM, without a transport, or when that does
 *	not count, -EINVAL for a listener that once tried to connect,
 *	-ENOIOCTLCMD, -EFAULT.
 */
int vns_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	struct sock *sk = sock->sk;
	struct vns_sock *vs = vns_sk(sk);
	ssize_t ret;

	if (cmd != SIOCINQ && cmd != SIOCOUTQ)
		return -ENOIOCTLCMD;
	if (!vns_is_connectible(sk))
		return -EOPNOTSUPP;

	lock_sock(sk);
	if (!vs->transport)
		ret = -EOPNOTSUPP;
	else if (sk->sk_state == TCP_LISTEN)
		ret = -EINVAL;
	else
		ret = cmd == SIOCINQ ? vs->transport->queued(vs) :
				       bytes_unsent(vs);
	release_sock(sk);
	if (ret < 0)
		return ret;

	return put_user(min_t(ssize_t, ret, INT_MAX), (int __user *)arg);
}
