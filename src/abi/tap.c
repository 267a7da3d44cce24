// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taps: copies of what transports carry, for vsockmon.  The includes are part
 * of the interface; see exports.c.
 */
#include <linux/module.h>
#include <net/sock.h>
#include <net/af_vsock.h>
#include <linux/if_arp.h>

#include "abi/bridge.h"

/* Written under taps_lock, read under RCU. */
static LIST_HEAD(taps);
static DEFINE_SPINLOCK(taps_lock);

/*
 * Counts the changes of that list, in steps of KNOWN_STEP: bit 0 of what a domain
 * remembers is the answer at that count.  A device that moves to another namespace
 * is closed before, so its driver takes its tap away and adds it again there.
 */
#define KNOWN_WANTED	1UL
#define KNOWN_STEP	2UL

static unsigned long changes;

static void count_change(void)
{
	lockdep_assert_held(&taps_lock);
	/* Who sees the new count sees the new list. */
	smp_store_release(&changes, changes + KNOWN_STEP);
}

int vsock_add_tap(struct vsock_tap *vt)
{
	if (vt->dev->type != ARPHRD_VSOCKMON)
		return -EINVAL;

	/* The caller runs in this module, so it is there. */
	__module_get(vt->module);
	spin_lock(&taps_lock);
	list_add_rcu(&vt->list, &taps);
	count_change();
	spin_unlock(&taps_lock);

	return 0;
}
EXPORT_SYMBOL_GPL(vsock_add_tap);

int vsock_remove_tap(struct vsock_tap *vt)
{
	struct vsock_tap *tap;
	int err = -ENODEV;

	spin_lock(&taps_lock);
	list_for_each_entry(tap, &taps, list) {
		if (tap == vt) {
			list_del_rcu(&vt->list);
			count_change();
			err = 0;
			break;
		}
	}
	spin_unlock(&taps_lock);

	if (err) {
		pr_warn("vsock: tap on %s is not registered\n", vt->dev->name);
		return err;
	}
	synchronize_net();
	module_put(vt->module);

	return 0;
}
EXPORT_SYMBOL_GPL(vsock_remove_tap);

/**
 * vns_tap_any() - does somebody watch anything?
 *
 * Context: any.  It is one load.
 */
bool vns_tap_any(void)
{
	return unlikely(!list_empty(&taps));
}
EXPORT_SYMBOL_GPL(vns_tap_any);

static unsigned long find_tap(const struct vns_domain *domain)
{
	struct vsock_tap *tap;
	unsigned long found = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(tap, &taps, list) {
		if (vns_bridge_may_tap(dev_net(tap->dev), domain)) {
			found = KNOWN_WANTED;
			break;
		}
	}
	rcu_read_unlock();

	return found;
}

/**
 * vns_tap_wanted() - does somebody watch what a domain's sockets say?
 * @domain: the sockets' domain
 *
 * All taps are looked at after one came or went only: others may have many.
 *
 * Context: any.
 */
bool vns_tap_wanted(const struct vns_domain *domain)
{
	unsigned long *tapped = vns_bridge_tapped(domain);
	unsigned long known = READ_ONCE(*tapped);
	/* Pairs with count_change(): what changed before is seen by find_tap(). */
	unsigned long now = smp_load_acquire(&changes);

	if (unlikely((known & ~KNOWN_WANTED) != now)) {
		known = now | find_tap(domain);
		WRITE_ONCE(*tapped, known);
	}

	return known & KNOWN_WANTED;
}
EXPORT_SYMBOL_GPL(vns_tap_wanted);

/**
 * vns_tap_deliver() - give a frame to each tap that may see it
 * @domain: the domain of the sockets it is about
 * @frame: struct af_vsockmon_hdr and what follows it; taken over
 *
 * A tap's device cannot go while it is listed: vsock_remove_tap() waits for
 * readers.  A frame that a device has no room for is lost to that device only.
 *
 * Context: any but hard interrupts.
 */
void vns_tap_deliver(const struct vns_domain *domain, struct sk_buff *frame)
{
	struct vsock_tap *tap;
	struct sk_buff *copy;

	rcu_read_lock();
	list_for_each_entry_rcu(tap, &taps, list) {
		/* Each watches the domain of its own namespace. */
		if (!vns_bridge_may_tap(dev_net(tap->dev), domain))
			continue;
		copy = skb_clone(frame, GFP_ATOMIC);
		if (!copy)
			continue;
		copy->dev = tap->dev;
		dev_queue_xmit(copy);
	}
	rcu_read_unlock();
	consume_skb(frame);
}
EXPORT_SYMBOL_GPL(vns_tap_deliver);

void vsock_deliver_tap(struct sk_buff *build_skb(void *opaque), void *opaque)
{
	struct sk_buff *frame;

	rcu_read_lock();
	/* Stock transports carry the traffic of global namespaces. */
	frame = vns_tap_any() && vns_tap_wanted(&vns_global_domain) ?
		build_skb(opaque) : NULL;
	if (frame)
		vns_tap_deliver(&vns_global_domain, frame);
	rcu_read_unlock();
}
EXPORT_SYMBOL_GPL(vsock_deliver_tap);
