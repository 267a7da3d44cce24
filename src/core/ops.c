// SPDX-License-Identifier: GPL-2.0-only
/* The tables through which the kernel calls the address family. */
#include <linux/compat.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/socket.h>

#include "core/socket.h"

static int op_bind(struct socket *sock, struct sockaddr_unsized *addr, int len)
{
	return vns_bind_sockaddr(sock, addr, len);
}

static int op_connect(struct socket *sock, struct sockaddr_unsized *addr,
		      int len, int flags)
{
	return vns_connect_sockaddr(sock, addr, len, flags);
}

static int op_dgram_connect(struct socket *sock, struct sockaddr_unsized *addr,
			    int len, int flags)
{
	return vns_dgram_connect_sockaddr(sock, addr, len, flags);
}

static int op_accept(struct socket *sock, struct socket *newsock,
		     VNS_ACCEPT_ARGS)
{
	return vns_accept_socket(sock, newsock, VNS_ACCEPT_FLAGS);
}

#ifdef CONFIG_COMPAT
static int op_compat_ioctl(struct socket *sock, unsigned int cmd,
			   unsigned long arg)
{
	return vns_ioctl(sock, cmd, (unsigned long)compat_ptr(arg));
}
#define COMPAT_IOCTL .compat_ioctl = op_compat_ioctl,
#else
#define COMPAT_IOCTL
#endif

/* What stream and seqpacket sockets have in common. */
#define CONNECTIBLE_OPS					\
	.family = PF_VSOCK,				\
	.owner = THIS_MODULE,				\
	.release = vns_release,				\
	.bind = op_bind,				\
	.connect = op_connect,				\
	.socketpair = sock_no_socketpair,		\
	.accept = op_accept,				\
	.getname = vns_getname,				\
	.poll = vns_poll,				\
	.ioctl = vns_ioctl,				\
	COMPAT_IOCTL					\
	.listen = vns_listen,				\
	.shutdown = vns_shutdown,			\
	.setsockopt = vns_setsockopt,			\
	.getsockopt = vns_getsockopt,			\
	.sendmsg = vns_connectible_sendmsg,		\
	.recvmsg = vns_connectible_recvmsg,		\
	VNS_OP_SENDPAGE					\
	VNS_OP_READ_SKB					\
	.mmap = sock_no_mmap

const struct proto_ops vns_stream_ops = {
	CONNECTIBLE_OPS,
	.set_rcvlowat = vns_set_rcvlowat,
};

/* SO_RCVLOWAT has no limits here: a message is received whole, or not yet. */
const struct proto_ops vns_seqpacket_ops = {
	CONNECTIBLE_OPS,
};

const struct proto_ops vns_dgram_ops = {
	.family = PF_VSOCK,
	.owner = THIS_MODULE,
	.release = vns_release,
	.bind = op_bind,
	.connect = op_dgram_connect,
	.socketpair = sock_no_socketpair,
	.accept = sock_no_accept,
	.getname = vns_getname,
	.poll = vns_poll,
	.ioctl = vns_ioctl,
	COMPAT_IOCTL
	.listen = sock_no_listen,
	.shutdown = vns_shutdown,
	.sendmsg = vns_dgram_sendmsg,
	.recvmsg = vns_dgram_recvmsg,
	.mmap = sock_no_mmap,
	VNS_OP_SENDPAGE
};
