// SPDX-License-Identifier: GPL-2.0-only
/*
 * A namespace's mode is fixed when the namespace is made, from the
 * child_ns_mode of the namespace that its creator is in.
 */
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "netns/netns.h"
#include "vns_transport.h"

/* Bit in vns_net.child beside the mode: written once, no more changes. */
#define CHILD_LOCKED 0x100
#define CHILD_MODE(v) ((enum vns_mode)((v) & 0xff))

static unsigned long global_tapped;

const struct vns_domain vns_global_domain = {
	.mode = VNS_MODE_GLOBAL,
	.tapped = &global_tapped,
};

static char *child_ns_mode = "global";
module_param(child_ns_mode, charp, 0444);
MODULE_PARM_DESC(child_ns_mode,
		 "child_ns_mode of the initial namespace at load time, global or local; local also makes every other namespace that exists then local");

static unsigned int vns_net_id __read_mostly;

/* What the module parameter says. */
static enum vns_mode load_mode;

/*
 * The task inside register_pernet_subsys(), which calls vns_net_init() for the
 * namespaces that exist already.  That task cannot make a namespace meanwhile,
 * and whoever can is not that task.
 */
static struct task_struct *loader;

/**
 * vns_net() - AF_VSOCK's state of a namespace
 * @net: the namespace
 *
 * Context: any; the caller holds @net.
 * Return: the state, never NULL between vns_netns_init() and vns_netns_exit().
 */
struct vns_net *vns_net(const struct net *net)
{
	return net_generic(net, vns_net_id);
}

/**
 * vns_net_domain() - the CID and port space of a namespace
 * @net: the namespace
 *
 * Context: any; the domain lasts as long as the caller holds @net.
 */
const struct vns_domain *vns_net_domain(const struct net *net)
{
	return vns_net(net)->domain;
}
EXPORT_SYMBOL_GPL(vns_net_domain);

/**
 * vns_net_child_mode() - mode of the namespaces made from this one
 * @vn: the parent's state
 *
 * Context: any.
 */
enum vns_mode vns_net_child_mode(const struct vns_net *vn)
{
	return CHILD_MODE(atomic_read(&vn->child));
}

/**
 * vns_net_set_child_mode() - set the mode of namespaces to come, and lock it
 * @vn: the parent's state
 * @mode: the mode
 *
 * Context: any; concurrent writers are ordered by one atomic word.
 * Return: 0, -EPERM when a local namespace asks for global children, -EBUSY
 *	when another mode was written before.
 */
int vns_net_set_child_mode(struct vns_net *vn, enum vns_mode mode)
{
	int new = mode | CHILD_LOCKED;
	int old = atomic_read(&vn->child);

	if (vns_domain_is_local(vn->domain) && mode == VNS_MODE_GLOBAL)
		return -EPERM;

	do {
		if (old & CHILD_LOCKED)
			return old == new ? 0 : -EBUSY;
	} while (!atomic_try_cmpxchg(&vn->child, &old, new));

	return 0;
}

static enum vns_mode mode_of_new(const struct net *net)
{
	if (net_eq(net, &init_net))
		return VNS_MODE_GLOBAL;
	if (current == loader)
		return load_mode;
	return vns_net_child_mode(vns_net(current->nsproxy->net_ns));
}

static int __net_init vns_net_init(struct net *net)
{
	struct vns_net *vn = vns_net(net);
	enum vns_mode mode = mode_of_new(net);

	vn->net = net;
	vn->own.mode = VNS_MODE_LOCAL;
	vn->own.tapped = &vn->own_tapped;
	vn->domain = mode == VNS_MODE_LOCAL ? &vn->own : &vns_global_domain;
	vn->g2h_fallback = 1;
	vn->next_port = get_random_u32();
	atomic_set(&vn->child, net_eq(net, &init_net) ? load_mode : mode);

	return vns_sysctl_register(vn);
}

static void __net_exit vns_net_exit(struct net *net)
{
	vns_sysctl_unregister(vns_net(net));
}

static struct pernet_operations vns_net_ops = {
	.init = vns_net_init,
	.exit = vns_net_exit,
	.id = &vns_net_id,
	.size = sizeof(struct vns_net),
};

/**
 * vns_netns_init() - give every namespace its state, from now on
 *
 * Context: module init; may sleep.
 * Return: 0, -EINVAL for a bad module parameter, -ENOMEM.
 */
int __init vns_netns_init(void)
{
	int err;

	if (sysfs_streq(child_ns_mode, "local")) {
		load_mode = VNS_MODE_LOCAL;
	} else if (!sysfs_streq(child_ns_mode, "global")) {
		pr_err("vsock: child_ns_mode=%s: must be global or local\n",
		       child_ns_mode);
		return -EINVAL;
	}

	loader = current;
	err = register_pernet_subsys(&vns_net_ops);
	loader = NULL;

	return err;
}

/**
 * vns_netns_exit() - take the state and the sysctls away
 *
 * Context: module exit, no socket is left; may sleep.
 */
void vns_netns_exit(void)
{
	unregister_pernet_subsys(&vns_net_ops);
}
