// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does net/af_vsock.h declare vsock_linger(), so that stock modules may link to it?
 * Changed: 6.16 moved it from the virtio transports into the core
 */
#include <net/sock.h>
#include <net/af_vsock.h>

void *probe_address(void);
void *probe_address(void)
{
	return vsock_linger;
}
