/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VNS_ACCEPT_ARGS: what proto_ops.accept takes behind the two sockets.
 * VNS_OP_SENDPAGE: the initialiser of proto_ops.sendpage where it exists.
 * vns_want_sol_socket(): proto_ops.setsockopt gets SOL_SOCKET options as well,
 *	where a kernel knows that; elsewhere SO_ZEROCOPY cannot be set.
 * vns_support_zerocopy(): tells io_uring so, where it asks.
 */
#ifndef VNS_COMPAT_LINUX_NET_H
#define VNS_COMPAT_LINUX_NET_H

#include_next <linux/net.h>

#ifdef HAVE_PROTO_OPS_ACCEPT_ARG
/* Complete in <net/sock.h>, which this header may well be included by. */
struct proto_accept_arg;

#define VNS_ACCEPT_ARGS struct proto_accept_arg *arg
#define VNS_ACCEPT_FLAGS (arg->flags)
#else
#define VNS_ACCEPT_ARGS int flags, bool kern
#define VNS_ACCEPT_FLAGS flags
#endif

#ifdef HAVE_PROTO_OPS_SENDPAGE
#define VNS_OP_SENDPAGE .sendpage = sock_no_sendpage,
#else
#define VNS_OP_SENDPAGE
#endif

static inline void vns_want_sol_socket(struct socket *sock)
{
#ifdef SOCK_CUSTOM_SOCKOPT
	set_bit(SOCK_CUSTOM_SOCKOPT, &sock->flags);
#endif
}

static inline void vns_support_zerocopy(struct socket *sock)
{
#ifdef SOCK_SUPPORT_ZC
	set_bit(SOCK_SUPPORT_ZC, &sock->flags);
#endif
}

#endif /* VNS_COMPAT_LINUX_NET_H */
