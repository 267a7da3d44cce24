// SPDX-License-Identifier: GPL-2.0-only
/*
 * Do vsock_transport.stream_allow and .dgram_allow take the socket as well?
 * Changed: 7.0 added it, for namespaces
 * one-of: signature of vsock_transport.stream_allow
 */
#include <net/sock.h>
#include <net/af_vsock.h>

static bool probe_allow(struct vsock_sock *vsk, u32 cid, u32 port)
{
	return true;
}

const struct vsock_transport probe_transport = { .stream_allow = probe_allow, .dgram_allow = probe_allow };
