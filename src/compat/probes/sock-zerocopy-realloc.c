// SPDX-License-Identifier: GPL-2.0-only
/*
 * Are the functions behind MSG_ZEROCOPY named sock_zerocopy_*()?
 * Changed: 5.12 renamed them
 * exported: sock_zerocopy_realloc sock_zerocopy_put sock_zerocopy_put_abort
 * one-of: names of the functions behind MSG_ZEROCOPY
 */
#include <linux/skbuff.h>

struct ubuf_info *probe_zerocopy(struct sock *sk);
struct ubuf_info *probe_zerocopy(struct sock *sk)
{
	struct ubuf_info *ubuf = sock_zerocopy_realloc(sk, 1, NULL);

	sock_zerocopy_put(ubuf);
	sock_zerocopy_put_abort(ubuf, true);

	return ubuf;
}
