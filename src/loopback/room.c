// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much a side may send before the other one receives, and who is woken when
 * there is room again.
 */
#include "loopback/loopback.h"

/**
 * lo_limit() - bytes that may wait between two sockets
 * @vs: the sender
 * @other: the receiver, still open
 *
 * A receiver never holds more than its own buffer, and a sender never fills
 * more than one of its own size, as on every vsock transport.
 */
u32 lo_limit(struct vns_sock *vs, const struct sock *other)
{
	return min3(READ_ONCE(vs->vsk.buffer_size),
		    READ_ONCE(vns_sk(other)->vsk.buffer_size), (u64)U32_MAX);
}

static u32 room_locked(struct vns_sock *vs)
	__must_hold(&lo_sk(vs)->link->lock)
{
	struct lo_end *other = lo_other_end(vs);
	u32 limit;

	lockdep_assert_held(&lo_sk(vs)->link->lock);
	/* The send that follows is refused, not delayed. */
	if (!other->sk || other->deaf)
		return U32_MAX;

	limit = lo_limit(vs, other->sk);
	return limit > other->unread ? limit - other->unread : 0;
}

/**
 * lo_room() - bytes that a socket may send now
 * @vs: a connected socket, its socket lock held
 *
 * It gets no less until @vs itself sends, unless a buffer size is lowered.
 */
u32 lo_room(struct vns_sock *vs)
{
	struct lo_link *link = lo_sk(vs)->link;
	u32 room;

	spin_lock(&link->lock);
	room = room_locked(vs);
	spin_unlock(&link->lock);

	return room;
}

/**
 * lo_room_or_wake() - is there room, and if not, wake this side when there is
 * @vs: a connected socket, its socket lock held
 * @wanted: bytes of room
 *
 * Return: true when there is.
 */
bool lo_room_or_wake(struct vns_sock *vs, u32 wanted)
{
	struct lo_link *link = lo_sk(vs)->link;
	struct lo_end *other = lo_other_end(vs);
	bool enough;

	spin_lock(&link->lock);
	enough = room_locked(vs) >= wanted;
	if (!enough) {
		if (!other->wanted || other->wanted > wanted)
			other->wanted = wanted;
		/* A receiver may sleep because SO_RCVLOWAT asks for more. */
		if (other->unread)
			other->sk->sk_data_ready(other->sk);
	}
	spin_unlock(&link->lock);

	return enough;
}

/**
 * lo_wake_writer() - wake the other side if it waits and there is room for it
 * @vs: a connected socket that received, its socket lock held
 * @at_any_room: even less room than it waits for will do: this side is about
 *	to wait for data itself
 */
void lo_wake_writer(struct vns_sock *vs, bool at_any_room)
{
	struct lo_end *this = lo_this_end(vs);
	struct lo_end *other = lo_other_end(vs);
	struct lo_link *link = lo_sk(vs)->link;
	u32 limit, room;

	if (!READ_ONCE(this->wanted))
		return;

	spin_lock(&link->lock);
	if (this->wanted && other->sk) {
		limit = lo_limit(vns_sk(other->sk), this->sk);
		room = limit > this->unread ? limit - this->unread : 0;
		if (room >= (at_any_room ? 1 : this->wanted)) {
			this->wanted = 0;
			other->sk->sk_write_space(other->sk);
		}
	}
	spin_unlock(&link->lock);
}
