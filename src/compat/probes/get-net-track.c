// SPDX-License-Identifier: GPL-2.0-only
/*
 * Are there get_net_track() and put_net_track()?
 * Changed: 5.17 brought them
 */
#include <net/net_namespace.h>

void probe_track(struct net *net, netns_tracker *tracker);
void probe_track(struct net *net, netns_tracker *tracker)
{
	get_net_track(net, tracker, GFP_KERNEL);
	put_net_track(net, tracker);
}
