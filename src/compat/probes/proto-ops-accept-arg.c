// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does proto_ops.accept take a struct proto_accept_arg?
 * Changed: 6.10 brought it
 * one-of: signature of proto_ops.accept
 */
#include <linux/net.h>
#include <net/sock.h>

static int probe_accept(struct socket *sock, struct socket *newsock, struct proto_accept_arg *arg)
{
	return arg->kern ? arg->flags : 0;
}

const struct proto_ops probe_ops = { .accept = probe_accept };
