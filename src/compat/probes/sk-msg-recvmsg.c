// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is there a sk_msg_recvmsg(sk, psock, msg, len, flags)?
 * Changed: 5.13 brought it
 * exported: sk_msg_recvmsg
 */
#include <linux/skmsg.h>

int probe_recv(struct sock *sk, struct sk_psock *psock, struct msghdr *msg);
int probe_recv(struct sock *sk, struct sk_psock *psock, struct msghdr *msg)
{
	return sk_msg_recvmsg(sk, psock, msg, 1, 0);
}
