// SPDX-License-Identifier: GPL-2.0-only
/* Bytes and messages off this side's queue. */
#include <linux/errno.h>

#include "loopback/loopback.h"

/* @bytes from the first buffer on, @payload of them counted, are received. */
static void consume(struct vns_sock *vs, size_t bytes, size_t payload)
{
	struct vns_queue *queue = &lo_this_end(vs)->queue;
	struct lo_link *link = lo_sk(vs)->link;
	struct sk_buff_head emptied;

	bytes = vns_queue_drop_most(queue, &link->lock, bytes);
	__skb_queue_head_init(&emptied);
	spin_lock(&link->lock);
	vns_queue_drop(queue, bytes, payload, &emptied);
	lo_wake_writer(vs);
	spin_unlock(&link->lock);
	vns_queue_free(&emptied);
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
	const bool messages = vns_is_seqpacket(vs);
	struct lo_link *link = lo_sk(vs)->link;
	size_t bytes;
	ssize_t ret;

	if (!link)
		return -ENOTCONN;
	ret = vns_queue_read(&lo_this_end(vs)->queue, &link->lock, io, messages,
			     &bytes);
	if (bytes && !(io->flags & MSG_PEEK))
		consume(vs, bytes, vns_queue_payload(bytes, messages));

	return ret;
}

/**
 * lo_read_skb() - vns_transport.read_skb
 * @vs: an established socket, its socket lock held
 * @actor: takes the buffer over
 *
 * Context: may sleep for memory.
 * Return: the buffer's length, -EAGAIN without one, -ENOMEM, -ENOTCONN.
 */
int lo_read_skb(struct vns_sock *vs,
		int (*actor)(struct sock *sk, struct sk_buff *skb))
{
	struct lo_link *link = lo_sk(vs)->link;
	struct sk_buff *skb;
	size_t len;

	if (!link)
		return -ENOTCONN;
	/* It also says that the next byte is waited for. */
	if (!lo_has_data(vs, 1))
		return -EAGAIN;
	spin_lock(&link->lock);
	skb = vns_queue_take(&lo_this_end(vs)->queue, vns_is_seqpacket(vs),
			     &len);
	if (skb)
		lo_wake_writer(vs);
	spin_unlock(&link->lock);

	return vns_queue_hand_out(vs, skb, len, actor);
}
