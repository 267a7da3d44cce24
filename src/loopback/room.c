// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much a side may send before the other one receives, and who is woken when
 * there is something to receive or room to send.
 *
 * Who finds nothing says so under the link's lock, in room_wanted or
 * data_wanted, and the other side looks there under the same lock after each
 * change: no wake-up is lost, and none is made for nobody.
 */
#include <linux/errno.h>

#include "loopback/loopback.h"

/*
 * Bytes that may wait at @to.  A receiver never holds more than its own buffer,
 * and a sender never fills more than one of its own size, as on every vsock
 * transport.
 */
static u32 limit_at(const struct lo_link *link, const struct lo_end *to)
	__must_hold(&link->lock)
{
	const struct lo_end *from = &link->end[to == &link->end[0]];
	struct sock *receiver = lo_end_sk(to);
	struct sock *sender = lo_end_sk(from);
	u64 limit = U32_MAX;

	lockdep_assert_held(&link->lock);
	if (receiver)
		limit = min(limit, READ_ONCE(vns_sk(receiver)->vsk.buffer_size));
	if (sender)
		limit = min(limit, READ_ONCE(vns_sk(sender)->vsk.buffer_size));

	return limit;
}

static u32 room_at(const struct lo_link *link, const struct lo_end *to)
	__must_hold(&link->lock)
{
	u32 limit = limit_at(link, to);

	return limit > to->queue.unread ? limit - to->queue.unread : 0;
}

/*
 * Is there room at @to for who waits for @wanted bytes of it?  A stream is
 * content with half of all the room that there can be: much at a time is cheaper
 * than each byte that gets free, and more may never be there.  It takes any room
 * when the reader waits for more than there is: then no more gets free.
 */
static bool room_suffices(struct lo_link *link, const struct lo_end *to,
			  u32 wanted, bool stream)
	__must_hold(&link->lock)
{
	if (stream)
		wanted = lo_flags(link, to)->data_wanted ? 1 :
			 min(wanted, limit_at(link, to) / 2 ?: 1);

	return room_at(link, to) >= wanted;
}

/**
 * lo_room() - how much of @len bytes may be sent now
 * @vs: a connected socket, its socket lock held
 * @len: bytes; of a message all or none
 *
 * The answer holds until @vs itself sends, unless a buffer size is lowered.
 *
 * Return: bytes, 0 when @vs has to wait, -EMSGSIZE for a message that will never
 *	fit, -EPIPE when the other side receives no more.
 */
ssize_t lo_room(struct vns_sock *vs, size_t len)
{
	struct lo_link *link = lo_sk(vs)->link;
	struct lo_end *to = lo_other_end(vs);
	ssize_t room;

	spin_lock(&link->lock);
	if (lo_flags(link, to)->deaf)
		room = -EPIPE;
	else if (vns_is_seqpacket(vs) && len > limit_at(link, to))
		room = -EMSGSIZE;
	else
		room = room_at(link, to);
	spin_unlock(&link->lock);

	if (room < 0)
		return room;
	if (vns_is_seqpacket(vs))
		return room < len ? 0 : len;
	return min_t(size_t, room, len);
}

/*
 * Is a send worth a try that needs @wanted bytes of room, or 0: one that nobody
 * knows the length of?  When not, the writer is woken when it is.
 */
static bool look_for_room(struct vns_sock *vs, u32 wanted)
{
	const bool stream = !vns_is_seqpacket(vs);
	const bool message = !stream && wanted;
	struct lo_link *link = lo_sk(vs)->link;
	struct lo_end *to = lo_other_end(vs);
	struct lo_flags *flags = lo_flags(link, to);
	struct vns_queue *queue = &to->queue;
	bool enough;

	spin_lock(&link->lock);
	/* Most likely the message that had no room, again. */
	if (!wanted)
		wanted = flags->message_wanted ? queue->room_wanted : 1;
	/* A send that would fail at once need not wait. */
	enough = flags->deaf || room_suffices(link, to, wanted, stream) ||
		 (!stream && wanted > limit_at(link, to));
	if (!enough) {
		if (!queue->room_wanted || queue->room_wanted > wanted ||
		    (message && !flags->message_wanted))
			queue->room_wanted = wanted;
		flags->message_wanted |= message;
		/* It may wait for more than there is room for. */
		if (queue->unread)
			vns_data_ready(lo_end_sk(to));
	}
	spin_unlock(&link->lock);

	return enough;
}

/**
 * lo_has_room() - vns_transport.has_room
 * @vs: an established socket, its socket lock held
 * @target: bytes
 */
bool lo_has_room(struct vns_sock *vs, size_t target)
{
	return look_for_room(vs, min_t(size_t, target, U32_MAX));
}

/**
 * lo_poll_out() - vns_transport.poll_out
 * @vs: an established socket, its socket lock held
 * @target: bytes of a stream
 * @ready: the answer
 *
 * Who polls after a message had no room would only be told so again, and again,
 * if any room would do.
 *
 * Return: 0.
 */
int lo_poll_out(struct vns_sock *vs, size_t target, bool *ready)
{
	*ready = look_for_room(vs, vns_is_seqpacket(vs) ? 0 : target);

	return 0;
}

static void wake_writer_of(struct lo_link *link, struct lo_end *to)
	__must_hold(&link->lock)
{
	struct sock *writer;

	lockdep_assert_held(&link->lock);
	if (!to->queue.room_wanted)
		return;
	writer = lo_end_sk(&link->end[to == &link->end[0]]);
	if (!writer)
		return;
	to->queue.room_wanted = 0;
	lo_flags(link, to)->message_wanted = false;
	writer->sk_write_space(writer);
}

/**
 * lo_has_data() - vns_transport.has_data
 * @vs: an established socket, its socket lock held
 * @target: bytes; of messages any will do
 */
bool lo_has_data(struct vns_sock *vs, size_t target)
{
	struct lo_link *link = lo_sk(vs)->link;
	struct lo_end *this;
	bool enough;

	if (!link)
		return false;
	this = lo_this_end(vs);
	if (vns_is_seqpacket(vs))
		target = 1;
	/* Only we take some away. */
	if (READ_ONCE(this->queue.unread) >= target)
		return true;

	spin_lock(&link->lock);
	enough = this->queue.unread >= target ||
		 (this->queue.unread && this->queue.unread >= limit_at(link, this));
	if (!enough) {
		lo_flags(link, this)->data_wanted = true;
		/* Two sides must not wait for each other. */
		if (room_at(link, this))
			wake_writer_of(link, this);
	}
	spin_unlock(&link->lock);

	return enough;
}

/* Enough to be worth a wake-up. */
#define MUCH	SZ_64K

/**
 * lo_has_much() - vns_transport.has_much
 * @vs: an established socket
 *
 * Who waits to send has nothing else to wait for than this reader.
 *
 * Context: any, while a receive on @vs is under way, which keeps the link.
 */
bool lo_has_much(struct vns_sock *vs)
{
	struct lo_end *this;

	if (!lo_sk(vs)->link)
		return true;
	this = lo_this_end(vs);

	return READ_ONCE(this->queue.room_wanted) ||
	       READ_ONCE(this->queue.unread) >=
	       min_t(u64, MUCH, READ_ONCE(vs->vsk.buffer_size) / 2);
}

/**
 * lo_wake_reader() - data was put onto the other side's queue
 * @vs: who did it
 *
 * Context: the link's lock is held, the other side is open.
 */
void lo_wake_reader(struct vns_sock *vs)
	__must_hold(&lo_sk(vs)->link->lock)
{
	struct lo_end *to = lo_other_end(vs);
	struct lo_flags *flags = lo_flags(lo_sk(vs)->link, to);
	struct sock *reader = lo_end_sk(to);

	lockdep_assert_held(&lo_sk(vs)->link->lock);
	if (flags->data_wanted || vns_is_seqpacket(vs) ||
	    to->queue.unread >= READ_ONCE(reader->sk_rcvlowat)) {
		flags->data_wanted = false;
		vns_data_ready(reader);
	}
}

/**
 * lo_wake_writer() - data was taken off this side's queue
 * @vs: who did it
 *
 * Context: socket lock and the link's lock are held.
 */
void lo_wake_writer(struct vns_sock *vs)
	__must_hold(&lo_sk(vs)->link->lock)
{
	struct lo_link *link = lo_sk(vs)->link;
	struct lo_end *this = lo_this_end(vs);

	lockdep_assert_held(&link->lock);
	if (this->queue.room_wanted &&
	    (!this->queue.unread ||
	     room_suffices(link, this, this->queue.room_wanted,
			   !vns_is_seqpacket(vs))))
		wake_writer_of(link, this);
}

/**
 * lo_wake_all() - a buffer size changed: both sides have to look again
 * @vs: a connected socket, its socket lock held
 */
void lo_wake_all(struct vns_sock *vs)
{
	struct lo_link *link = lo_sk(vs)->link;
	struct lo_end *end;
	struct sock *sk;

	spin_lock(&link->lock);
	for (end = link->end; end < link->end + ARRAY_SIZE(link->end); end++) {
		wake_writer_of(link, end);
		/* What waits may be all that there can be now. */
		sk = lo_end_sk(end);
		if (sk && lo_flags(link, end)->data_wanted)
			vns_data_ready(sk);
	}
	spin_unlock(&link->lock);
}
