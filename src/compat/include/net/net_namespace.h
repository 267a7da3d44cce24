/* SPDX-License-Identifier: GPL-2.0-only */
/* register_net_sysctl_sz() for kernels that count a table's entries themselves. */
#ifndef VNS_COMPAT_NET_NET_NAMESPACE_H
#define VNS_COMPAT_NET_NET_NAMESPACE_H

#include_next <net/net_namespace.h>

#ifndef HAVE_REGISTER_NET_SYSCTL_SZ
/* The table needs an empty entry behind the last of its @size ones. */
static inline struct ctl_table_header *
register_net_sysctl_sz(struct net *net, const char *path,
		       struct ctl_table *table, size_t size)
{
	return register_net_sysctl(net, path, table);
}
#endif

#endif /* VNS_COMPAT_NET_NET_NAMESPACE_H */
