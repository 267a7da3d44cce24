/* SPDX-License-Identifier: GPL-2.0-only */
/* struct sockaddr_unsized, which older kernels call struct sockaddr. */
#ifndef VNS_COMPAT_LINUX_SOCKET_H
#define VNS_COMPAT_LINUX_SOCKET_H

#include_next <linux/socket.h>

#ifndef HAVE_PROTO_OPS_SOCKADDR_UNSIZED
#define sockaddr_unsized sockaddr
#endif

#endif /* VNS_COMPAT_LINUX_SOCKET_H */
