// SPDX-License-Identifier: GPL-2.0-only
/* Birth and death of a connection, and how it is found. */
#include <linux/errno.h>
#include <linux/slab.h>
#include <uapi/linux/virtio_vsock.h>

#include "protocol/conn.h"

static const struct rhashtable_params table_params = {
	.key_len = sizeof(struct conn_key),
	.key_offset = offsetof(struct conn, key),
	.head_offset = offsetof(struct conn, node),
	.automatic_shrinking = true,
};

/**
 * protocol_init() - a guest has no connections yet
 * @protocol: its connections
 *
 * Return: 0 or -ENOMEM.
 */
int protocol_init(struct protocol *protocol)
{
	spin_lock_init(&protocol->lock);
	INIT_LIST_HEAD(&protocol->open);
	INIT_LIST_HEAD(&protocol->lingering);
	INIT_LIST_HEAD(&protocol->resetting);
	INIT_LIST_HEAD(&protocol->ready);
	INIT_DELAYED_WORK(&protocol->linger_work, conn_linger_work);

	return rhashtable_init(&protocol->table, &table_params);
}

/**
 * protocol_destroy() - a guest has no connections any more
 * @protocol: its connections
 *
 * Context: may sleep; see protocol.h.
 */
void protocol_destroy(struct protocol *protocol)
{
	protocol_reset(protocol, ECONNRESET);
	cancel_delayed_work_sync(&protocol->linger_work);
	rhashtable_destroy(&protocol->table);
}

/**
 * conn_new() - make a connection
 * @guest: whom with
 * @cid: its CID
 * @vs: our side, its socket lock held, or nobody else's yet
 * @guest_port: the guest's port
 * @host_port: ours
 *
 * Context: may sleep.
 * Return: the connection, which @vs has a reference on, or NULL.
 */
struct conn *conn_new(struct guest *guest, u32 cid, struct vns_sock *vs,
		      u32 guest_port, u32 host_port)
{
	struct conn *conn = kzalloc(sizeof(*conn), GFP_KERNEL_ACCOUNT);

	if (!conn)
		return NULL;

	conn->key.guest_port = guest_port;
	conn->key.host_port = host_port;
	conn->cid = cid;
	conn->messages = vns_is_seqpacket(vs);
	conn->one_net = guest_is_in(guest, sock_net(vns_sock_sk(vs)));
	conn->type = conn->messages ? VIRTIO_VSOCK_TYPE_SEQPACKET :
				      VIRTIO_VSOCK_TYPE_STREAM;
	refcount_set(&conn->refs, 1);
	guest_get(guest);
	conn->protocol = guest_protocol(guest);
	spin_lock_init(&conn->lock);
	INIT_LIST_HEAD(&conn->link);
	INIT_LIST_HEAD(&conn->ready);
	conn->sk = vns_sock_sk(vs);
	conn->buf_alloc = vs->vsk.buffer_size;
	conn->in.buffers = &conn->sk->sk_receive_queue;
	__skb_queue_head_init(&conn->partial_buffers);
	conn->partial.buffers = &conn->partial_buffers;
	__skb_queue_head_init(&conn->out_buffers);
	conn->out.buffers = &conn->out_buffers;
	INIT_WORK(&conn->answer, conn_answer_work);
	conn_sk(vs)->conn = conn;

	return conn;
}

/**
 * conn_put() - give a reference back
 * @conn: the connection
 *
 * Context: process context, also with a spinlock held.
 */
void conn_put(struct conn *conn)
{
	if (!refcount_dec_and_test(&conn->refs))
		return;
	/* Who ended it took its buffers. */
	WARN_ON_ONCE(!skb_queue_empty(&conn->out_buffers) ||
		     !skb_queue_empty(&conn->partial_buffers));
	guest_put(protocol_guest(conn->protocol));
	kfree_rcu(conn, rcu);
}

/* Makes a connection that nobody needs any more free its ports. */
static bool give_way(struct conn *conn)
{
	struct sk_buff_head dropped;
	bool free;

	__skb_queue_head_init(&dropped);
	spin_lock(&conn->lock);
	free = !conn->sk || conn->state == CONN_CLOSED;
	if (free) {
		conn_end(conn, &dropped);
		conn_unlink(conn);
	}
	spin_unlock(&conn->lock);
	__skb_queue_purge(&dropped);

	return free;
}

/* -EEXIST: another one has the ports: *@old, a reference. */
static int try_link(struct conn *conn, struct conn **old)
{
	struct protocol *protocol = conn->protocol;
	struct guest *guest = protocol_guest(protocol);
	int err = 0;

	spin_lock(&protocol->lock);
	/* Whoever stopped it, or gave it another CID, resets what was linked before. */
	if (conn->cid != guest_cid(guest))
		err = -ENODEV;
	else if (!guest_is_running(guest))
		err = -EHOSTUNREACH;
	if (err)
		goto unlock;
	conn->linked = true;
	*old = rhashtable_lookup_get_insert_fast(&protocol->table, &conn->node,
						 table_params);
	if (!*old) {
		conn_get(conn);
		list_add_tail(&conn->link, &protocol->open);
		goto unlock;
	}
	conn->linked = false;
	if (IS_ERR(*old)) {
		err = -ENOMEM;
	} else {
		conn_get(*old);
		err = -EEXIST;
	}
unlock:
	spin_unlock(&protocol->lock);

	return err;
}

/**
 * conn_link() - enter a connection among those of its guest
 * @conn: a new connection
 *
 * It takes the place of one that only lingers.
 *
 * Context: process context, no lock of a connection held.
 * Return: 0, -ENODEV when the guest's CID is another one now, -EHOSTUNREACH when
 *	it does not run, -EADDRNOTAVAIL when another socket has a connection
 *	between the same ports, -ENOMEM.
 */
int conn_link(struct conn *conn)
{
	struct conn *old;
	bool free;
	int err;

	while ((err = try_link(conn, &old)) == -EEXIST) {
		free = give_way(old);
		conn_put(old);
		if (!free)
			return -EADDRNOTAVAIL;
	}

	return err;
}

/**
 * conn_unlink() - nobody finds a connection any more, and nothing of it is sent
 * @conn: the connection, linked or not; the caller has a reference
 */
void conn_unlink(struct conn *conn)
	__must_hold(&conn->lock)
{
	struct protocol *protocol = conn->protocol;

	lockdep_assert_held(&conn->lock);
	if (!conn->linked)
		return;

	spin_lock(&protocol->lock);
	conn->linked = false;
	rhashtable_remove_fast(&protocol->table, &conn->node, table_params);
	conn_linger_forget(conn);
	list_del_init(&conn->link);
	/* Unless the guest's thread has it, which will see. */
	if (!list_empty(&conn->ready)) {
		list_del_init(&conn->ready);
		conn->is_ready = false;
		conn_put(conn);
	}
	spin_unlock(&protocol->lock);
	conn_put(conn);
}

/**
 * conn_find() - the connection between two ports
 * @protocol: the guest's connections
 * @guest_port: the guest's port
 * @host_port: ours
 *
 * Context: the guest's thread.
 * Return: the connection, with a reference, or NULL.
 */
struct conn *conn_find(struct protocol *protocol, u32 guest_port,
		       u32 host_port)
{
	const struct conn_key key = {
		.guest_port = guest_port,
		.host_port = host_port,
	};
	struct conn *conn;

	rcu_read_lock();
	conn = rhashtable_lookup(&protocol->table, &key, table_params);
	if (conn && !refcount_inc_not_zero(&conn->refs))
		conn = NULL;
	rcu_read_unlock();

	return conn;
}

/**
 * conn_end() - nothing is sent or received any more
 * @conn: the connection
 * @dropped: where buffers go that nobody needs, to be freed without the lock
 *
 * What the socket may receive still stays.
 */
void conn_end(struct conn *conn, struct sk_buff_head *dropped)
	__must_hold(&conn->lock)
{
	lockdep_assert_held(&conn->lock);
	conn->state = CONN_CLOSED;
	conn->due = 0;
	skb_queue_splice_tail_init(&conn->out_buffers, dropped);
	conn->out.unread = 0;
	conn->out.taken = 0;
	skb_queue_splice_tail_init(&conn->partial_buffers, dropped);
	conn->partial.unread = 0;
	/* Whoever waits for it to be sent need not any more. */
	if (conn->drain_wanted && conn->sk)
		conn->sk->sk_state_change(conn->sk);
}

/* The socket learns that its connection is over. */
static void tell_socket(struct conn *conn)
	__must_hold(&conn->lock)
{
	struct sock *sk = conn->sk;

	if (!sk)
		return;
	if (!conn->known) {
		conn_answer(conn);
		return;
	}
	if (conn->err)
		WRITE_ONCE(sk->sk_err, conn->err);
	/* After the last data: see vns_peer_is_done(). */
	smp_store_release(&vsock_sk(sk)->peer_shutdown, SHUTDOWN_MASK);
	sk->sk_state_change(sk);
	if (conn->err)
		sk_error_report(sk);
}

/**
 * conn_close() - a connection is over, and its socket learns it
 * @conn: the connection, not closed yet
 * @err: why, 0 when the guest wants it so
 * @dropped: as for conn_end()
 */
void conn_close(struct conn *conn, int err, struct sk_buff_head *dropped)
	__must_hold(&conn->lock)
{
	conn_end(conn, dropped);
	conn->err = err;
	tell_socket(conn);
}

/* The first one that there is, with a reference, or NULL. */
static struct conn *any_conn(struct protocol *protocol)
{
	struct conn *conn;

	spin_lock(&protocol->lock);
	conn = list_first_entry_or_null(&protocol->open, struct conn, link) ?:
	       list_first_entry_or_null(&protocol->lingering, struct conn,
					link) ?:
	       list_first_entry_or_null(&protocol->resetting, struct conn,
					link);
	if (conn)
		conn_get(conn);
	spin_unlock(&protocol->lock);

	return conn;
}

/**
 * protocol_reset() - a guest is gone, or another one now: its connections end
 * @protocol: its connections
 * @err: what their sockets get, also those that are still connecting
 *
 * The guest hears nothing of it.
 *
 * Context: process context; see protocol.h.
 */
void protocol_reset(struct protocol *protocol, int err)
{
	struct sk_buff_head dropped;
	struct conn *conn;

	__skb_queue_head_init(&dropped);
	while ((conn = any_conn(protocol))) {
		spin_lock(&conn->lock);
		if (conn->state == CONN_CLOSED)
			conn_end(conn, &dropped);
		else
			conn_close(conn, err, &dropped);
		conn_unlink(conn);
		spin_unlock(&conn->lock);
		__skb_queue_purge(&dropped);
		conn_put(conn);
		cond_resched();
	}
	/* The guest's thread has ended, or waits for its turn, or is us. */
	protocol->refusals_count = 0;
}
