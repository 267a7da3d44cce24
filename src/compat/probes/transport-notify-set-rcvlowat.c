// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does vsock_transport have notify_set_rcvlowat, called beside the core's own work?
 * Changed: 6.8 brought it
 */
#include <net/sock.h>
#include <net/af_vsock.h>

static int probe_set_rcvlowat(struct vsock_sock *vsk, int val)
{
	return 0;
}

const struct vsock_transport probe_transport = { .notify_set_rcvlowat = probe_set_rcvlowat };
