// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is there a register_net_sysctl_sz(), told how many entries the table has?
 * Changed: 6.6 brought it; 6.11 dropped the empty last entry
 * exported: register_net_sysctl_sz
 * one-of: way to register a sysctl table
 */
#include <net/net_namespace.h>

struct ctl_table_header *probe_register(struct net *net, struct ctl_table *table);
struct ctl_table_header *probe_register(struct net *net, struct ctl_table *table)
{
	return register_net_sysctl_sz(net, "net/probe", table, 1);
}
