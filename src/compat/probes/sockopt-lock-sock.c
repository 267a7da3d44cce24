// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is there a sockopt_lock_sock()?
 * Changed: 6.1 brought it
 * exported: sockopt_lock_sock sockopt_release_sock
 */
#include <net/sock.h>

void probe_lock(struct sock *sk);
void probe_lock(struct sock *sk)
{
	sockopt_lock_sock(sk);
	sockopt_release_sock(sk);
}
