// SPDX-License-Identifier: GPL-2.0-only
/* Bytes and messages off the front of a queue. */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/uio.h>

#include "core/socket.h"
#include "vns_queue.h"

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
 * stays while it is read.  The queue's lock is for those that are being added:
 * buffers behind it, and bytes at its end.
 */
static bool cursor_first(const struct vns_queue *queue, spinlock_t *lock,
			 struct cursor *at)
{
	spin_lock(lock);
	at->skb = skb_peek(queue->buffers);
	if (at->skb) {
		at->offset = queue->taken;
		at->avail = at->skb->len - queue->taken;
	}
	spin_unlock(lock);

	return at->skb;
}

/* On to what is behind @at: in the same buffer, if that has grown meanwhile. */
static bool cursor_next(const struct vns_queue *queue, spinlock_t *lock,
			struct cursor *at)
{
	spin_lock(lock);
	at->offset += at->avail;
	if (at->offset == at->skb->len) {
		at->skb = skb_peek_next(at->skb, queue->buffers);
		at->offset = 0;
	}
	if (at->skb)
		at->avail = at->skb->len - at->offset;
	spin_unlock(lock);

	return at->skb;
}

/* Copies up to @len bytes from @at on.  Bytes copied; less on a fault. */
static size_t copy_out(const struct vns_queue *queue, spinlock_t *lock,
		       struct cursor *at, struct msghdr *msg, size_t len)
{
	size_t copied = 0;

	for (;;) {
		size_t here = min_t(size_t, len - copied, at->avail);

		if (skb_copy_datagram_iter(at->skb, at->offset, &msg->msg_iter,
					   here))
			break;
		copied += here;
		if (copied == len || !cursor_next(queue, lock, at))
			break;
	}

	return copied;
}

static ssize_t read_message(const struct vns_queue *queue, spinlock_t *lock,
			    struct cursor *at, struct vns_io *io, size_t *bytes)
{
	vns_record record;
	size_t len, wanted;

	memcpy(&record, at->skb->data + at->offset, sizeof(record));
	at->offset += sizeof(record);
	at->avail -= sizeof(record);
	len = vns_record_len(record);
	wanted = min(len, io->len);

	if (record & VNS_RECORD_EOR)
		io->msg->msg_flags |= MSG_EOR;
	/* As everywhere, a message that meets bad memory is lost. */
	*bytes = sizeof(record) + len;

	return copy_out(queue, lock, at, io->msg, wanted) == wanted ? len :
								      -EFAULT;
}

/**
 * vns_queue_read() - copy from the front of a queue to the caller
 * @queue: the queue, whose owner's socket lock is held
 * @lock: the queue's lock, not held
 * @io: the call
 * @messages: it holds messages, of which one is read
 * @bytes: set to what has to be taken off the queue, unless the caller only
 *	peeks: vns_queue_drop(); 0 when there is nothing to take
 *
 * Context: may sleep for the caller's memory, not to wait for data.
 * Return: bytes received (a message's whole length), -EAGAIN, -EFAULT.
 */
ssize_t vns_queue_read(struct vns_queue *queue, spinlock_t *lock,
		       struct vns_io *io, bool messages, size_t *bytes)
{
	struct cursor at;

	*bytes = 0;
	if (!cursor_first(queue, lock, &at))
		return -EAGAIN;
	if (messages)
		return read_message(queue, lock, &at, io, bytes);
	*bytes = copy_out(queue, lock, &at, io->msg, io->len);

	return *bytes ?: -EFAULT;
}
EXPORT_SYMBOL_GPL(vns_queue_read);

/* A buffer has a KiB at least, or there would be room in the one before. */
#define DROP_AT_ONCE	(1024 * 1024)

/**
 * vns_queue_drop_most() - take all but the last of many bytes off a queue
 * @queue: the queue, its owner's socket lock held
 * @lock: its lock, not held
 * @bytes: how many, from the first buffer on
 *
 * Nobody waits for the lock as long as it takes to receive gigabytes.  None of them
 * is counted as received: that is for the vns_queue_drop() that has to follow.
 *
 * Context: may sleep.
 * Return: how many are left for it.
 */
size_t vns_queue_drop_most(struct vns_queue *queue, spinlock_t *lock,
			   size_t bytes)
{
	struct sk_buff_head emptied;

	while (unlikely(bytes > DROP_AT_ONCE)) {
		__skb_queue_head_init(&emptied);
		spin_lock(lock);
		vns_queue_drop(queue, DROP_AT_ONCE, 0, &emptied);
		spin_unlock(lock);
		vns_queue_free(&emptied);
		bytes -= DROP_AT_ONCE;
		cond_resched();
	}

	return bytes;
}
EXPORT_SYMBOL_GPL(vns_queue_drop_most);

/**
 * vns_queue_drop() - take bytes off the front of a queue
 * @queue: the queue, its lock held, and its owner's socket lock
 * @bytes: how many, from the first buffer on
 * @payload: how many of them are payload
 * @emptied: where buffers go that were read to their end, a list
 */
void vns_queue_drop(struct vns_queue *queue, size_t bytes, size_t payload,
		    struct sk_buff_head *emptied)
{
	struct sk_buff *skb;
	size_t here;

	queue->unread -= payload;
	queue->received += payload;
	while (bytes) {
		skb = skb_peek(queue->buffers);
		here = min_t(size_t, bytes, skb->len - queue->taken);
		bytes -= here;
		queue->taken += here;
		if (queue->taken < skb->len)
			break;
		__skb_unlink(skb, queue->buffers);
		__skb_queue_tail(emptied, skb);
		queue->taken = 0;
	}
}
EXPORT_SYMBOL_GPL(vns_queue_drop);

/**
 * vns_queue_free() - free buffers that did their work
 * @emptied: the buffers
 *
 * Context: no lock held.
 */
void vns_queue_free(struct sk_buff_head *emptied)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(emptied)))
		consume_skb(skb);
}
EXPORT_SYMBOL_GPL(vns_queue_free);
