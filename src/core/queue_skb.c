// SPDX-License-Identifier: GPL-2.0-only
/* Whole buffers off the front of a queue, for the program of a sockmap. */
#include <linux/bvec.h>
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/uio.h>

#include "core/socket.h"
#include "vns_queue.h"

/**
 * vns_queue_take() - take what is next, if it fills a buffer by itself
 * @queue: a queue that is not empty, its lock held, and its owner's socket lock
 * @messages: it holds messages: one is next; else the rest of the first buffer
 * @len: set to the payload of what is next
 *
 * Return: the buffer, which holds the payload and nothing else, or NULL.
 */
struct sk_buff *vns_queue_take(struct vns_queue *queue, bool messages,
			       size_t *len)
{
	struct sk_buff *skb = skb_peek(queue->buffers);
	vns_record record;
	size_t head = 0;

	*len = skb->len - queue->taken;
	if (messages) {
		head = sizeof(record);
		memcpy(&record, skb->data + queue->taken, head);
		*len = vns_record_len(record);
	}
	/* The program must not judge what the sender can still change. */
	if (skb->len != head + *len || queue->taken || skb_zcopy(skb))
		return NULL;

	__skb_unlink(skb, queue->buffers);
	queue->unread -= *len;
	queue->received += *len;
	__skb_pull(skb, head);

	return skb;
}
EXPORT_SYMBOL_GPL(vns_queue_take);

/* An empty buffer with room for @len bytes, of which @iter is made. */
static struct sk_buff *make_room(struct vns_sock *vs, size_t len,
				 struct bio_vec *vec, struct iov_iter *iter)
{
	const int order = get_order(DIV_ROUND_UP(len, MAX_SKB_FRAGS));
	struct skb_shared_info *info;
	struct sk_buff *skb;
	int err, i;

	skb = alloc_skb_with_frags(0, len, max(order, PAGE_ALLOC_COSTLY_ORDER),
				   &err, vns_sock_sk(vs)->sk_allocation);
	if (!skb)
		return NULL;
	skb->len += len;
	skb->data_len += len;

	info = skb_shinfo(skb);
	for (i = 0; i < info->nr_frags; i++)
		vec[i] = (struct bio_vec) {
			.bv_page = skb_frag_page(&info->frags[i]),
			.bv_len = skb_frag_size(&info->frags[i]),
			.bv_offset = skb_frag_off(&info->frags[i]),
		};
	iov_iter_bvec(iter, READ, vec, info->nr_frags, len);

	return skb;
}

/* Part of a buffer, or several: a copy is what leaves the queue as it should be. */
static struct sk_buff *copy(struct vns_sock *vs, size_t len)
{
	struct bio_vec vec[MAX_SKB_FRAGS];
	struct msghdr msg = {};
	struct vns_io io = {
		.msg = &msg,
		.len = len,
	};
	struct sk_buff *skb = make_room(vs, len, vec, &msg.msg_iter);

	/* It could not fail: the memory is ours, and the bytes are there. */
	if (skb)
		vs->transport->recv(vs, &io);

	return skb;
}

/* Bytes in the largest pages there are, as many as one buffer can have. */
#define HAND_OUT_MAX	(MAX_SKB_FRAGS * SZ_4M)

/* A message that never fits one buffer is taken off the queue, and told. */
static int refuse(struct vns_sock *vs, size_t len)
{
	struct sock *sk = vns_sock_sk(vs);
	struct msghdr nowhere = {};
	struct vns_io io = { .msg = &nowhere };

	iov_iter_discard(&nowhere.msg_iter, READ, 0);
	vs->transport->recv(vs, &io);
	sk->sk_err = EMSGSIZE;
	sk_error_report(sk);

	return min_t(size_t, len, INT_MAX);
}

/**
 * vns_queue_hand_out() - the end of a transport's read_skb
 * @vs: the socket, its socket lock held
 * @skb: from vns_queue_take(), taken over, or NULL: a copy is made
 * @len: from vns_queue_take()
 * @actor: takes the buffer over
 *
 * A message that no buffer has room for is dropped, and the socket has EMSGSIZE.
 *
 * Context: may sleep for memory.
 * Return: the buffer's length, -ENOMEM, -ENOTCONN.
 */
int vns_queue_hand_out(struct vns_sock *vs, struct sk_buff *skb, size_t len,
		       int (*actor)(struct sock *sk, struct sk_buff *skb))
{
	if (!skb && len > HAND_OUT_MAX)
		return refuse(vs, len);
	if (!skb)
		skb = copy(vs, len);
	if (!skb)
		return -ENOMEM;
	/* A program may ask the buffer for its socket's addresses. */
	if (!skb_set_owner_sk_safe(skb, vns_sock_sk(vs))) {
		kfree_skb(skb);
		return -ENOTCONN;
	}
	actor(vns_sock_sk(vs), skb);

	return min_t(size_t, len, INT_MAX);
}
EXPORT_SYMBOL_GPL(vns_queue_hand_out);
