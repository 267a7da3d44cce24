// SPDX-License-Identifier: GPL-2.0-only
/*
 * Do proto_ops.bind and .connect take a struct sockaddr?
 * Changed: 6.19 made it a struct sockaddr_unsized
 * one-of: address type of proto_ops.bind
 */
#include <linux/net.h>

static int probe_bind(struct socket *sock, struct sockaddr *addr, int len)
{
	return 0;
}

static int probe_connect(struct socket *sock, struct sockaddr *addr, int len, int flags)
{
	return 0;
}

const struct proto_ops probe_ops = { .bind = probe_bind, .connect = probe_connect };
