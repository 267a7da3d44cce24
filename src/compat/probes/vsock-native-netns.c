// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does the kernel have AF_VSOCK namespace modes itself?
 * Changed: 7.0 brought them
 * stop-if-yes: has the AF_VSOCK namespace modes itself; nothing to build
 */
#include <net/net_namespace.h>

int probe_mode(struct net *net);
int probe_mode(struct net *net)
{
	return net->vsock.mode;
}
