// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does vsock_transport have set_rcvlowat, called instead of the core's own work?
 * Changed: 6.1 brought it, 6.8 replaced it by notify_set_rcvlowat
 */
#include <net/sock.h>
#include <net/af_vsock.h>

static int probe_set_rcvlowat(struct vsock_sock *vsk, int val)
{
	return 0;
}

const struct vsock_transport probe_transport = { .set_rcvlowat = probe_set_rcvlowat };
