// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does vsock_transport.seqpacket_allow take the socket as well?
 * Changed: 7.0 added it, for namespaces
 */
#include <net/sock.h>
#include <net/af_vsock.h>

static bool probe_allow(struct vsock_sock *vsk, u32 cid)
{
	return true;
}

const struct vsock_transport probe_transport = { .seqpacket_allow = probe_allow };
