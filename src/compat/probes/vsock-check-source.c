// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does net/af_vsock.h declare vsock_check_source(), so that stock modules may link to it?
 * Changed: stable releases of 2026 brought it, 6.1.192 among them
 */
#include <net/sock.h>
#include <net/af_vsock.h>

void *probe_address(void);
void *probe_address(void)
{
	return vsock_check_source;
}
