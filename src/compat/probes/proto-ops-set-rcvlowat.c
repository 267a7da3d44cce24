// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does proto_ops have a set_rcvlowat that takes a struct sock?
 * Changed: 4.17 brought it
 */
#include <linux/net.h>

static int probe_set_rcvlowat(struct sock *sk, int val)
{
	return 0;
}

const struct proto_ops probe_ops = { .set_rcvlowat = probe_set_rcvlowat };
