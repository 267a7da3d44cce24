// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is the reference count of a namespace read by ns_ref_read()?
 * Changed: 6.18 brought it
 */
#include <linux/ns_common.h>
#include <net/net_namespace.h>

int probe_count(struct net *net);
int probe_count(struct net *net)
{
	return ns_ref_read(net);
}
