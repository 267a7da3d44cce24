/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes and messages that wait: on their way to a socket's reader, or to the
 * other end of a connection.  For the transports that are written for us.
 *
 * A transport has a lock for each queue.  Buffers are added, and grow at their
 * end, under it; they leave the queue under it too, but only where whoever takes
 * them away is alone: for what a socket receives, under its socket lock.
 */
#ifndef VNS_QUEUE_H
#define VNS_QUEUE_H

#include <linux/skbuff.h>
#include <linux/socket.h>
#include <linux/spinlock.h>

#include "vns_transport.h"

/**
 * struct vns_queue - data that waits
 * @buffers: the buffers that hold it
 * @unread: bytes of payload in them that wait
 * @taken: bytes that are gone already of the first buffer
 * @received: bytes of payload that went; wraps around
 * @room_wanted: for its transport: room that a writer waits for, 0 when none does
 */
struct vns_queue {
	struct sk_buff_head *buffers;
	u32 unread;
	u32 taken;
	u32 received;
	u32 room_wanted;
};

/*
 * On a SOCK_SEQPACKET connection each message in a queue begins with this word,
 * in the linear part of a buffer: its length, shifted, and MSG_EOR.
 */
typedef u32 vns_record;
#define VNS_RECORD_EOR 1u

static inline vns_record vns_record_make(size_t len, int flags)
{
	return len << 1 | (flags & MSG_EOR ? VNS_RECORD_EOR : 0);
}

static inline size_t vns_record_len(vns_record record)
{
	return record >> 1;
}

/* Bytes that a send or a packet may have to be put behind the last ones. */
#define VNS_APPEND_MAX	1024

/* buffer.c */
struct sk_buff *VNS_API vns_buffer_make(struct iov_iter *from, size_t len,
					const vns_record *record, bool roomy);
ssize_t VNS_API vns_buffers_make(struct vns_sock *vs, struct vns_io *io,
				 size_t len, bool roomy,
				 struct sk_buff_head *buffers);
bool VNS_API vns_queue_append(struct vns_queue *queue, struct iov_iter *from,
			      size_t len, const vns_record *record);
void VNS_API vns_queue_add(struct vns_queue *queue,
			   struct sk_buff_head *buffers, size_t len);

/* queue.c */
ssize_t VNS_API vns_queue_read(struct vns_queue *queue, spinlock_t *lock,
			       struct vns_io *io, bool messages, size_t *bytes);
size_t VNS_API vns_queue_drop_most(struct vns_queue *queue, spinlock_t *lock,
				   size_t bytes);
void VNS_API vns_queue_drop(struct vns_queue *queue, size_t bytes,
			    size_t payload, struct sk_buff_head *emptied);
void VNS_API vns_queue_free(struct sk_buff_head *emptied);

/* queue_skb.c */
struct sk_buff *VNS_API vns_queue_take(struct vns_queue *queue, bool messages,
				       size_t *len);
int VNS_API vns_queue_hand_out(struct vns_sock *vs, struct sk_buff *skb,
			       size_t len,
			       int (*actor)(struct sock *sk,
					    struct sk_buff *skb));

/* Is the caller's memory to be used in place? */
static inline bool vns_io_refers(const struct vns_io *io)
{
	return unlikely(io->ubuf) && !io->copied;
}

/* Payload among @bytes that vns_queue_read() said have been read. */
static inline size_t vns_queue_payload(size_t bytes, bool messages)
{
	return messages ? bytes - sizeof(vns_record) : bytes;
}

#endif /* VNS_QUEUE_H */
