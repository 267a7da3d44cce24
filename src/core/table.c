// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bound and connected sockets, found by their address under RCU.
 *
 * A socket's place in a table is an entry of its own: it is made when the
 * socket gets the address, never changes, and is freed by RCU.  So a reader
 * that stands on an entry can always go on from there.
 *
 * The lists that the stock modules know (vsock_bind_table,
 * vsock_connected_table) are kept as well, for vsock_diag; nothing here looks
 * a socket up in them.
 */
#include <linux/list.h>
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "core/socket.h"
#include "core/table.h"

/* Consecutive ports tried before the search jumps elsewhere, and the end. */
#define PORT_TRIES_IN_ORDER	64
#define PORT_TRIES		1024

/**
 * struct vns_key - what a socket is looked up by
 * @domain: the CID and port space
 * @local_port: of the socket
 * @remote_cid: of its peer; 0 in the table of bound sockets
 * @remote_port: of its peer; 0 in the table of bound sockets
 * @local_cid: where the socket was bound to; no part of the key, but room here
 *
 * The local CID is no part of it: a bound socket may stand for all of them, and
 * a socket that connected without being bound to one keeps VMADDR_CID_ANY.
 */
struct vns_key {
	const struct vns_domain *domain;
	u32 local_port;
	u32 remote_cid;
	u32 remote_port;
	u32 local_cid;
};

/**
 * struct vns_entry - a socket's place in one table
 * @node: in the table
 * @next: the socket's place in the other table, if it has both
 * @table: which one it is in
 * @rcu: to free it, when it is in none any more
 * @sk: the socket, NULL when it is in none any more; type-stable memory, see find()
 * @key: the key
 *
 * vsock_table_lock protects @next and @table, and is held to write @sk.
 */
struct vns_entry {
	struct rhlist_head node;
	union {
		struct {
			struct vns_entry *next;
			struct rhltable *table;
		};
		struct rcu_head rcu;
	};
	struct sock *sk;
	struct vns_key key;
};

static const struct rhashtable_params table_params = {
	.key_len = offsetofend(struct vns_key, remote_port),
	.key_offset = offsetof(struct vns_entry, key),
	.head_offset = offsetof(struct vns_entry, node),
	.automatic_shrinking = true,
};

static struct rhltable bound_table;
static struct rhltable connected_table;

static struct list_head *legacy_bound(u32 port)
{
	return &vsock_bind_table[port % VSOCK_HASH_SIZE];
}

static struct list_head *legacy_connected(u32 port)
{
	return &vsock_connected_table[port % VSOCK_HASH_SIZE];
}

static bool cids_overlap(u32 a, u32 b)
{
	return a == b || a == VMADDR_CID_ANY || b == VMADDR_CID_ANY;
}

/**
 * vns_table_init() - make the tables
 *
 * Context: module init; may sleep.
 * Return: 0 or -ENOMEM.
 */
int __init vns_table_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(vsock_bind_table); i++)
		INIT_LIST_HEAD(&vsock_bind_table[i]);
	for (i = 0; i < ARRAY_SIZE(vsock_connected_table); i++)
		INIT_LIST_HEAD(&vsock_connected_table[i]);

	err = rhltable_init(&bound_table, &table_params);
	if (err)
		return err;
	err = rhltable_init(&connected_table, &table_params);
	if (err)
		rhltable_destroy(&bound_table);

	return err;
}

/**
 * vns_table_exit() - free the tables
 *
 * Context: no socket is left; may sleep.
 */
void vns_table_exit(void)
{
	rhltable_destroy(&connected_table);
	rhltable_destroy(&bound_table);
}

/**
 * vns_table_add_unbound() - list a socket that has no address yet
 * @vs: a new socket
 *
 * Context: may not hold vsock_table_lock.
 */
void vns_table_add_unbound(struct vns_sock *vs)
{
	spin_lock_bh(&vsock_table_lock);
	list_add(&vs->vsk.bound_table, &vsock_bind_table[VSOCK_HASH_SIZE]);
	spin_unlock_bh(&vsock_table_lock);
}

static bool port_in_use(const struct vns_domain *domain, u32 cid, u32 port)
	__must_hold(&vsock_table_lock)
{
	const struct vns_key key = { .domain = domain, .local_port = port };
	struct rhlist_head *list, *pos;
	struct vns_entry *entry;
	bool used = false;

	lockdep_assert_held(&vsock_table_lock);

	rcu_read_lock();
	list = rhltable_lookup(&bound_table, &key, table_params);
	rhl_for_each_entry_rcu(entry, pos, list, node) {
		if (cids_overlap(entry->key.local_cid, cid)) {
			used = true;
			break;
		}
	}
	rcu_read_unlock();

	return used;
}

/* The next ephemeral port at or after *@next, VMADDR_PORT_ANY if none is free. */
static u32 find_free_port(const struct vns_domain *domain, u32 cid, u32 *next)
	__must_hold(&vsock_table_lock)
{
	int i;

	for (i = 0; i < PORT_TRIES; i++) {
		u32 port;

		if (i >= PORT_TRIES_IN_ORDER)
			*next = get_random_u32();
		if (*next <= LAST_RESERVED_PORT || *next == VMADDR_PORT_ANY)
			*next = LAST_RESERVED_PORT + 1;
		port = (*next)++;
		if (!port_in_use(domain, cid, port))
			return port;
	}

	return VMADDR_PORT_ANY;
}

/* Puts @vs into @table, at @entry's key. */
static int add_entry(struct vns_sock *vs, struct vns_entry *entry,
		     struct rhltable *table)
	__must_hold(&vsock_table_lock)
{
	lockdep_assert_held(&vsock_table_lock);
	entry->sk = vns_sock_sk(vs);
	entry->table = table;
	entry->next = vs->entries;
	if (rhltable_insert(table, &entry->node, table_params))
		return -ENOMEM;
	vs->entries = entry;

	return 0;
}

/* Takes @vs out of @table. */
static void remove_entry(struct vns_sock *vs, struct rhltable *table)
	__must_hold(&vsock_table_lock)
{
	struct vns_entry **slot = &vs->entries;
	struct vns_entry *entry;

	lockdep_assert_held(&vsock_table_lock);
	while (*slot && (*slot)->table != table)
		slot = &(*slot)->next;
	entry = *slot;
	if (!entry)
		return;
	rhltable_remove(table, &entry->node, table_params);
	*slot = entry->next;
	/* Before the socket's memory can become another one: see find(). */
	WRITE_ONCE(entry->sk, NULL);
	kfree_rcu(entry, rcu);
}

/**
 * vns_table_bind() - give a socket its address
 * @vs: a socket that is not bound
 * @vn: the state of its namespace
 * @addr: the address; VMADDR_PORT_ANY asks for an ephemeral port
 *
 * Context: socket lock held; may sleep.
 * Return: 0, -EADDRINUSE, -EADDRNOTAVAIL when no ephemeral port is free,
 *	-ENOMEM.
 */
int vns_table_bind(struct vns_sock *vs, struct vns_net *vn,
		   const struct sockaddr_vm *addr)
{
	struct vsock_sock *vsk = &vs->vsk;
	u32 port = addr->svm_port;
	struct vns_entry *entry;
	int err;

	entry = kzalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;
	entry->key.local_cid = addr->svm_cid;
	entry->key.domain = vns_domain(vs);

	spin_lock_bh(&vsock_table_lock);
	if (port == VMADDR_PORT_ANY) {
		port = find_free_port(entry->key.domain, addr->svm_cid,
				      &vn->next_port);
		err = port == VMADDR_PORT_ANY ? -EADDRNOTAVAIL : 0;
	} else {
		err = port_in_use(entry->key.domain, addr->svm_cid, port) ?
		      -EADDRINUSE : 0;
	}
	if (err)
		goto unlock;

	entry->key.local_port = port;
	vsock_addr_init(&vsk->local_addr, addr->svm_cid, port);
	err = add_entry(vs, entry, &bound_table);
	if (err) {
		vsock_addr_unbind(&vsk->local_addr);
		goto unlock;
	}
	list_del(&vsk->bound_table);
	list_add(&vsk->bound_table, legacy_bound(port));
unlock:
	spin_unlock_bh(&vsock_table_lock);
	if (err)
		kfree(entry);

	return err;
}

/**
 * vns_table_unbind() - take a socket out of the table of bound sockets
 * @vs: the socket, bound or not
 *
 * The socket keeps its local address.  Context: any but hard interrupts.
 */
void vns_table_unbind(struct vns_sock *vs)
{
	spin_lock_bh(&vsock_table_lock);
	remove_entry(vs, &bound_table);
	list_del_init(&vs->vsk.bound_table);
	spin_unlock_bh(&vsock_table_lock);
}

/**
 * vns_table_forget() - take a socket's address away again
 * @vs: a bound socket that nobody knows by its address yet
 *
 * Context: socket lock held.
 */
void vns_table_forget(struct vns_sock *vs)
{
	vns_table_unbind(vs);
	vsock_addr_unbind(&vs->vsk.local_addr);
	vns_table_add_unbound(vs);
}

/**
 * vns_table_connect() - enter a socket into the table of connected sockets
 * @vs: a socket whose addresses are set
 * @listed_only: it need not be found, only be seen by vsock_diag
 *
 * Context: socket lock held, or nobody else knows @vs; any but hard interrupts.
 * Return: 0 or -ENOMEM.
 */
int vns_table_connect(struct vns_sock *vs, bool listed_only)
{
	struct vsock_sock *vsk = &vs->vsk;
	struct vns_entry *entry = NULL;
	int err = 0;

	if (!listed_only) {
		entry = kzalloc(sizeof(*entry), GFP_ATOMIC);
		if (!entry)
			return -ENOMEM;
		entry->key.domain = vns_domain(vs);
		entry->key.local_port = vsk->local_addr.svm_port;
		entry->key.remote_cid = vsk->remote_addr.svm_cid;
		entry->key.remote_port = vsk->remote_addr.svm_port;
	}

	spin_lock_bh(&vsock_table_lock);
	remove_entry(vs, &connected_table);
	if (entry)
		err = add_entry(vs, entry, &connected_table);
	if (!err) {
		list_del(&vsk->connected_table);
		list_add(&vsk->connected_table,
			 legacy_connected(vsk->local_addr.svm_port));
	}
	spin_unlock_bh(&vsock_table_lock);
	if (err)
		kfree(entry);

	return err;
}

/**
 * vns_table_disconnect() - take a socket out of the table of connected sockets
 * @vs: the socket, connected or not
 *
 * Context: any but hard interrupts.
 */
void vns_table_disconnect(struct vns_sock *vs)
{
	spin_lock_bh(&vsock_table_lock);
	remove_entry(vs, &connected_table);
	list_del_init(&vs->vsk.connected_table);
	spin_unlock_bh(&vsock_table_lock);
}

/*
 * The socket of the first entry under @key whose CID goes with @cid.
 *
 * A socket's memory may have become another socket's since its entry was found.
 * With a reference that can no longer happen, and the entry still tells of the
 * socket only if it had not happened before: see remove_entry().
 */
static struct sock *find(struct rhltable *table, const struct vns_key *key,
			 u32 cid)
{
	struct rhlist_head *list, *pos;
	struct vns_entry *entry;
	struct sock *sk;
	bool stale;

	do {
		sk = NULL;
		stale = false;
		rcu_read_lock();
		list = rhltable_lookup(table, key, table_params);
		rhl_for_each_entry_rcu(entry, pos, list, node) {
			if (!cids_overlap(entry->key.local_cid, cid))
				continue;
			sk = READ_ONCE(entry->sk);
			if (sk && !refcount_inc_not_zero(&sk->sk_refcnt))
				sk = NULL;
			if (!sk)
				continue;
			/* Which socket it is now was settled before that. */
			smp_mb__after_atomic();
			stale = READ_ONCE(entry->sk) != sk;
			break;
		}
		rcu_read_unlock();
		/* Not under RCU: dropping the last reference may sleep. */
		if (stale)
			sock_put(sk);
	} while (stale);

	return sk;
}

/**
 * vns_table_find_bound() - who is bound to an address
 * @domain: the CID and port space
 * @addr: the address; VMADDR_CID_ANY is every CID
 *
 * Context: any but hard interrupts.
 * Return: the socket, with a reference, or NULL.
 */
struct sock *vns_table_find_bound(const struct vns_domain *domain,
				  const struct sockaddr_vm *addr)
{
	const struct vns_key key = {
		.domain = domain,
		.local_port = addr->svm_port,
	};

	return find(&bound_table, &key, addr->svm_cid);
}

/**
 * vns_table_find_connected() - the socket of a connection
 * @domain: the CID and port space
 * @local: this side's address; its CID does not count
 * @remote: the peer's address
 *
 * Context: any but hard interrupts.
 * Return: the socket, with a reference, or NULL.
 */
struct sock *vns_table_find_connected(const struct vns_domain *domain,
				      const struct sockaddr_vm *local,
				      const struct sockaddr_vm *remote)
{
	const struct vns_key key = {
		.domain = domain,
		.local_port = local->svm_port,
		.remote_cid = remote->svm_cid,
		.remote_port = remote->svm_port,
	};

	return find(&connected_table, &key, VMADDR_CID_ANY);
}

/**
 * vns_table_for_each_connected() - call back for a stock transport's sockets
 * @stock_transport: the transport, NULL for every stock one
 * @fn: called with vsock_table_lock held
 *
 * Context: any but hard interrupts.
 */
void vns_table_for_each_connected(const void *stock_transport,
				  void (*fn)(struct sock *sk))
{
	struct vsock_sock *vsk;
	unsigned int i;

	spin_lock_bh(&vsock_table_lock);
	for (i = 0; i < ARRAY_SIZE(vsock_connected_table); i++) {
		list_for_each_entry(vsk, &vsock_connected_table[i],
				    connected_table) {
			if (vsk->transport &&
			    (!stock_transport ||
			     vsk->transport == stock_transport))
				fn(sk_vsock(vsk));
		}
	}
	spin_unlock_bh(&vsock_table_lock);
}
