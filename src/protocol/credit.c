// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much each side may send, and who is woken when there is something to
 * receive or room to send.
 *
 * Who finds nothing says so under the connection's lock (out.room_wanted,
 * data_wanted), and the guest's thread looks there under the same lock after each
 * change: no wake-up is lost, and none is made for nobody.
 */
#include <linux/errno.h>
#include <uapi/linux/virtio_vsock.h>

#include "protocol/conn.h"

/* What one packet may hold: a guest that has less room left waits. */
#define ROOM_LOW	SZ_64K

/**
 * conn_credit_fill() - say what the guest may send
 * @conn: the connection
 * @header: of a packet that is about to be sent
 */
void conn_credit_fill(struct conn *conn, struct packet_header *header)
	__must_hold(&conn->lock)
{
	lockdep_assert_held(&conn->lock);
	header->buf_alloc = conn->buf_alloc;
	header->fwd_cnt = conn->forwarded;
	conn->told = conn->forwarded;
	/* What was allowed once stays so, though the buffer becomes smaller. */
	conn->allowed = max(conn->allowed, conn->forwarded + conn->buf_alloc);
	conn->due &= ~CONN_DUE_CREDIT;
}

/**
 * conn_room_limit() - bytes that may be on their way to the guest
 * @conn: the connection
 *
 * Never more than a buffer of our own size, so that no guest can have the host
 * hold as much as it says.
 */
u32 conn_room_limit(const struct conn *conn)
	__must_hold(&conn->lock)
{
	lockdep_assert_held(&conn->lock);
	return min(conn->peer_buf_alloc, conn->buf_alloc);
}

/**
 * conn_room() - bytes that may be sent to the guest now
 * @conn: the connection
 */
u32 conn_room(const struct conn *conn)
	__must_hold(&conn->lock)
{
	const u32 limit = conn_room_limit(conn);
	const u32 used = conn->queued - conn->peer_forwarded;
	const u32 room = limit - min(used, limit);

	/* It may have said that it received what it did not even get. */
	return min(room, conn->buf_alloc -
			 min(conn->out.unread, conn->buf_alloc));
}

/**
 * conn_credit_wake() - wake who waits for room if there is enough now
 * @conn: the connection
 */
void conn_credit_wake(struct conn *conn)
	__must_hold(&conn->lock)
{
	lockdep_assert_held(&conn->lock);
	if (!conn->out.room_wanted || !conn->sk ||
	    (conn_room(conn) < conn->out.room_wanted &&
	     conn_room_limit(conn) >= conn->out.room_wanted))
		return;
	conn->out.room_wanted = 0;
	conn->sk->sk_write_space(conn->sk);
}

/**
 * conn_credit_update() - the guest says what we may send
 * @conn: the connection
 * @header: of a packet of its
 *
 * It cannot have received more than was sent, nor take back what it said.
 */
void conn_credit_update(struct conn *conn, const struct packet_header *header)
	__must_hold(&conn->lock)
{
	const u32 fwd_cnt = header->fwd_cnt;

	lockdep_assert_held(&conn->lock);
	if (fwd_cnt == conn->peer_forwarded &&
	    header->buf_alloc == conn->peer_buf_alloc)
		return;
	conn->peer_buf_alloc = header->buf_alloc;
	if (conn->queued - fwd_cnt < conn->queued - conn->peer_forwarded)
		conn->peer_forwarded = fwd_cnt;
	conn_credit_wake(conn);
}

/* Would a send fail at once instead of waiting? */
static bool is_shut(const struct conn *conn)
{
	return conn->state == CONN_CLOSED ||
	       (conn->peer_shutdown & RCV_SHUTDOWN);
}

/**
 * conn_has_room() - vns_transport.has_room
 * @vs: an established socket, its socket lock held
 * @target: bytes
 */
bool conn_has_room(struct vns_sock *vs, size_t target)
{
	struct conn *conn = conn_sk(vs)->conn;
	u32 wanted = min_t(size_t, target, U32_MAX);
	bool enough;

	if (!conn)
		return true;

	spin_lock(&conn->lock);
	/* poll() asks for a byte, but less than a message is no use. */
	wanted = max(wanted, conn->message_wanted);
	/* What will never fit is told so as soon as there is any. */
	if (conn->messages && wanted > conn_room_limit(conn))
		wanted = 1;
	enough = is_shut(conn) || conn_room(conn) >= wanted;
	if (!enough && (!conn->out.room_wanted || conn->out.room_wanted > wanted))
		conn->out.room_wanted = wanted;
	spin_unlock(&conn->lock);

	return enough;
}

/**
 * conn_received() - bytes were taken off the receive queue
 * @conn: the connection
 *
 * The guest is told when it may wait for room: when it has little left, or when
 * the receiver may sleep until there is more.  A buffer is in use until all of it
 * was received.
 */
void conn_received(struct conn *conn)
	__must_hold(&conn->lock)
{
	u32 forwarded = conn->in.received;
	s32 more;

	lockdep_assert_held(&conn->lock);
	if (!conn->messages)
		forwarded -= conn->in.taken;
	more = forwarded - (u32)conn->forwarded;
	if (more > 0)
		conn->forwarded += more;

	if (conn->forwarded != conn->told && conn->sk &&
	    (conn->in.unread < READ_ONCE(conn->sk->sk_rcvlowat) ||
	     conn->buf_alloc < conn->forwarded - conn->told + ROOM_LOW))
		conn_due(conn, CONN_DUE_CREDIT);
}

/* The receiver wants more than there is: the guest may use all the room. */
static void ask_for_more(struct conn *conn)
	__must_hold(&conn->lock)
{
	conn->forwarded += (u32)(conn->in.received - (u32)conn->forwarded);
	if (conn->forwarded != conn->told && !conn->deaf)
		conn_due(conn, CONN_DUE_CREDIT);
}

static bool data_waits(const struct conn *conn, size_t target)
{
	/* Messages may be empty; the queue is not while one waits. */
	if (conn->messages)
		return !skb_queue_empty_lockless(conn->in.buffers);
	return READ_ONCE(conn->in.unread) >= target;
}

/**
 * conn_has_data() - vns_transport.has_data
 * @vs: an established socket, its socket lock held
 * @target: bytes; of messages any will do
 */
bool conn_has_data(struct vns_sock *vs, size_t target)
{
	struct conn *conn = conn_sk(vs)->conn;
	bool enough;

	if (!conn)
		return false;
	/* Only we take some away. */
	if (data_waits(conn, target))
		return true;

	spin_lock(&conn->lock);
	enough = data_waits(conn, target) ||
		 (conn->in.unread && conn->in.unread >= conn->buf_alloc);
	if (!enough) {
		conn->data_wanted = true;
		ask_for_more(conn);
	}
	spin_unlock(&conn->lock);

	return enough;
}

/* Enough to be worth a wake-up. */
#define MUCH	SZ_64K

/**
 * conn_has_much() - vns_transport.has_much
 * @vs: an established socket
 *
 * Context: any, while a receive on @vs is under way, which keeps the connection.
 */
bool conn_has_much(struct vns_sock *vs)
{
	const struct conn *conn = conn_sk(vs)->conn;

	return !conn || READ_ONCE(conn->in.unread) >=
			min_t(u32, MUCH, READ_ONCE(conn->buf_alloc) / 2);
}

/**
 * conn_wake_reader() - data was put onto the receive queue
 * @conn: the connection, which has a socket
 */
void conn_wake_reader(struct conn *conn)
	__must_hold(&conn->lock)
{
	struct sock *sk = conn->sk;

	lockdep_assert_held(&conn->lock);
	if (conn->data_wanted || conn->messages ||
	    conn->in.unread >= READ_ONCE(sk->sk_rcvlowat)) {
		conn->data_wanted = false;
		vns_data_ready(sk);
	}
}

/**
 * conn_buffer_size() - vns_transport.buffer_size
 * @vs: a socket, its socket lock held
 * @size: bytes; lowered to what the protocol can say
 */
void conn_buffer_size(struct vns_sock *vs, u64 *size)
{
	struct conn *conn = conn_sk(vs)->conn;

	*size = min_t(u64, *size, U32_MAX);
	if (!conn)
		return;

	spin_lock(&conn->lock);
	WRITE_ONCE(conn->buf_alloc, *size);
	if (conn->state == CONN_ESTABLISHED)
		conn_due(conn, CONN_DUE_CREDIT);
	/* What waits may be all that there can be now. */
	if (conn->data_wanted && conn->sk)
		vns_data_ready(conn->sk);
	conn_credit_wake(conn);
	spin_unlock(&conn->lock);
}

/**
 * conn_rcvlowat() - vns_transport.rcvlowat
 * @vs: a socket, its socket lock held
 * @val: bytes
 *
 * The guest may wait for room, and the receiver from now on for more than there
 * is.
 *
 * Return: 0.
 */
int conn_rcvlowat(struct vns_sock *vs, int val)
{
	struct conn *conn = conn_sk(vs)->conn;

	if (!conn)
		return 0;
	spin_lock(&conn->lock);
	if (conn->state == CONN_ESTABLISHED && conn->in.unread < val)
		ask_for_more(conn);
	spin_unlock(&conn->lock);

	return 0;
}
