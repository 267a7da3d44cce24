// SPDX-License-Identifier: GPL-2.0-only
/* Bytes and messages from the guest to a socket's reader. */
#include <linux/errno.h>

#include "protocol/conn.h"

/* @bytes from the first buffer on, @payload of them counted, are received. */
static void consume(struct conn *conn, size_t bytes, size_t payload)
{
	struct sk_buff_head emptied;

	bytes = vns_queue_drop_most(&conn->in, &conn->lock, bytes);
	__skb_queue_head_init(&emptied);
	spin_lock(&conn->lock);
	vns_queue_drop(&conn->in, bytes, payload, &emptied);
	if (!payload)
		conn->empties--;
	conn_received(conn);
	spin_unlock(&conn->lock);
	vns_queue_free(&emptied);
}

/**
 * conn_recv() - vns_transport.recv
 * @vs: an established socket, its socket lock held
 * @io: the call
 *
 * Context: may sleep for the caller's memory, not to wait for data.
 * Return: bytes received (a message's whole length), -EAGAIN, -EFAULT.
 */
ssize_t conn_recv(struct vns_sock *vs, struct vns_io *io)
{
	struct conn *conn = conn_sk(vs)->conn;
	size_t bytes;
	ssize_t ret;

	if (!conn)
		return -ENOTCONN;
	ret = vns_queue_read(&conn->in, &conn->lock, io, conn->messages,
			     &bytes);
	if (bytes && !(io->flags & MSG_PEEK))
		consume(conn, bytes, vns_queue_payload(bytes, conn->messages));

	return ret;
}

/**
 * conn_read_skb() - vns_transport.read_skb
 * @vs: an established socket, its socket lock held
 * @actor: takes the buffer over
 *
 * Context: may sleep for memory.
 * Return: the buffer's length, -EAGAIN without one, -ENOMEM, -ENOTCONN.
 */
int conn_read_skb(struct vns_sock *vs,
		  int (*actor)(struct sock *sk, struct sk_buff *skb))
{
	struct conn *conn = conn_sk(vs)->conn;
	struct sk_buff_head emptied;
	struct sk_buff *skb;
	size_t len;

	if (!conn)
		return -ENOTCONN;
	__skb_queue_head_init(&emptied);
	do {
		/* It also says that the next byte is waited for. */
		if (!conn_has_data(vs, 1)) {
			vns_queue_free(&emptied);
			return -EAGAIN;
		}
		spin_lock(&conn->lock);
		skb = vns_queue_take(&conn->in, conn->messages, &len);
		if (!len) {
			/* A program has no use for it, and a map no room. */
			if (skb)
				__skb_queue_tail(&emptied, skb);
			else
				vns_queue_drop(&conn->in, sizeof(vns_record), 0,
					       &emptied);
			conn->empties--;
		}
		if (skb || !len)
			conn_received(conn);
		spin_unlock(&conn->lock);
	} while (!len);
	vns_queue_free(&emptied);

	return vns_queue_hand_out(vs, skb, len, actor);
}
