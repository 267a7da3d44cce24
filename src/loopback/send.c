// SPDX-License-Identifier: GPL-2.0-only
/* Bytes and messages onto the other side's queue. */
#include <linux/errno.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "loopback/loopback.h"

/* Bytes in one buffer: what fits one page, or in pages of their own. */
#define LINEAR_MAX	SKB_MAX_HEAD(0)
#define PAGED_MAX	SZ_64K

/*
 * Small writes are put behind the last one, into its buffer, so that memory is
 * bounded by bytes sent and not by the number of writes.
 */
#define APPEND_MAX	1024

/* Is the caller's memory to be used in place? */
static bool refers(const struct vns_io *io)
{
	return unlikely(io->ubuf) && !io->copied;
}

/*
 * Copies to the end of the last buffer in the queue.  The copy is done with the
 * lock held, so it may not fault: the caller's memory has to be there.
 */
static bool append(struct vns_sock *vs, struct vns_io *io, size_t len,
		   const lo_record *record)
{
	struct lo_end *other = lo_other_end(vs);
	struct lo_link *link = lo_sk(vs)->link;
	size_t head = record ? sizeof(*record) : 0;
	struct sk_buff *tail;
	bool done = false;
	size_t copied;

	/* Who watches sees each write, in a frame of its own. */
	if (unlikely(lo_tap_wanted(vs)))
		return false;

	spin_lock(&link->lock);
	if (other->deaf)
		goto unlock;
	tail = skb_peek_tail(&other->sk->sk_receive_queue);
	if (!tail || skb_is_nonlinear(tail) || skb_tailroom(tail) < head + len)
		goto unlock;

	pagefault_disable();
	copied = copy_from_iter(skb_tail_pointer(tail) + head, len,
				&io->msg->msg_iter);
	pagefault_enable();
	if (copied != len) {
		iov_iter_revert(&io->msg->msg_iter, copied);
		goto unlock;
	}
	if (record)
		memcpy(skb_tail_pointer(tail), record, head);
	__skb_put(tail, head + len);
	other->unread += len;
	lo_wake_reader(vs);
	done = true;
unlock:
	spin_unlock(&link->lock);

	return done;
}

/* A buffer with @len bytes of the caller's, behind @record if there is one. */
static struct sk_buff *make_buffer(struct vns_sock *vs, struct vns_io *io,
				   size_t len, const lo_record *record)
{
	const size_t head = record ? sizeof(*record) : 0;
	size_t linear = head + len, paged = 0;
	struct sk_buff *skb;
	int err;

	if (linear > LINEAR_MAX) {
		linear = head;
		paged = len;
	} else if (READ_ONCE(lo_other_end(vs)->unread)) {
		/* The reader is behind: more small writes may follow. */
		linear = LINEAR_MAX;
	}

	skb = alloc_skb_with_frags(linear, paged, PAGE_ALLOC_COSTLY_ORDER, &err,
				   vns_sock_sk(vs)->sk_allocation);
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
	if (skb_copy_datagram_from_iter(skb, head, &io->msg->msg_iter, len)) {
		kfree_skb(skb);
		return ERR_PTR(-EFAULT);
	}

	return skb;
}

/* What sock_wfree() does, but for waking who waits: there is no more room now. */
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
				      size_t len, const lo_record *record)
{
	const size_t head = record ? sizeof(*record) : 0;
	struct iov_iter *iter = &io->msg->msg_iter;
	const size_t behind = iov_iter_count(iter) - len;
	struct sk_buff *skb;
	int err;

	skb = alloc_skb(head, vns_sock_sk(vs)->sk_allocation);
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

static struct sk_buff *make_skb(struct vns_sock *vs, struct vns_io *io,
				size_t len, const lo_record *record)
{
	return refers(io) ? make_reference(vs, io, len, record) :
				    make_buffer(vs, io, len, record);
}

/*
 * What append() could not do because the caller's memory was absent is done with
 * the copy: a buffer for each byte would hold thousands of times its size.
 */
static bool merge(struct sk_buff *tail, const struct sk_buff *skb)
{
	if (!tail || skb->len > sizeof(lo_record) + APPEND_MAX ||
	    skb_is_nonlinear(skb) || skb_is_nonlinear(tail) ||
	    skb_tailroom(tail) < skb->len)
		return false;
	skb_put_data(tail, skb->data, skb->len);

	return true;
}

/* Queues buffers that hold @len bytes.  Takes them over. */
static ssize_t enqueue(struct vns_sock *vs, struct sk_buff_head *buffers,
		       size_t len)
{
	struct lo_end *other = lo_other_end(vs);
	struct lo_link *link = lo_sk(vs)->link;
	struct sk_buff_head *queue;
	ssize_t ret = -EPIPE;

	lo_tap_payload(vs, buffers);
	spin_lock(&link->lock);
	if (!other->deaf) {
		queue = &other->sk->sk_receive_queue;
		if (!merge(skb_peek_tail(queue), skb_peek(buffers)))
			skb_queue_splice_tail_init(buffers, queue);
		other->unread += len;
		lo_wake_reader(vs);
		ret = len;
	}
	spin_unlock(&link->lock);
	__skb_queue_purge(buffers);

	return ret;
}

static ssize_t send_stream(struct vns_sock *vs, struct vns_io *io, size_t len)
{
	struct sk_buff_head buffers;
	struct sk_buff *skb;

	if (len <= APPEND_MAX && !refers(io) && append(vs, io, len, NULL))
		return len;

	skb = make_skb(vs, io, min_t(size_t, len, PAGED_MAX), NULL);
	if (IS_ERR(skb))
		return PTR_ERR(skb);
	len = skb->len;
	__skb_queue_head_init(&buffers);
	__skb_queue_tail(&buffers, skb);

	return enqueue(vs, &buffers, len);
}

/* A message goes as a whole or not at all. */
static ssize_t send_message(struct vns_sock *vs, struct vns_io *io)
{
	lo_record record = lo_record_make(io->len, io->flags);
	const lo_record *head = &record;
	struct sk_buff_head buffers;
	struct sk_buff *skb;
	size_t left = io->len;

	if (io->len <= APPEND_MAX && !refers(io) && append(vs, io, io->len, head))
		return io->len;

	__skb_queue_head_init(&buffers);
	do {
		skb = make_skb(vs, io, min_t(size_t, left, PAGED_MAX), head);
		if (IS_ERR(skb)) {
			__skb_queue_purge(&buffers);
			return PTR_ERR(skb);
		}
		__skb_queue_tail(&buffers, skb);
		left -= skb->len - (head ? sizeof(*head) : 0);
		head = NULL;
	} while (left);

	return enqueue(vs, &buffers, io->len);
}

/**
 * lo_send() - vns_transport.send
 * @vs: an established socket, its socket lock held
 * @io: the call
 *
 * Context: may sleep to allocate memory, not to wait for room.
 * Return: bytes sent, -EAGAIN without room, -EMSGSIZE for a message that will
 *	never fit, -EPIPE when the other side is gone, -EFAULT, -ENOMEM.
 */
ssize_t lo_send(struct vns_sock *vs, struct vns_io *io)
{
	ssize_t room;

	if (!lo_sk(vs)->link)
		return -ENOTCONN;
	room = lo_room(vs, io->len);
	if (room < 0)
		return room;
	if (!room) {
		/* Who does not wait wants to know of any room there is. */
		io->target = vns_is_seqpacket(vs) ||
			     !(io->flags & MSG_DONTWAIT) ? io->len : 1;
		return -EAGAIN;
	}

	/*
	 * As on the packet transports: in place as a whole, or not at all.  And
	 * what waits to be received holds the sender's namespace, which is
	 * nobody's business outside.
	 */
	if (unlikely(io->ubuf) &&
	    (room < io->len || !lo_sk(vs)->link->one_net))
		io->copied = true;

	return vns_is_seqpacket(vs) ? send_message(vs, io) :
				      send_stream(vs, io, room);
}
