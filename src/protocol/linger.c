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
 * most: beyond it the oldest is reset.  Of those resets the guest learns, unless
 * it leaves too many of them unread.
 */
#define LINGER_COUNT	1024
#define LINGER_BYTES	SZ_64M
#define LINGER_RESETS	4096

static bool is_over(const struct conn *conn)
{
	return conn->state == CONN_CLOSED;
}

/* Only a RST is left to be sent. */
static void become_reset(struct conn *conn, struct sk_buff_head *dropped)
	__must_hold(&conn->lock)
{
	struct protocol *protocol = conn->protocol;

	conn_end(conn, dropped);
	spin_lock(&protocol->lock);
	protocol->lingering_bytes -= conn->linger_bytes;
	conn->linger_bytes = 0;
	spin_unlock(&protocol->lock);
	conn_linger_touch(conn);
	conn_due(conn, CONN_DUE_RST);
}

/* It took too long, or there are too many. */
static void reset_oldest(struct conn *conn)
{
	struct sk_buff_head dropped;

	__skb_queue_head_init(&dropped);
	spin_lock(&conn->lock);
	if (conn->linked && is_over(conn)) {
		conn_end(conn, &dropped);
		conn_unlink(conn);
	} else if (conn->linked) {
		become_reset(conn, &dropped);
	}
	spin_unlock(&conn->lock);
	__skb_queue_purge(&dropped);
}

/* The oldest, with a reference, if it is not among the few that may linger. */
static struct conn *one_too_many(struct protocol *protocol)
{
	struct conn *conn;

	spin_lock(&protocol->lock);
	conn = list_first_entry_or_null(&protocol->lingering, struct conn,
					link);
	if (conn && (protocol->lingering_count <= 1 ||
		     (protocol->lingering_count <= LINGER_COUNT &&
		      protocol->lingering_bytes <= LINGER_BYTES) ||
		     (READ_ONCE(conn->state) == CONN_CLOSED &&
		      protocol->lingering_count <= LINGER_RESETS)))
		conn = NULL;
	if (conn)
		conn_get(conn);
	spin_unlock(&protocol->lock);

	return conn;
}

static void limit_lingering(struct protocol *protocol)
{
	struct conn *conn;

	while ((conn = one_too_many(protocol))) {
		reset_oldest(conn);
		conn_put(conn);
	}
}

/**
 * conn_linger_touch() - a connection that lingers makes progress
 * @conn: the connection, linked
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

static void linger(struct conn *conn, u8 due)
	__must_hold(&conn->lock)
{
	struct protocol *protocol = conn->protocol;

	lockdep_assert_held(&conn->lock);
	spin_lock(&protocol->lock);
	conn->lingering = true;
	conn->linger_bytes = conn->out.unread;
	conn->deadline = jiffies + LINGER_TIMEOUT;
	if (list_empty(&protocol->lingering))
		queue_delayed_work(conn_wq, &protocol->linger_work,
				   LINGER_TIMEOUT);
	list_move_tail(&conn->link, &protocol->lingering);
	protocol->lingering_count++;
	protocol->lingering_bytes += conn->linger_bytes;
	spin_unlock(&protocol->lock);
	conn_due(conn, due);
}

/* The socket is gone: what becomes of its connection? */
static void leave(struct conn *conn, struct sk_buff_head *dropped)
	__must_hold(&conn->lock)
{
	const bool shut = conn->peer_shutdown == SHUTDOWN_MASK;

	skb_queue_splice_tail_init(conn->in.buffers, dropped);
	skb_queue_splice_tail_init(&conn->partial_buffers, dropped);
	conn->in.unread = 0;
	conn->deaf = true;
	conn->sk = NULL;

	if (!conn->linked || conn->state == CONN_CONNECTING) {
		conn_end(conn, dropped);
		conn_unlink(conn);
	} else if (is_over(conn) || shut) {
		/* The guest closed first: this answers it, or answers it again. */
		conn_end(conn, dropped);
		linger(conn, CONN_DUE_RST);
	} else {
		conn->shutdown = SHUTDOWN_MASK;
		linger(conn, CONN_DUE_SHUTDOWN);
	}
}

/**
 * conn_leave() - a socket has done with its connection
 * @vs: the socket, its socket lock held or its last reference gone
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

	limit_lingering(conn->protocol);
	conn_put(conn);
}

/* The oldest, with a reference, if its time is over; else when to look again. */
static struct conn *one_too_old(struct protocol *protocol)
{
	struct conn *conn;

	spin_lock(&protocol->lock);
	conn = list_first_entry_or_null(&protocol->lingering, struct conn,
					link);
	if (conn && time_before(jiffies, conn->deadline)) {
		queue_delayed_work(conn_wq, &protocol->linger_work,
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
		reset_oldest(conn);
		conn_put(conn);
	}
}
