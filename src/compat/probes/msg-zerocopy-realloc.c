// SPDX-License-Identifier: GPL-2.0-only
/*
 * Are the functions behind MSG_ZEROCOPY named msg_zerocopy_*() and net_zcopy_*()?
 * Changed: 5.12 renamed them from sock_zerocopy_*()
 * exported: msg_zerocopy_realloc msg_zerocopy_put_abort
 * one-of: names of the functions behind MSG_ZEROCOPY
 */
#include <linux/skbuff.h>

struct ubuf_info *probe_zerocopy(struct sock *sk);
struct ubuf_info *probe_zerocopy(struct sock *sk)
{
	struct ubuf_info *ubuf = msg_zerocopy_realloc(sk, 1, NULL);

	net_zcopy_get(ubuf);
	net_zcopy_put(ubuf);
	net_zcopy_put_abort(ubuf, true);

	return ubuf;
}
