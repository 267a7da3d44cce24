// SPDX-License-Identifier: GPL-2.0-only
/* The life of a guest, and what others may know of it. */
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <net/net_namespace.h>
#include <uapi/linux/virtio_vsock.h>

#include "vhost/device.h"

/* A message about dropped packets of one guest, every so often at most. */
#define DROPPED_INTERVAL	(60 * HZ)

/**
 * guest_get() - take another reference
 * @guest: a guest of which the caller has one
 *
 * Context: any.
 */
void guest_get(struct guest *guest)
{
	refcount_inc(&guest->users);
}

/**
 * guest_put() - give a reference back
 * @guest: the guest
 *
 * Context: any.
 */
void guest_put(struct guest *guest)
{
	if (!refcount_dec_and_test(&guest->users))
		return;
	kvfree_rcu(guest, rcu);
}

/**
 * guest_cid() - a guest's CID
 * @guest: the guest
 *
 * Context: any.
 * Return: the CID, 0 when it has none.
 */
u32 guest_cid(const struct guest *guest)
{
	return READ_ONCE(guest->cid);
}

/**
 * guest_domain() - the CID space that a guest is in
 * @guest: the guest, its device open
 *
 * Context: any.
 */
const struct vns_domain *guest_domain(const struct guest *guest)
{
	return guest->domain;
}

/**
 * guest_is_in() - does a guest belong to a network namespace?
 * @guest: the guest
 * @net: the namespace, which the caller holds; the guest's may be gone with its device
 *
 * Context: any.
 */
bool guest_is_in(const struct guest *guest, const struct net *net)
{
	return net_eq(guest->net, net);
}

/**
 * guest_is_running() - are the guest's rings served (VHOST_VSOCK_SET_RUNNING)?
 * @guest: the guest
 *
 * Context: any.
 */
bool guest_is_running(const struct guest *guest)
{
	return READ_ONCE(guest->running);
}

/**
 * guest_has_seqpacket() - did the guest's driver accept SOCK_SEQPACKET?
 * @guest: the guest
 *
 * Context: any.
 */
bool guest_has_seqpacket(const struct guest *guest)
{
	return guest_has_feature(guest, VIRTIO_VSOCK_F_SEQPACKET);
}

/**
 * guest_protocol() - a guest's connections
 * @guest: the guest
 */
struct protocol *guest_protocol(struct guest *guest)
{
	return &guest->protocol;
}

/**
 * protocol_guest() - whose connections they are
 * @protocol: the connections
 */
struct guest *protocol_guest(struct protocol *protocol)
{
	return container_of(protocol, struct guest, protocol);
}

/**
 * guest_new() - make a guest
 * @net: the network namespace that it belongs to
 *
 * Context: may sleep.
 * Return: the guest with a reference, or NULL.
 */
struct guest *guest_new(struct net *net)
{
	struct guest *guest = kvzalloc(sizeof(*guest), GFP_KERNEL_ACCOUNT);
	int i;

	if (!guest)
		return NULL;
	mutex_init(&guest->lock);
	mutex_init(&guest->turn);
	refcount_set(&guest->users, 1);
	init_completion(&guest->thread_ready);
	init_waitqueue_head(&guest->idle);
	ratelimit_state_init(&guest->dropped, DROPPED_INTERVAL, 1);
	ratelimit_set_flags(&guest->dropped, RATELIMIT_MSG_ON_RELEASE);
	for (i = 0; i < RING_COUNT; i++)
		kick_init(&guest->ring[i].kick, guest, i);
	guest_iotlb_init(guest);
	mutex_lock(&guest->turn);
	guest_rings_forget(guest);
	mutex_unlock(&guest->turn);
	guest->net = get_net(net);
	guest->domain = vns_net_domain(net);

	if (protocol_init(&guest->protocol)) {
		put_net(net);
		kvfree(guest);
		return NULL;
	}

	return guest;
}
