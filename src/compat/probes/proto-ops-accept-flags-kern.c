// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does proto_ops.accept take flags and kern as arguments of their own?
 * Changed: 6.10 put them into struct proto_accept_arg
 * one-of: signature of proto_ops.accept
 */
#include <linux/net.h>

static int probe_accept(struct socket *sock, struct socket *newsock, int flags, bool kern)
{
	return 0;
}

const struct proto_ops probe_ops = { .accept = probe_accept };
