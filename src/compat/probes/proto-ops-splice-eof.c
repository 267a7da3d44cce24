// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does proto_ops have a splice_eof?
 * Changed: 6.5 brought it
 */
#include <linux/net.h>

static void probe_splice_eof(struct socket *sock)
{
}

const struct proto_ops probe_ops = { .splice_eof = probe_splice_eof };
