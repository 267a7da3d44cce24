// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is lock_sock_nested() an exported function?
 * Changed: as old as the interface
 * exported: lock_sock_nested
 */
#include <net/sock.h>

void probe_lock(struct sock *sk);
void probe_lock(struct sock *sk)
{
	lock_sock_nested(sk, SINGLE_DEPTH_NESTING);
}
