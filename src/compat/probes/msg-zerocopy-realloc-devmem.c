// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does msg_zerocopy_realloc() want to know whether it is for a device's memory?
 * Changed: 6.16 added the argument
 * exported: msg_zerocopy_realloc msg_zerocopy_put_abort
 * one-of: names of the functions behind MSG_ZEROCOPY
 */
#include <linux/skbuff.h>

struct ubuf_info *probe_zerocopy(struct sock *sk);
struct ubuf_info *probe_zerocopy(struct sock *sk)
{
	struct ubuf_info *ubuf = msg_zerocopy_realloc(sk, 1, NULL, false);

	net_zcopy_get(ubuf);
	net_zcopy_put(ubuf);
	net_zcopy_put_abort(ubuf, true);

	return ubuf;
}
