// SPDX-License-Identifier: GPL-2.0-only
/* Bytes and messages onto the other side's queue. */
#include <linux/errno.h>

#include "loopback/loopback.h"

/* Puts a small send behind the last one, into its buffer. */
static bool append(struct vns_sock *vs, struct vns_io *io, size_t len)
{
	vns_record record = vns_record_make(len, io->flags);
	struct lo_end *other = lo_other_end(vs);
	struct lo_link *link = lo_sk(vs)->link;
	bool done;

	if (len > VNS_APPEND_MAX || vns_io_refers(io))
		return false;
	/* Who watches sees each write, in a frame of its own. */
	if (unlikely(lo_tap_wanted(vs)))
		return false;

	spin_lock(&link->lock);
	done = !lo_flags(link, other)->deaf &&
	       vns_queue_append(&other->queue, &io->msg->msg_iter, len,
				vns_is_seqpacket(vs) ? &record : NULL);
	if (done)
		lo_wake_reader(vs);
	spin_unlock(&link->lock);

	return done;
}

/* Queues buffers that hold @len bytes.  Takes them over. */
static ssize_t enqueue(struct vns_sock *vs, struct sk_buff_head *buffers,
		       size_t len)
{
	struct lo_end *other = lo_other_end(vs);
	struct lo_link *link = lo_sk(vs)->link;
	ssize_t ret = -EPIPE;

	lo_tap_payload(vs, buffers);
	spin_lock(&link->lock);
	if (!lo_flags(link, other)->deaf) {
		vns_queue_add(&other->queue, buffers, len);
		lo_wake_reader(vs);
		ret = len;
	}
	spin_unlock(&link->lock);
	__skb_queue_purge(buffers);

	return ret;
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
	struct sk_buff_head buffers;
	ssize_t room;
	ssize_t n;

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

	if (append(vs, io, room))
		return room;
	__skb_queue_head_init(&buffers);
	/* When the reader is behind, more small writes may follow. */
	n = vns_buffers_make(vs, io, room,
			     READ_ONCE(lo_other_end(vs)->queue.unread), &buffers);

	return n < 0 ? n : enqueue(vs, &buffers, n);
}
