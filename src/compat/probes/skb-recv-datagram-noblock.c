// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does skb_recv_datagram() take noblock as well?
 * Changed: 5.19 dropped it
 */
#include <linux/skbuff.h>

struct sk_buff *probe_recv(struct sock *sk, int *err);
struct sk_buff *probe_recv(struct sock *sk, int *err)
{
	return skb_recv_datagram(sk, 0, 1, err);
}
