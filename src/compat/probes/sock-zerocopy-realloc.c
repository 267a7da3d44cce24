// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is there a sock_zerocopy_realloc()?
 * Changed: 5.12 renamed it to msg_zerocopy_realloc()
 * exported: sock_zerocopy_realloc
 * one-of: allocation of zerocopy notifications
 */
#include <linux/skbuff.h>

struct ubuf_info *probe_alloc(struct sock *sk);
struct ubuf_info *probe_alloc(struct sock *sk)
{
	return sock_zerocopy_realloc(sk, 1, NULL);
}
