// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does msg_zerocopy_realloc() take (sk, size, uarg, devmem)?
 * Changed: 6.16 added devmem
 * exported: msg_zerocopy_realloc
 * one-of: allocation of zerocopy notifications
 */
#include <linux/skbuff.h>

struct ubuf_info *probe_alloc(struct sock *sk);
struct ubuf_info *probe_alloc(struct sock *sk)
{
	return msg_zerocopy_realloc(sk, 1, NULL, false);
}
