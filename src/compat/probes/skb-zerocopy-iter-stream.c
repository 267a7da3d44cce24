// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does skb_zerocopy_iter_stream() take (sk, skb, msg, len, uarg)?
 * Changed: 6.16 added an argument
 * exported: skb_zerocopy_iter_stream
 */
#include <linux/skbuff.h>

int probe_fill(struct sock *sk, struct sk_buff *skb, struct msghdr *msg);
int probe_fill(struct sock *sk, struct sk_buff *skb, struct msghdr *msg)
{
	return skb_zerocopy_iter_stream(sk, skb, msg, 1, NULL);
}
