// SPDX-License-Identifier: GPL-2.0-only
/* Whole buffers off this side's queue, for the program of a sockmap. */
#include <linux/bvec.h>
#include <linux/errno.h>
#include <linux/uio.h>

#include "loopback/loopback.h"

/**
 * struct piece - what is handed out next
 * @skb: it, when it fills a buffer by itself and so was taken off the queue
 * @len: its bytes of payload
 */
struct piece {
	struct sk_buff *skb;
	size_t len;
};

/* Finds what is next, a message or the rest of a stream's first buffer. */
static void find(struct vns_sock *vs, struct piece *piece)
{
	struct lo_link *link = lo_sk(vs)->link;
	struct lo_end *this = lo_this_end(vs);
	struct sk_buff *skb;
	lo_record record;
	size_t head = 0;

	spin_lock(&link->lock);
	skb = skb_peek(&this->sk->sk_receive_queue);
	piece->len = skb->len - this->taken;
	piece->skb = NULL;
	if (vns_is_seqpacket(vs)) {
		head = sizeof(record);
		memcpy(&record, skb->data + this->taken, head);
		piece->len = lo_record_len(record);
	}
	/* The program must not judge what the sender can still change. */
	if (skb->len == head + piece->len && !this->taken && !skb_zcopy(skb)) {
		__skb_unlink(skb, &this->sk->sk_receive_queue);
		this->unread -= piece->len;
		this->received += piece->len;
		lo_wake_writer(vs);
		__skb_pull(skb, head);
		piece->skb = skb;
	}
	spin_unlock(&link->lock);
}

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
		lo_recv(vs, &io);

	return skb;
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
	struct piece piece;

	if (!lo_sk(vs)->link)
		return -ENOTCONN;
	/* It also says that the next byte is waited for. */
	if (!lo_has_data(vs, 1))
		return -EAGAIN;
	find(vs, &piece);
	if (!piece.skb)
		piece.skb = copy(vs, piece.len);
	if (!piece.skb)
		return -ENOMEM;
	/* A program may ask the buffer for its socket's addresses. */
	if (!skb_set_owner_sk_safe(piece.skb, vns_sock_sk(vs))) {
		kfree_skb(piece.skb);
		return -ENOTCONN;
	}
	actor(vns_sock_sk(vs), piece.skb);

	return min_t(size_t, piece.len, INT_MAX);
}
