// SPDX-License-Identifier: GPL-2.0-only
/* Bytes and messages into buffers, and buffers into a queue. */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "core/socket.h"
#include "core/store.h"
#include "vns_queue.h"

/* Bytes in one buffer: what fits one page, or in the store or pages of their own. */
#define LINEAR_MAX	SKB_MAX_HEAD(0)
#define PAGED_MAX	SZ_64K

/* A buffer whose payload is in the store, or NULL: there is no room. */
static struct sk_buff *make_stored(struct iov_iter *from, size_t len,
				   const vns_record *record)
{
	const size_t head = record ? sizeof(*record) : 0;
	struct sk_buff *skb;
	struct page *page;
	size_t offset;

	page = vns_store_take(len, &offset);
	if (!page)
		return NULL;
	skb = alloc_skb(head, GFP_KERNEL_ACCOUNT);
	if (!skb) {
		put_page(page);
		return ERR_PTR(-ENOMEM);
	}
	if (record)
		skb_put_data(skb, record, head);
	skb_add_rx_frag(skb, 0, page, offset, len, len);
	if (copy_from_iter(page_address(page) + offset, len, from) != len) {
		kfree_skb(skb);
		return ERR_PTR(-EFAULT);
	}

	return skb;
}

/**
 * vns_buffer_make() - a buffer with a copy of the caller's bytes
 * @from: where they are
 * @len: how many, 64 KiB at most
 * @record: what comes in front, or NULL
 * @roomy: more small ones may follow: leave room behind
 *
 * Context: may sleep.
 * Return: the buffer, or an error pointer: -ENOMEM, -EFAULT.
 */
struct sk_buff *vns_buffer_make(struct iov_iter *from, size_t len,
				const vns_record *record, bool roomy)
{
	const size_t head = record ? sizeof(*record) : 0;
	size_t linear = head + len, paged = 0;
	struct sk_buff *skb;
	int err;

	if (linear > LINEAR_MAX) {
		skb = make_stored(from, len, record);
		if (skb)
			return skb;
		linear = head;
		paged = len;
	} else if (roomy && len <= VNS_APPEND_MAX) {
		/* Larger pages would be much for a few bytes. */
		linear = min_t(size_t, LINEAR_MAX, SKB_WITH_OVERHEAD(SZ_4K));
	}

	skb = alloc_skb_with_frags(linear, paged, PAGE_ALLOC_COSTLY_ORDER, &err,
				   GFP_KERNEL_ACCOUNT);
	if (!skb)
		return ERR_PTR(-ENOMEM);
	if (record)
		skb_put_data(skb, record, head);
	if (paged) {
		skb->len += paged;
		skb->data_len += paged;
	} else {
		skb_put(skb, len);
	}
	if (skb_copy_datagram_from_iter(skb, head, from, len)) {
		kfree_skb(skb);
		return ERR_PTR(-EFAULT);
	}

	return skb;
}
EXPORT_SYMBOL_GPL(vns_buffer_make);

/* What sock_wfree() does, but for waking a writer: what it frees is no room in a transport's queue. */
static void uncharge(struct sk_buff *skb)
{
	WARN_ON_ONCE(refcount_sub_and_test(skb->truesize,
					   &skb->sk->sk_wmem_alloc));
}

/*
 * A buffer that refers to the caller's memory, to as much of @len bytes as there
 * is room for references.
 */
static struct sk_buff *make_reference(struct vns_sock *vs, struct vns_io *io,
				      size_t len, const vns_record *record)
{
	const size_t head = record ? sizeof(*record) : 0;
	struct iov_iter *iter = &io->msg->msg_iter;
	const size_t behind = iov_iter_count(iter) - len;
	struct sk_buff *skb;
	int err;

	skb = alloc_skb(head, GFP_KERNEL_ACCOUNT);
	if (!skb)
		return ERR_PTR(-ENOMEM);
	skb_reserve(skb, head);
	skb_zcopy_set(skb, io->ubuf, NULL);

	/*
	 * It wants an owner to charge.  But once queued the buffer is the
	 * receiver's: only the notification still knows the sender.
	 */
	skb->sk = vns_sock_sk(vs);
	skb->destructor = uncharge;
	refcount_add(skb->truesize, &skb->sk->sk_wmem_alloc);
	iov_iter_truncate(iter, len);
	err = zerocopy_sg_from_iter(skb, iter);
	iov_iter_reexpand(iter, iov_iter_count(iter) + behind);
	skb_orphan(skb);
	if (err && (err != -EMSGSIZE || !skb->len)) {
		kfree_skb(skb);
		/* vsock programs know memory that cannot be pinned as this. */
		return ERR_PTR(-ENOMEM);
	}
	if (record)
		memcpy(skb_push(skb, head), record, head);

	return skb;
}

/**
 * vns_buffers_make() - buffers with what a socket sends
 * @vs: the sender, its socket lock held
 * @io: the call
 * @len: bytes; of SOCK_SEQPACKET the message, @io->len
 * @roomy: more small sends may follow: leave room for them
 * @buffers: where the buffers go, an empty list
 *
 * Context: may sleep.
 * Return: bytes, @len or for SOCK_STREAM less; or -ENOMEM, -EFAULT without any
 *	buffer.
 */
ssize_t vns_buffers_make(struct vns_sock *vs, struct vns_io *io, size_t len,
			 bool roomy, struct sk_buff_head *buffers)
{
	const bool messages = vns_is_seqpacket(vs);
	vns_record record = vns_record_make(len, io->flags);
	const vns_record *head = messages ? &record : NULL;
	struct sk_buff *skb;
	size_t left = len;
	size_t here;

	do {
		here = min_t(size_t, left, PAGED_MAX);
		skb = vns_io_refers(io) ? make_reference(vs, io, here, head) :
		      vns_buffer_make(&io->msg->msg_iter, here, head, roomy);
		if (IS_ERR(skb)) {
			__skb_queue_purge(buffers);
			return PTR_ERR(skb);
		}
		__skb_queue_tail(buffers, skb);
		left -= skb->len - (head ? sizeof(*head) : 0);
		head = NULL;
	} while (left && messages);

	return len - left;
}
EXPORT_SYMBOL_GPL(vns_buffers_make);

/**
 * vns_queue_append() - copy to the end of the last buffer in a queue
 * @queue: the queue, its lock held
 * @from: where the bytes are
 * @len: how many, VNS_APPEND_MAX at most
 * @record: what comes in front, or NULL
 *
 * Small writes are put behind the last one, into its buffer, so that memory is
 * bounded by bytes sent and not by the number of writes.
 *
 * Context: any but hard interrupts; takes no fault, so @from has to be there.
 * Return: false when it was not, or when there is no room.
 */
bool vns_queue_append(struct vns_queue *queue, struct iov_iter *from,
		      size_t len, const vns_record *record)
{
	struct sk_buff *tail = skb_peek_tail(queue->buffers);
	size_t head = record ? sizeof(*record) : 0;
	size_t copied;

	if (!tail || skb_is_nonlinear(tail) || skb_tailroom(tail) < head + len)
		return false;

	pagefault_disable();
	copied = copy_from_iter(skb_tail_pointer(tail) + head, len, from);
	pagefault_enable();
	if (copied != len) {
		iov_iter_revert(from, copied);
		return false;
	}
	if (record)
		memcpy(skb_tail_pointer(tail), record, head);
	__skb_put(tail, head + len);
	queue->unread += len;

	return true;
}
EXPORT_SYMBOL_GPL(vns_queue_append);

/*
 * What vns_queue_append() could not do because the caller's memory was absent is
 * done with the copy: a buffer for each byte would hold thousands of times its
 * size.
 */
static bool merge(struct sk_buff *tail, const struct sk_buff_head *buffers)
{
	const struct sk_buff *skb = skb_peek(buffers);

	if (!tail || buffers->qlen > 1 ||
	    skb->len > sizeof(vns_record) + VNS_APPEND_MAX ||
	    skb_is_nonlinear(skb) || skb_is_nonlinear(tail) ||
	    skb_tailroom(tail) < skb->len)
		return false;
	skb_put_data(tail, skb->data, skb->len);

	return true;
}

/**
 * vns_queue_add() - put buffers at the end of a queue
 * @queue: the queue, its lock held
 * @buffers: the buffers; those that are left there are not needed any more
 * @len: bytes of payload in them
 *
 * Context: any but hard interrupts.
 */
void vns_queue_add(struct vns_queue *queue, struct sk_buff_head *buffers,
		   size_t len)
{
	if (!merge(skb_peek_tail(queue->buffers), buffers))
		skb_queue_splice_tail_init(buffers, queue->buffers);
	queue->unread += len;
}
EXPORT_SYMBOL_GPL(vns_queue_add);
