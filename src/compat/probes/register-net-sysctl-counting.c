// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does register_net_sysctl() find the end of a table by its empty last entry?
 * Changed: 6.6 replaced it by register_net_sysctl_sz()
 * exported: register_net_sysctl
 * one-of: way to register a sysctl table
 */
#include <net/net_namespace.h>

/* A macro of this name takes the size of the array instead. */
#ifdef register_net_sysctl
#error "counts the array"
#endif

struct ctl_table_header *probe_register(struct net *net, struct ctl_table *table);
struct ctl_table_header *probe_register(struct net *net, struct ctl_table *table)
{
	return register_net_sysctl(net, "net/probe", table);
}
