// SPDX-License-Identifier: GPL-2.0-only
/* Bytes and messages from the guest onto a socket's receive queue. */
#include <linux/errno.h>
#include <linux/uio.h>
#include <uapi/linux/virtio_vsock.h>

#include "protocol/conn.h"
#include "protocol/tap.h"

/* Messages without a byte need no credit; so many may wait to be received. */
#define EMPTIES_MAX	16384

/**
 * struct part - what a packet brings
 * @payload: the bytes
 * @len: how many
 * @first: they begin a message
 * @last: they end one
 * @eor: MSG_EOR or 0, of that
 */
struct part {
	struct iov_iter *payload;
	u32 len;
	bool first;
	bool last;
	int eor;
};

/* Of a stream each part is by itself, and so is a message of one part. */
static bool is_whole(const struct conn *conn, const struct part *part)
{
	return !conn->messages || (part->first && part->last);
}

/*
 * The word in front of the part, if there is one: of a message that goes on it
 * is known later.
 */
static const vns_record *record_of(const struct conn *conn,
				   const struct part *part, vns_record *record)
{
	if (!conn->messages || !part->first)
		return NULL;
	*record = vns_record_make(part->len, part->eor);

	return record;
}

/* The beginning of a message got its end. */
static void complete_message(struct conn *conn, int eor)
	__must_hold(&conn->lock)
{
	const u32 len = conn->partial.unread;
	const vns_record record = vns_record_make(len, eor);

	memcpy(skb_peek(&conn->partial_buffers)->data, &record, sizeof(record));
	conn->partial.unread = 0;
	vns_queue_add(&conn->in, &conn->partial_buffers, len);
}

/* What has arrived counts; who waits for it is woken. */
static void part_is_in(struct conn *conn, const struct part *part,
		       struct sk_buff_head *dropped)
	__must_hold(&conn->lock)
{
	if (!is_whole(conn, part)) {
		if (!part->last)
			return;
		complete_message(conn, part->eor);
		/* It may have been merged into the buffer before it. */
		skb_queue_splice_tail_init(&conn->partial_buffers, dropped);
	} else if (!part->len) {
		conn->empties++;
	}
	conn_wake_reader(conn);
}

static struct vns_queue *queue_for(struct conn *conn, const struct part *part)
{
	return is_whole(conn, part) ? &conn->in : &conn->partial;
}

/* A small part without a buffer of its own. */
static bool append_part(struct conn *conn, const struct part *part)
	__must_hold(&conn->lock)
{
	vns_record record;

	if (part->len > VNS_APPEND_MAX || protocol_tap_wanted(conn->protocol))
		return false;
	return vns_queue_append(queue_for(conn, part), part->payload, part->len,
				record_of(conn, part, &record));
}

/* The connection cannot go on: bytes of it are lost. */
static void lose(struct conn *conn, const struct packet_header *header, int err,
		 struct sk_buff_head *dropped)
	__must_hold(&conn->lock)
{
	conn_refuse(conn, header);
	if (conn->state != CONN_CLOSED && conn->sk)
		conn_close(conn, err, dropped);
	else
		conn_end(conn, dropped);
	conn_unlink(conn);
}

/* A part with a buffer of its own; the lock is dropped meanwhile. */
static int put(struct conn *conn, const struct packet_header *header,
	       const struct part *part, struct sk_buff_head *dropped)
	__must_hold(&conn->lock)
{
	/* When the reader is behind, or the message goes on, more follow. */
	const bool roomy = conn->in.unread || !is_whole(conn, part);
	const vns_record *head;
	struct sk_buff_head buffers;
	struct sk_buff *skb;
	vns_record record;

	head = record_of(conn, part, &record);
	spin_unlock(&conn->lock);
	skb = vns_buffer_make(part->payload, part->len, head, roomy);
	if (!IS_ERR(skb) && part->len)
		protocol_tap_payload(conn->protocol, header, skb,
				     head ? sizeof(*head) : 0);
	spin_lock(&conn->lock);

	if (IS_ERR(skb)) {
		lose(conn, header,
		     PTR_ERR(skb) == -EFAULT ? ECONNRESET : ENOBUFS, dropped);
		return PTR_ERR(skb) == -EFAULT ? -EFAULT : 0;
	}
	__skb_queue_head_init(&buffers);
	__skb_queue_tail(&buffers, skb);
	/* Only the socket may have gone meanwhile, or all of it. */
	if (conn->state == CONN_ESTABLISHED && conn->sk)
		vns_queue_add(queue_for(conn, part), &buffers, part->len);
	skb_queue_splice_tail_init(&buffers, dropped);

	return 0;
}

/* Nobody will read it: it is as good as received. */
static void discard(struct conn *conn, u32 len)
	__must_hold(&conn->lock)
{
	conn->in.received += len;
	conn->forwarded += len;
}

static bool is_too_much(const struct conn *conn, const struct part *part)
{
	if (conn->arrived + part->len > conn->allowed)
		return true;
	if (!conn->messages)
		return false;
	if (is_whole(conn, part))
		return !part->len && conn->empties >= EMPTIES_MAX;
	return (u64)conn->partial.unread + part->len > INT_MAX;
}

/**
 * conn_receive() - take the payload of a packet
 * @conn: an established connection that has a socket
 * @header: the packet's header
 * @payload: @header->len bytes
 * @dropped: where buffers go that nobody needs
 *
 * Context: the guest's thread; the connection's lock is dropped on the way.
 * Return: 0, -EFAULT when @payload could not be read.
 */
int conn_receive(struct conn *conn, const struct packet_header *header,
		 struct iov_iter *payload, struct sk_buff_head *dropped)
	__must_hold(&conn->lock)
{
	struct part part = {
		.payload = payload,
		.len = header->len,
		.first = skb_queue_empty(&conn->partial_buffers),
		.last = header->flags & VIRTIO_VSOCK_SEQ_EOM,
		.eor = header->flags & VIRTIO_VSOCK_SEQ_EOR ? MSG_EOR : 0,
	};
	int err = 0;

	lockdep_assert_held(&conn->lock);
	/* Only the end of a message says something without a byte. */
	if (!part.len && (!conn->messages || !part.last))
		return 0;
	if (is_too_much(conn, &part)) {
		lose(conn, header, ENOBUFS, dropped);
		return 0;
	}
	conn->arrived += part.len;
	if (conn->deaf) {
		discard(conn, part.len);
		return 0;
	}

	if ((part.len || part.first) && !append_part(conn, &part))
		err = put(conn, header, &part, dropped);
	if (conn->state == CONN_ESTABLISHED && conn->sk)
		part_is_in(conn, &part, dropped);

	return err;
}
