/* SPDX-License-Identifier: GPL-2.0-only */
/* The 5.10 header counts on its user to have struct sock. */
#ifndef VNS_COMPAT_NET_AF_VSOCK_H
#define VNS_COMPAT_NET_AF_VSOCK_H

#include <net/sock.h>

#include_next <net/af_vsock.h>

#endif /* VNS_COMPAT_NET_AF_VSOCK_H */
