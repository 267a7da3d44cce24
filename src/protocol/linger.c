// SPDX-License-Identifier: GPL-2.0-only
/*
 * A connection whose socket was closed: what is left is sent, then the guest is
 * told, and its RST is waited for, a while.
 */
#include <linux/jiffies.h>
#include <net/tcp_states.h>

#include "protocol/conn.h"

/* The guest takes nothing, or does not answer, for so long. */
#define LINGER_TIMEOUT	(8 * HZ)

/*
 * Connections of one guest that linger, and bytes that they have to send, at
 * most: beyond it the oldest is reset.  So many resets may wait to be sent; of
 * more the guest learns when it uses the connection.
 */
#define LINGERING_MAX	1024
#define LINGERING_BYTES	SZ_64M
#define RESETTING_MAX	4096

/**
 * conn_linger_forget() - take a connection out of the account of its list
 * @conn: the connection, linked; protocol.lock is held as well
 */
void conn_linger_forget(struct conn *conn)
	__must_hold(&conn->lock)
{
	struct protocol *protocol = conn->protocol;

	lockdep_assert_held(&conn->lock);
	lockdep_assert_held(&protocol->lock);
	if (conn->place == CONN_LINGERING) {
		protocol->lingering_count--;
		protocol->lingering_bytes -= conn->linger_bytes;
	} else if (conn->place == CONN_RESETTING) {
		protocol->resetting_count--;
	}
}

static void begin_timeout(struct conn *conn)
{
	struct protocol *protocol = conn->protocol;

	lockdep_assert_held(&protocol->lock);
	conn->deadline = jiffies + LINGER_TIMEOUT;
	/* Does nothing when it will look anyway, at an older one. */
	queue_delayed_work(conn_wq, &protocol->linger_work, LINGER_TIMEOUT);
}

/* Data is left, or a SHUTDOWN. */
static void linger(struct conn *conn)
	__must_hold(&conn->lock)
{
	struct protocol *protocol = conn->protocol;

	lockdep_assert_held(&conn->lock);
	spin_lock(&protocol->lock);
	conn->place = CONN_LINGERING;
	conn->linger_bytes = conn->out.unread;
	protocol->lingering_count++;
	protocol->lingering_bytes += conn->linger_bytes;
	list_move_tail(&conn->link, &protocol->lingering);
	begin_timeout(conn);
	spin_unlock(&protocol->lock);

	/* Once is enough. */
	if (conn->shut == SHUTDOWN_MASK)
		return;
	conn->shutdown = SHUTDOWN_MASK;
	conn_due(conn, CONN_DUE_SHUTDOWN);
}

/* Only a RST is left. */
static void reset(struct conn *conn, struct sk_buff_head *dropped)
	__must_hold(&conn->lock)
{
	struct protocol *protocol = conn->protocol;

	conn_end(conn, dropped);
	spin_lock(&protocol->lock);
	conn_linger_forget(conn);
	conn->place = CONN_RESETTING;
	protocol->resetting_count++;
	list_move_tail(&conn->link, &protocol->resetting);
	begin_timeout(conn);
	spin_unlock(&protocol->lock);

	conn_due(conn, CONN_DUE_RST);
}

/**
 * conn_linger_touch() - a connection that lingers makes progress
 * @conn: the connection, linked and lingering
 */
void conn_linger_touch(struct conn *conn)
	__must_hold(&conn->lock)
{
	struct protocol *protocol = conn->protocol;

	lockdep_assert_held(&conn->lock);
	spin_lock(&protocol->lock);
	conn->deadline = jiffies + LINGER_TIMEOUT;
	list_move_tail(&conn->link, &protocol->lingering);
	spin_unlock(&protocol->lock);
}

/* It took too long, or there are too many. */
static void give_up(struct conn *conn)
{
	struct sk_buff_head dropped;

	__skb_queue_head_init(&dropped);
	spin_lock(&conn->lock);
	if (conn->linked && conn->place == CONN_LINGERING) {
		reset(conn, &dropped);
	} else if (conn->linked && conn->place == CONN_RESETTING) {
		conn_end(conn, &dropped);
		conn_unlink(conn);
	}
	spin_unlock(&conn->lock);
	__skb_queue_purge(&dropped);
}

static struct conn *oldest(struct list_head *list)
{
	return list_first_entry_or_null(list, struct conn, link);
}

/* The oldest, with a reference, where there are too many, or NULL. */
static struct conn *one_too_many(struct protocol *protocol)
{
	struct conn *conn = NULL;

	spin_lock(&protocol->lock);
	if (protocol->resetting_count > RESETTING_MAX)
		conn = oldest(&protocol->resetting);
	else if (protocol->lingering_count > LINGERING_MAX ||
		 (protocol->lingering_bytes > LINGERING_BYTES &&
		  protocol->lingering_count > 1))
		conn = oldest(&protocol->lingering);
	if (conn)
		conn_get(conn);
	spin_unlock(&protocol->lock);

	return conn;
}

static void keep_to_limits(struct protocol *protocol)
{
	struct conn *conn;

	while ((conn = one_too_many(protocol))) {
		give_up(conn);
		conn_put(conn);
	}
}

/* The socket is gone: what becomes of its connection? */
static void leave(struct conn *conn, struct sk_buff_head *dropped)
	__must_hold(&conn->lock)
{
	skb_queue_splice_tail_init(conn->in.buffers, dropped);
	skb_queue_splice_tail_init(&conn->partial_buffers, dropped);
	conn->in.unread = 0;
	conn->deaf = true;
	conn->sk = NULL;

	if (!conn->linked || conn->state == CONN_CONNECTING) {
		conn_end(conn, dropped);
		conn_unlink(conn);
	} else if (conn->state == CONN_CLOSED ||
		   conn->peer_shutdown == SHUTDOWN_MASK) {
		/* The guest closed first: this answers it, or does so again. */
		reset(conn, dropped);
	} else {
		linger(conn);
	}
}

/**
 * conn_leave() - a socket has done with its connection
 * @vs: the socket, its socket lock held, or nobody else's
 *
 * Context: process context.
 */
void conn_leave(struct vns_sock *vs)
{
	struct conn *conn = conn_sk(vs)->conn;
	struct sk_buff_head dropped;

	if (!conn)
		return;
	conn_sk(vs)->conn = NULL;

	__skb_queue_head_init(&dropped);
	spin_lock(&conn->lock);
	leave(conn, &dropped);
	spin_unlock(&conn->lock);
	__skb_queue_purge(&dropped);

	keep_to_limits(conn->protocol);
	conn_put(conn);
}

/* The oldest of both lists. */
static struct conn *oldest_of_all(struct protocol *protocol)
{
	struct conn *a = oldest(&protocol->lingering);
	struct conn *b = oldest(&protocol->resetting);

	if (!a || !b)
		return a ?: b;
	return time_before(a->deadline, b->deadline) ? a : b;
}

/* The oldest, with a reference, if its time is over; else this looks again. */
static struct conn *one_too_old(struct protocol *protocol)
{
	struct conn *conn;

	spin_lock(&protocol->lock);
	conn = oldest_of_all(protocol);
	if (conn && time_before(jiffies, conn->deadline)) {
		/* Earlier than for what was reset meanwhile. */
		mod_delayed_work(conn_wq, &protocol->linger_work,
				 conn->deadline - jiffies);
		conn = NULL;
	}
	if (conn)
		conn_get(conn);
	spin_unlock(&protocol->lock);

	return conn;
}

/**
 * conn_linger_work() - reset what lingered too long
 * @work: in struct protocol
 */
void conn_linger_work(struct work_struct *work)
{
	struct protocol *protocol = container_of(to_delayed_work(work),
						 struct protocol, linger_work);
	struct conn *conn;

	while ((conn = one_too_old(protocol))) {
		give_up(conn);
		conn_put(conn);
	}
}
