// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests by domain and CID, found under RCU.
 *
 * A guest's place is an entry of its own, which never changes: a guest that gets
 * another CID gets another entry, so a lookup meets the old address or the new
 * one, and never a mixture.
 */
#include <linux/errno.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "vhost/device.h"

/**
 * struct vns_claim_key - an address
 * @domain: where it means something
 * @cid: the CID
 */
struct vns_claim_key {
	const struct vns_domain *domain;
	u32 cid;
};

/**
 * struct vns_claim - a CID that is taken
 * @node: in the table
 * @rcu: to free it
 * @guest: by whom; its memory is there as long as this entry
 * @key: the address
 */
struct vns_claim {
	struct rhash_head node;
	struct rcu_head rcu;
	struct guest *guest;
	struct vns_claim_key key;
};

static const struct rhashtable_params table_params = {
	.key_len = offsetofend(struct vns_claim_key, cid),
	.key_offset = offsetof(struct vns_claim, key),
	.head_offset = offsetof(struct vns_claim, node),
	.automatic_shrinking = true,
};

static struct rhashtable table;

/**
 * guest_table_init() - make the table
 *
 * Return: 0 or -ENOMEM.
 */
int __init guest_table_init(void)
{
	return rhashtable_init(&table, &table_params);
}

/** guest_table_exit() - take the table away; no guest is left */
void guest_table_exit(void)
{
	rhashtable_destroy(&table);
}

static struct vns_claim *lookup(const struct vns_domain *domain, u32 cid)
{
	const struct vns_claim_key key = { .domain = domain, .cid = cid };

	return rhashtable_lookup(&table, &key, table_params);
}

/**
 * guest_find() - the guest with a CID
 * @domain: the CID space
 * @cid: the CID
 *
 * Context: any.
 * Return: the guest with a reference, or NULL.
 */
struct guest *guest_find(const struct vns_domain *domain, u32 cid)
{
	struct guest *guest = NULL;
	struct vns_claim *claim;

	rcu_read_lock();
	claim = lookup(domain, cid);
	if (claim && refcount_inc_not_zero(&claim->guest->users))
		guest = claim->guest;
	rcu_read_unlock();

	return guest;
}

/**
 * guest_exists() - has a guest this CID?
 * @domain: the CID space
 * @cid: the CID
 *
 * Context: any.
 */
bool guest_exists(const struct vns_domain *domain, u32 cid)
{
	bool exists;

	rcu_read_lock();
	exists = lookup(domain, cid);
	rcu_read_unlock();

	return exists;
}

static void remove(struct vns_claim *claim)
{
	rhashtable_remove_fast(&table, &claim->node, table_params);
	kfree_rcu(claim, rcu);
}

/**
 * guest_claim() - give a guest its CID, or another one
 * @guest: the guest, its lock and its turn held
 * @cid: as the process wants it
 *
 * Under another CID it is another guest: who talks to the one before hears that
 * there is none.
 *
 * Context: may sleep.
 * Return: 0; -EINVAL for a reserved CID; -EADDRINUSE for one that another
 *	guest of the domain has, or this machine itself, as a guest; -ENOMEM.
 *	After an error the guest has what it had.
 */
int guest_claim(struct guest *guest, u64 cid)
{
	struct vns_claim *claim, *old = guest->claim;
	int err;

	lockdep_assert_held(&guest->lock);
	lockdep_assert_held(&guest->turn);
	if (cid <= VMADDR_CID_HOST || cid >= U32_MAX)
		return -EINVAL;
	if (vns_route_cid_is_ours(cid))
		return -EADDRINUSE;
	if (old && old->key.cid == cid)
		return 0;

	claim = kzalloc(sizeof(*claim), GFP_KERNEL_ACCOUNT);
	if (!claim)
		return -ENOMEM;
	claim->guest = guest;
	claim->key.domain = guest->domain;
	claim->key.cid = cid;

	err = rhashtable_lookup_insert_fast(&table, &claim->node, table_params);
	if (err) {
		kfree(claim);
		return err == -EEXIST ? -EADDRINUSE : -ENOMEM;
	}
	guest->claim = claim;
	if (old) {
		/* Who connects to the new one comes after the end of all others. */
		WRITE_ONCE(guest->cid, 0);
		remove(old);
		protocol_reset(&guest->protocol, ENODEV);
	}
	WRITE_ONCE(guest->cid, cid);
	/* What waited behind answers to the old one need not any more. */
	if (old)
		guest_due(guest, DUE_ALL);

	return 0;
}

/**
 * guest_unclaim() - free a guest's CID at once
 * @guest: the guest, which nobody sets up any more
 *
 * Context: may sleep.
 */
void guest_unclaim(struct guest *guest)
{
	if (!guest->claim)
		return;
	remove(guest->claim);
	guest->claim = NULL;
}
