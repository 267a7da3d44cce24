// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does proto_ops.setsockopt take its value as a sockptr_t?
 * Changed: 5.9 made it one
 * one-of: value type of proto_ops.setsockopt
 */
#include <linux/net.h>

static int probe_setsockopt(struct socket *sock, int level, int name, sockptr_t value, unsigned int len)
{
	return 0;
}

const struct proto_ops probe_ops = { .setsockopt = probe_setsockopt };
