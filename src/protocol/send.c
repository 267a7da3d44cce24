// SPDX-License-Identifier: GPL-2.0-only
/* Bytes and messages from a socket to the guest's thread. */
#include <linux/errno.h>

#include "protocol/conn.h"

/*
 * How much of @len bytes may be sent now: of a message all or none.  0 when the
 * sender has to wait, or an errno.
 */
static ssize_t room_for(struct conn *conn, size_t len)
	__must_hold(&conn->lock)
{
	u32 room;

	if (conn->state != CONN_ESTABLISHED ||
	    (conn->peer_shutdown & RCV_SHUTDOWN))
		return -EPIPE;
	if (!guest_is_running(protocol_guest(conn->protocol)))
		return -EHOSTUNREACH;
	room = conn_room(conn);
	if (!conn->messages)
		return min_t(size_t, room, len);

	/* Without any room the guest's buffer may be about to grow. */
	if (len > conn_room_limit(conn))
		return room ? -EMSGSIZE : 0;
	conn->message_wanted = room < len ? len : 0;

	return room < len ? 0 : len;
}

static void queued(struct conn *conn, size_t len)
	__must_hold(&conn->lock)
{
	conn->queued += len;
	conn_make_ready(conn);
}

/* Puts a small send behind the last one, into its buffer. */
static bool append(struct conn *conn, struct vns_io *io, size_t len)
	__must_hold(&conn->lock)
{
	vns_record record = vns_record_make(len, io->flags);

	if (len > VNS_APPEND_MAX || vns_io_refers(io) ||
	    !vns_queue_append(&conn->out, &io->msg->msg_iter, len,
			      conn->messages ? &record : NULL))
		return false;
	queued(conn, len);

	return true;
}

/* Queues buffers that hold @len bytes.  Takes them over. */
static ssize_t enqueue(struct conn *conn, struct sk_buff_head *buffers,
		       size_t len)
{
	ssize_t ret = -EPIPE;

	spin_lock(&conn->lock);
	if (conn->state == CONN_ESTABLISHED) {
		vns_queue_add(&conn->out, buffers, len);
		queued(conn, len);
		ret = len;
	}
	spin_unlock(&conn->lock);
	__skb_queue_purge(buffers);

	return ret;
}

/**
 * conn_send() - vns_transport.send
 * @vs: an established socket, its socket lock held
 * @io: the call
 *
 * Context: may sleep to allocate memory, not to wait for room.
 * Return: bytes sent, -EAGAIN without room, -EMSGSIZE for a message that will
 *	never fit, -EPIPE when the guest receives no more, -EHOSTUNREACH while it is
 *	stopped, -EFAULT, -ENOMEM.
 */
ssize_t conn_send(struct vns_sock *vs, struct vns_io *io)
{
	struct conn *conn = conn_sk(vs)->conn;
	struct sk_buff_head buffers;
	ssize_t room, n;
	bool behind;

	if (!conn)
		return -ENOTCONN;

	spin_lock(&conn->lock);
	room = room_for(conn, io->len);
	/*
	 * In place as a whole, or not at all.  And what waits to be sent holds the
	 * sender's namespace, for as long as a guest elsewhere likes.
	 */
	if (unlikely(io->ubuf) && room > 0 &&
	    (room < io->len || !conn->one_net))
		io->copied = true;
	if (room > 0 && append(conn, io, room)) {
		spin_unlock(&conn->lock);
		return room;
	}
	behind = conn->out.unread;
	spin_unlock(&conn->lock);

	if (room < 0)
		return room;
	if (!room) {
		io->target = conn->messages ? io->len : 1;
		return -EAGAIN;
	}
	__skb_queue_head_init(&buffers);
	/* When the guest is behind, more small writes may follow. */
	n = vns_buffers_make(vs, io, room, behind, &buffers);

	return n < 0 ? n : enqueue(conn, &buffers, n);
}
