// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does struct vsock_sock have the field rejected?
 * Changed: a release between 6.13 and 7.3 dropped it
 */
#include <net/sock.h>
#include <net/af_vsock.h>

bool probe_rejected(struct vsock_sock *vsk);
bool probe_rejected(struct vsock_sock *vsk)
{
	return vsk->rejected;
}
