// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device's side of a split virtqueue: what is available, what was used, and
 * who has to be told.
 */
#include "ring/ring.h"
#include "ring/walk.h"

#define AVAIL_ENTRIES	offsetof(struct vring_avail, ring)
#define USED_ENTRIES	offsetof(struct vring_used, ring)

/* From the byte order of the ring, or to it. */
static u16 swap16(const struct vring_dev *ring, u16 value)
{
	return vring_is_foreign(ring) ? __swab16(value) : value;
}

static u32 swap32(const struct vring_dev *ring, u32 value)
{
	return vring_is_foreign(ring) ? __swab32(value) : value;
}

/* A translation that is missing may come; all else is for good. */
static int ring_fail(struct vring_dev *ring, int error)
{
	if (error != -EAGAIN)
		ring->broken = true;

	return error;
}

static int read_avail16(struct vring_dev *ring, size_t offset, u16 *value)
{
	int error = vring_memory_read16(ring->memory, value,
					ring->avail + offset);

	if (unlikely(error))
		return ring_fail(ring, error);
	*value = swap16(ring, *value);

	return 0;
}

static int log_used(struct vring_dev *ring, size_t offset, size_t len)
{
	if (likely(!ring->log_used && !ring->log_written))
		return 0;
	if (ring->log_written)
		return vring_memory_log_ring(ring->memory, ring->used + offset,
					     len);

	return vring_memory_log(ring->memory, ring->used_log + offset, len);
}

static int write_used16(struct vring_dev *ring, size_t offset, u16 value)
{
	int error = vring_memory_write16(ring->memory, ring->used + offset,
					 swap16(ring, value));

	if (likely(!error))
		error = log_used(ring, offset, sizeof(value));

	return likely(!error) ? 0 : ring_fail(ring, error);
}

static int write_used_entries(struct vring_dev *ring, u16 slot,
			      const struct vring_used_entry *entries, u16 count)
{
	const size_t offset = USED_ENTRIES + slot * sizeof(*entries);
	const size_t len = count * sizeof(*entries);
	int error = vring_memory_write(ring->memory, ring->used + offset,
				       entries, len);

	if (likely(!error))
		error = log_used(ring, offset, len);

	return likely(!error) ? 0 : ring_fail(ring, error);
}

/**
 * vring_start() - begin to serve a ring
 * @ring: its owner's members are filled in, see there
 *
 * Forgets what was before, a broken state too.
 *
 * Context: see ring/memory.h.
 * Return: 0, -EINVAL for a number of entries that no ring has, -EFAULT, or -EAGAIN.
 */
int vring_start(struct vring_dev *ring)
{
	int error;

	if (ring->num > VRING_MAX_NUM || !is_power_of_2(ring->num))
		return -EINVAL;

	ring->broken = false;
	ring->kick_off = false;
	ring->notified_valid = false;
	ring->published = false;
	ring->seen_avail = ring->next_avail;
	ring->head_count = 0;
	ring->used_count = 0;

	error = write_used16(ring, offsetof(struct vring_used, flags), 0);
	if (error)
		return error;
	error = vring_memory_read16(ring->memory, &ring->next_used, ring->used +
				    offsetof(struct vring_used, idx));
	if (error)
		return ring_fail(ring, error);
	ring->next_used = swap16(ring, ring->next_used);

	return 0;
}

/*
 * Looks how far the driver has got.  1 when there are entries to take, 0 when
 * there are none, or -errno.
 */
static int look_for_avail(struct vring_dev *ring)
{
	u16 seen;
	int error = read_avail16(ring, offsetof(struct vring_avail, idx),
				 &seen);

	if (unlikely(error))
		return error;
	/* More than there are entries, or fewer than there were. */
	if (unlikely((u16)(seen - ring->next_avail) > ring->num))
		return ring_fail(ring, -EIO);
	ring->seen_avail = seen;
	/* The entries were written before the index. */
	smp_rmb();

	return seen != ring->next_avail;
}

/* Reads entries of the available ring ahead.  Return as look_for_avail(). */
static int read_heads(struct vring_dev *ring)
{
	const u16 slot = ring->next_avail & (ring->num - 1);
	u32 count;
	u64 from;
	int error;

	if (ring->seen_avail == ring->next_avail) {
		int found = look_for_avail(ring);

		if (found <= 0)
			return found;
	}

	count = (u16)(ring->seen_avail - ring->next_avail);
	count = min_t(u32, count, VRING_BATCH);
	count = min_t(u32, count, ring->num - slot);
	from = ring->avail + AVAIL_ENTRIES + slot * sizeof(u16);
	if (count == 1)
		error = vring_memory_read16(ring->memory, ring->heads, from);
	else
		error = vring_memory_read(ring->memory, ring->heads, from,
					  count * sizeof(u16));
	if (unlikely(error)) {
		ring->head_count = 0;
		return ring_fail(ring, error);
	}
	ring->first_head = ring->next_avail;
	ring->head_count = count;

	return 1;
}

/* Writes what vring_put() collected. */
static int publish(struct vring_dev *ring)
{
	const u16 count = ring->used_count;
	const u16 slot = (ring->next_used - count) & (ring->num - 1);
	const u16 before_end = min_t(u32, count, ring->num - slot);
	int error;

	error = write_used_entries(ring, slot, ring->used_batch, before_end);
	if (likely(!error) && before_end < count)
		error = write_used_entries(ring, 0,
					   ring->used_batch + before_end,
					   count - before_end);
	if (unlikely(error))
		return error;

	/*
	 * The driver looks at the entries when it sees the index, which also tells
	 * of what is in the buffers.
	 */
	smp_wmb();
	error = write_used16(ring, offsetof(struct vring_used, idx),
			     ring->next_used);
	if (unlikely(error))
		return error;
	ring->used_count = 0;
	ring->published = true;

	return 0;
}

/**
 * vring_next() - take the next chain that the driver made available
 * @ring: a started one
 * @chain: filled
 *
 * Each chain is given back by vring_put() or vring_undo_next() before the next
 * one is taken.  None is taken without a translation of the used ring.
 *
 * Context: see ring/memory.h.
 * Return: 1, 0 when there is none, -EIO, -EFAULT, or -EAGAIN.
 */
int vring_next(struct vring_dev *ring, struct vring_chain *chain)
{
	u16 at = ring->next_avail - ring->first_head;
	u16 head;
	int error;

	if (unlikely(ring->broken))
		return -EIO;
	/*
	 * So that vring_put() finds room.  A driver that makes more available than
	 * it has descriptors must not get more entries than the ring has, either.
	 */
	if (ring->used_count == min_t(u32, VRING_BATCH, ring->num)) {
		error = publish(ring);
		if (unlikely(error))
			return error;
	}

	if (at >= ring->head_count) {
		int found = read_heads(ring);

		if (found <= 0)
			return found;
		at = 0;
	}
	head = swap16(ring, ring->heads[at]);
	if (unlikely(head >= ring->num))
		return ring_fail(ring, -EIO);
	/*
	 * What is taken has to be given back: vring_flush() must not be the first to
	 * miss the used ring.
	 */
	if (!ring->used_count) {
		error = vring_memory_may_write(ring->memory, ring->used,
					       USED_ENTRIES + ring->num *
					       sizeof(struct vring_used_entry));
		if (unlikely(error))
			return ring_fail(ring, error);
	}
	error = vring_walk(ring, head, chain);
	if (unlikely(error))
		return ring_fail(ring, error);
	ring->next_avail++;

	return 1;
}

/**
 * vring_undo_next() - leave the chain that vring_next() took last in the ring
 * @ring: the one it is from
 *
 * The next vring_next() takes it again.
 */
void vring_undo_next(struct vring_dev *ring)
{
	ring->next_avail--;
}

/**
 * vring_put() - give a chain back to the driver
 * @ring: the one it is from
 * @chain: what vring_next() took last
 * @len: bytes that were written into it, from the beginning; @chain->in_len at most
 *
 * The driver sees it after vring_flush(), or when many have collected.
 *
 * Context: see ring/memory.h.
 */
void vring_put(struct vring_dev *ring, const struct vring_chain *chain, u32 len)
{
	struct vring_used_entry *entry = &ring->used_batch[ring->used_count];

	entry->id = swap32(ring, chain->head);
	entry->len = swap32(ring, len);
	ring->used_count++;
	ring->next_used++;

	/* Fails for want of a log only, which shows at the next call. */
	if (len && vring_memory_log_buffers(ring->memory, chain->segment +
					    chain->out_segments,
					    chain->in_segments, len))
		ring->broken = true;
}

/* Does the driver want to know of what was published? */
static int wants_notification(struct vring_dev *ring)
{
	const u16 old = ring->notified_used;
	const bool had_old = ring->notified_valid;
	u16 value;
	int error;

	/* Either we see here what the driver asks for, or it sees our index after it asked. */
	smp_mb();
	ring->notified_used = ring->next_used;
	ring->notified_valid = true;

	if (ring->notify_on_empty && ring->seen_avail == ring->next_avail)
		return 1;
	if (ring->event_idx) {
		/* used_event, behind the entries */
		error = read_avail16(ring, AVAIL_ENTRIES +
				     ring->num * sizeof(u16), &value);
		if (likely(!error))
			return !had_old ||
			       vring_need_event(value, ring->next_used, old);
	} else {
		error = read_avail16(ring, offsetof(struct vring_avail, flags),
				     &value);
		if (likely(!error))
			return !(value & VRING_AVAIL_F_NO_INTERRUPT);
	}

	/* One notification too many does no harm. */
	return error == -EAGAIN ? 1 : error;
}

/**
 * vring_flush() - show the driver what vring_put() gave back
 * @ring: a started one
 *
 * Context: see ring/memory.h.
 * Return: 1 when the driver wants to be notified, 0 when not, -EIO, -EFAULT, or
 *	-EAGAIN, when translations went since vring_next() and the driver has seen
 *	nothing yet.  What was given back before a ring broke is shown all the
 *	same.
 */
int vring_flush(struct vring_dev *ring)
{
	int ret;

	if (ring->used_count) {
		ret = publish(ring);
		if (unlikely(ret)) {
			if (ret != -EAGAIN)
				ring->used_count = 0;
			return ret;
		}
	}
	if (ring->published) {
		ring->published = false;
		ret = wants_notification(ring);
		if (ret)
			return ret;
	}

	return unlikely(ring->broken) ? -EIO : 0;
}

/**
 * vring_disable_kick() - tell the driver that it need not kick
 * @ring: a started one
 *
 * It may do so nonetheless.  With an event index that was passed long ago there
 * is nothing to tell.
 *
 * Context: see ring/memory.h.
 * Return: 0, -EIO, -EFAULT, or -EAGAIN.
 */
int vring_disable_kick(struct vring_dev *ring)
{
	int error;

	if (unlikely(ring->broken))
		return -EIO;
	if (ring->event_idx || ring->kick_off)
		return 0;

	error = write_used16(ring, offsetof(struct vring_used, flags),
			     VRING_USED_F_NO_NOTIFY);
	if (unlikely(error))
		return error;
	ring->kick_off = true;

	return 0;
}

/**
 * vring_enable_kick() - have the driver kick when it makes more available
 * @ring: a started one
 *
 * Context: see ring/memory.h.
 * Return: 1 when there is more already, for which no kick may come; 0 when not;
 *	-EIO, -EFAULT, or -EAGAIN.
 */
int vring_enable_kick(struct vring_dev *ring)
{
	int error = 0;

	if (unlikely(ring->broken))
		return -EIO;
	if (ring->event_idx)
		/* avail_event, behind the entries */
		error = write_used16(ring, USED_ENTRIES + ring->num *
				     sizeof(struct vring_used_entry),
				     ring->next_avail);
	else if (ring->kick_off)
		error = write_used16(ring, offsetof(struct vring_used, flags),
				     0);
	if (unlikely(error))
		return error;
	ring->kick_off = false;

	/* Either we see the driver's index now, or it sees that we want a kick. */
	smp_mb();

	return look_for_avail(ring);
}
