// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does struct proto have psock_update_sk_prot(sk, psock, restore)?
 * Changed: 5.13 brought it
 */
#include <net/sock.h>

static int probe_update(struct sock *sk, struct sk_psock *psock, bool restore)
{
	return 0;
}

const struct proto probe_proto = { .psock_update_sk_prot = probe_update };
