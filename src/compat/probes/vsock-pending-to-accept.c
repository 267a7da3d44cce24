// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does net/af_vsock.h declare vsock_pending_to_accept(), so that stock modules may link to it?
 * Changed: a release between 7.0 and 7.3 brought it
 */
#include <net/sock.h>
#include <net/af_vsock.h>

void *probe_address(void);
void *probe_address(void)
{
	return vsock_pending_to_accept;
}
