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

int vsock_add_tap(struct vsock_tap *vt)
{
	if (vt->dev->type != ARPHRD_VSOCKMON)
		return -EINVAL;

	/* The caller runs in this module, so it is there. */
	__module_get(vt->module);
	spin_lock(&taps_lock);
	list_add_rcu(&vt->list, &taps);
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

/*
 * A tap's device cannot go while it is listed: vsock_remove_tap() waits for
 * readers.  A frame that a device has no room for is lost to that device only.
 */
void vsock_deliver_tap(struct sk_buff *build_skb(void *opaque), void *opaque)
{
	struct sk_buff *frame, *copy;
	struct vsock_tap *tap;

	rcu_read_lock();
	frame = list_empty(&taps) ? NULL : build_skb(opaque);
	if (frame) {
		list_for_each_entry_rcu(tap, &taps, list) {
			/* A device may have moved since it was added. */
			if (!vns_bridge_may_tap(dev_net(tap->dev)))
				continue;
			copy = skb_clone(frame, GFP_ATOMIC);
			if (!copy)
				continue;
			copy->dev = tap->dev;
			dev_queue_xmit(copy);
		}
		consume_skb(frame);
	}
	rcu_read_unlock();
}
EXPORT_SYMBOL_GPL(vsock_deliver_tap);
