// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does vsock_transport have unsent_bytes, for SIOCOUTQ?
 * Changed: 6.12 brought it
 */
#include <net/sock.h>
#include <net/af_vsock.h>

static ssize_t probe_unsent(struct vsock_sock *vsk)
{
	return 0;
}

const struct vsock_transport probe_transport = { .unsent_bytes = probe_unsent };
