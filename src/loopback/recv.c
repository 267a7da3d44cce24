// SPDX-License-Identifier: GPL-2.0-only
/* Bytes and messages off this side's queue. */
#include <linux/errno.h>
#include <linux/uio.h>

#include "loopback/loopback.h"

/**
 * struct cursor - a place in the queue
 * @skb: the buffer
 * @offset: in it
 * @avail: bytes in it from there on, when we looked
 */
struct cursor {
	struct sk_buff *skb;
	u32 offset;
	u32 avail;
};

/*
 * Buffers leave the queue under the socket lock only, which we hold, so one
 * stays while it is read.  The link's lock is for those that are being added:
 * buffers behind it, and bytes at its end.
 */
static bool cursor_first(struct vns_sock *vs, struct cursor *at)
{
	struct lo_link *link = lo_sk(vs)->link;
	struct lo_end *this = lo_this_end(vs);

	spin_lock(&link->lock);
	at->skb = skb_peek(&this->sk->sk_receive_queue);
	if (at->skb) {
		at->offset = this->taken;
		at->avail = at->skb->len - this->taken;
	}
	spin_unlock(&link->lock);

	return at->skb;
}

/* On to what is behind @at: in the same buffer, if that has grown meanwhile. */
static bool cursor_next(struct vns_sock *vs, struct cursor *at)
{
	struct lo_link *link = lo_sk(vs)->link;

	spin_lock(&link->lock);
	at->offset += at->avail;
	if (at->offset == at->skb->len) {
		at->skb = skb_peek_next(at->skb,
					&vns_sock_sk(vs)->sk_receive_queue);
		at->offset = 0;
	}
	if (at->skb)
		at->avail = at->skb->len - at->offset;
	spin_unlock(&link->lock);

	return at->skb;
}

/* @bytes from the first buffer on, @payload of them counted, are received. */
static void consume(struct vns_sock *vs, size_t bytes, size_t payload)
{
	struct lo_link *link = lo_sk(vs)->link;
	struct lo_end *this = lo_this_end(vs);
	struct sk_buff_head emptied;
	struct sk_buff *skb;
	size_t here;

	__skb_queue_head_init(&emptied);
	spin_lock(&link->lock);
	this->unread -= payload;
	this->received += payload;
	while (bytes) {
		skb = skb_peek(&this->sk->sk_receive_queue);
		here = min_t(size_t, bytes, skb->len - this->taken);
		bytes -= here;
		this->taken += here;
		if (this->taken < skb->len)
			break;
		__skb_unlink(skb, &this->sk->sk_receive_queue);
		__skb_queue_tail(&emptied, skb);
		this->taken = 0;
	}
	lo_wake_writer(vs);
	spin_unlock(&link->lock);

	while ((skb = __skb_dequeue(&emptied)))
		consume_skb(skb);
}

/* Copies up to @len bytes from @at on.  Bytes copied; less on a fault. */
static size_t copy_out(struct vns_sock *vs, struct cursor *at, struct msghdr *msg,
		       size_t len)
{
	size_t copied = 0;

	for (;;) {
		size_t here = min_t(size_t, len - copied, at->avail);

		if (skb_copy_datagram_iter(at->skb, at->offset, &msg->msg_iter,
					   here))
			break;
		copied += here;
		if (copied == len || !cursor_next(vs, at))
			break;
	}

	return copied;
}

static ssize_t recv_stream(struct vns_sock *vs, struct vns_io *io)
{
	struct cursor at;
	size_t copied;

	if (!cursor_first(vs, &at))
		return -EAGAIN;

	copied = copy_out(vs, &at, io->msg, io->len);
	if (!copied)
		return -EFAULT;
	if (!(io->flags & MSG_PEEK))
		consume(vs, copied, copied);

	return copied;
}

static ssize_t recv_message(struct vns_sock *vs, struct vns_io *io)
{
	lo_record record;
	struct cursor at;
	size_t len, wanted;
	ssize_t ret;

	if (!cursor_first(vs, &at))
		return -EAGAIN;

	memcpy(&record, at.skb->data + at.offset, sizeof(record));
	at.offset += sizeof(record);
	at.avail -= sizeof(record);
	len = lo_record_len(record);
	wanted = min(len, io->len);
	ret = len;

	if (copy_out(vs, &at, io->msg, wanted) != wanted)
		ret = -EFAULT;
	if (record & LO_RECORD_EOR)
		io->msg->msg_flags |= MSG_EOR;
	/* As everywhere, a message that meets bad memory is lost. */
	if (!(io->flags & MSG_PEEK))
		consume(vs, sizeof(record) + len, len);

	return ret;
}

/**
 * lo_recv() - vns_transport.recv
 * @vs: an established socket, its socket lock held
 * @io: the call
 *
 * Context: may sleep for the caller's memory, not to wait for data.
 * Return: bytes received (a message's whole length), -EAGAIN, -EFAULT.
 */
ssize_t lo_recv(struct vns_sock *vs, struct vns_io *io)
{
	if (!lo_sk(vs)->link)
		return -ENOTCONN;
	return vns_is_seqpacket(vs) ? recv_message(vs, io) :
				      recv_stream(vs, io);
}
