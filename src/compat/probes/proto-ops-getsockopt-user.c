// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does proto_ops.getsockopt take plain user pointers?
 * Changed: as old as the interface
 * one-of: signature of proto_ops.getsockopt
 */
#include <linux/net.h>

static int probe_getsockopt(struct socket *sock, int level, int name, char __user *value, int __user *len)
{
	return 0;
}

const struct proto_ops probe_ops = { .getsockopt = probe_getsockopt };
