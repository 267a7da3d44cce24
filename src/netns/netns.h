/* SPDX-License-Identifier: GPL-2.0-only */
/* Namespace modes, and the domain that decides who can reach whom. */
#ifndef VNS_NETNS_H
#define VNS_NETNS_H

#include <linux/atomic.h>
#include <linux/types.h>
#include <net/net_namespace.h>

struct ctl_table;
struct ctl_table_header;
struct sock;

/**
 * enum vns_mode - how a network namespace shares CIDs and ports
 * @VNS_MODE_GLOBAL: with every other global namespace
 * @VNS_MODE_LOCAL: with nobody
 */
enum vns_mode {
	VNS_MODE_GLOBAL,
	VNS_MODE_LOCAL,
};

/**
 * struct vns_domain - one CID and port space
 * @mode: VNS_MODE_GLOBAL for the shared one, VNS_MODE_LOCAL for a private one
 * @tapped: what vns_tap_wanted() remembers of it
 *
 * An identity: two namespaces can reach each other if and only if they have
 * the same domain.  Its address is part of every lookup key, so that a lookup
 * cannot return a socket of another domain.
 *
 * Lifetime: the global one is static; a private one lives in its namespace's
 * struct vns_net, which outlives every socket of the namespace because a socket
 * holds its namespace.
 */
struct vns_domain {
	enum vns_mode mode;
	unsigned long *tapped;
};

/**
 * struct vns_net - AF_VSOCK's state of a network namespace
 * @net: the namespace
 * @own: the private domain, in use in local mode
 * @own_tapped: its @tapped
 * @domain: @own or the global domain; never changes
 * @child: child_ns_mode and its lock bit; see vns_net_set_child_mode()
 * @g2h_fallback: the sysctl, 0 or 1
 * @next_port: where the search for an ephemeral port goes on;
 *	protected by vsock_table_lock
 * @sysctl_header: registration of the sysctl table
 * @sysctl_table: this namespace's copy of the table
 */
struct vns_net {
	struct net *net;
	struct vns_domain own;
	unsigned long own_tapped;
	const struct vns_domain *domain;
	atomic_t child;
	int g2h_fallback;
	u32 next_port;
	struct ctl_table_header *sysctl_header;
	struct ctl_table *sysctl_table;
};

extern const struct vns_domain vns_global_domain;

struct vns_net *vns_net(const struct net *net);
int vns_net_set_child_mode(struct vns_net *vn, enum vns_mode mode);
enum vns_mode vns_net_child_mode(const struct vns_net *vn);

int vns_sysctl_register(struct vns_net *vn);
void vns_sysctl_unregister(struct vns_net *vn);

int vns_netns_init(void);
void vns_netns_exit(void);

static inline bool vns_domain_is_local(const struct vns_domain *domain)
{
	return domain->mode == VNS_MODE_LOCAL;
}

#endif /* VNS_NETNS_H */
