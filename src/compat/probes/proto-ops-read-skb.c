// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does proto_ops have a read_skb?
 * Changed: 6.0 brought it
 */
#include <linux/net.h>

static int probe_read_skb(struct sock *sk, skb_read_actor_t actor)
{
	return 0;
}

const struct proto_ops probe_ops = { .read_skb = probe_read_skb };
