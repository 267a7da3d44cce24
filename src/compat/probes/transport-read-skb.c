// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does vsock_transport have read_skb, for sockmap?
 * Changed: 6.4 brought it
 */
#include <net/sock.h>
#include <net/af_vsock.h>

static int probe_read_skb(struct vsock_sock *vsk, skb_read_actor_t actor)
{
	return 0;
}

const struct vsock_transport probe_transport = { .read_skb = probe_read_skb };
