/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device's side of a split virtqueue (virtio specification, "Split
 * Virtqueues").
 *
 * Pure: nothing here asks the kernel for anything but the functions of
 * ring/memory.h, so that the same source is compiled in userspace, under
 * sanitizers and a fuzzer.  Everything that the driver writes is read once and
 * checked here; what leaves these functions can be used.
 *
 * One turn of a thread that serves a ring:
 *
 *	while (room for work && vring_next(ring, chain) > 0) {
 *		... chain->segment ...
 *		vring_put(ring, chain, bytes written);
 *	}
 *	if (vring_flush(ring) > 0)
 *		notify the driver;
 *
 * and before it sleeps, when vring_next() had nothing:
 *
 *	if (vring_enable_kick(ring) > 0)
 *		vring_disable_kick(ring), and another turn;
 *
 * Errors: -EIO when the driver broke the rules or did so before, -EFAULT when
 * the ring or a buffer is where no memory is.  Either sets @broken, and from then
 * on all fail with -EIO until vring_start().  -EAGAIN when a translation is
 * missing (see ring/memory.h): nothing has changed, and the same call succeeds
 * once it is there.  While translations stay from the first vring_next() to
 * vring_flush(), what was taken can be given back: between turns nothing is on its
 * way, so that @next_avail is where the ring may be stopped.
 */
#ifndef VNS_RING_H
#define VNS_RING_H

#include "ring/memory.h"

/* Entries in a ring at most; descriptors in a chain, and segments. */
#define VRING_MAX_NUM		32768
#define VRING_MAX_SEGMENTS	1024

/* Entries of the available ring read, and of the used ring written, at once. */
#define VRING_BATCH		32

/**
 * struct vring_used_entry - an entry of the used ring, as the driver reads it
 * @id: the chain's head
 * @len: bytes that were written into it
 */
struct vring_used_entry {
	u32 id;
	u32 len;
};

/**
 * struct vring_dev - one virtqueue
 * @memory: how to reach it
 * @num: entries, a power of two, VRING_MAX_NUM at most
 * @desc: address of the descriptor table, in the sense of vring_memory_read()
 * @avail: address of the available ring
 * @used: address of the used ring
 * @used_log: guest physical address of the used ring for the dirty log
 * @log_used: writes to the used ring go into the dirty log at @used_log
 * @log_written: they do, and an IOMMU tells where they are in the log; instead
 *	of @log_used
 * @event_idx: VIRTIO_F_EVENT_IDX was negotiated
 * @indirect: VIRTIO_F_INDIRECT_DESC was negotiated
 * @notify_on_empty: VIRTIO_F_NOTIFY_ON_EMPTY was negotiated
 * @little_endian: byte order of everything in it
 * @broken: the driver broke the rules; nothing moves until vring_start()
 * @kick_off: the driver was told that it need not kick
 * @next_avail: index of the entry of the available ring that comes next
 * @seen_avail: the driver's index, as read last
 * @next_used: index of the entry of the used ring that comes next, behind those
 *	that wait in @used_batch
 * @notified_used: value of @next_used when the driver was last asked whether it
 *	wants to be notified
 * @notified_valid: @notified_used means something
 * @published: entries of the used ring were written since the driver was asked
 * @first_head: index of the entry of the available ring that is heads[0]
 * @head_count: entries in @heads
 * @used_count: entries in @used_batch
 * @heads: entries of the available ring, read ahead
 * @used_batch: entries for the used ring that vring_flush() is to write
 *
 * The owner fills in the members up to @little_endian and @next_avail, and
 * calls vring_start().  Afterwards only @next_avail, @broken and the addresses for
 * the log are of interest outside.  Used by one thread at a time; its owner
 * provides for that.
 */
struct vring_dev {
	struct vring_memory *memory;
	u32 num;
	u64 desc;
	u64 avail;
	u64 used;
	u64 used_log;
	bool log_used;
	bool log_written;
	bool event_idx;
	bool indirect;
	bool notify_on_empty;
	bool little_endian;

	bool broken;
	bool kick_off;
	bool notified_valid;
	bool published;
	u16 next_avail;
	u16 seen_avail;
	u16 next_used;
	u16 notified_used;
	u16 first_head;
	u16 head_count;
	u16 used_count;
	u16 heads[VRING_BATCH];
	struct vring_used_entry used_batch[VRING_BATCH];
};

/**
 * struct vring_chain - a chain of descriptors that the driver made available
 * @head: its first descriptor, which names it
 * @out_segments: segments that the driver filled, first in @segment
 * @in_segments: segments that the device fills, behind them
 * @out_len: bytes in the former
 * @in_len: bytes in the latter; both together 4 GiB - 1 at most
 * @segment: where they are; none is empty
 */
struct vring_chain {
	u16 head;
	u16 out_segments;
	u16 in_segments;
	size_t out_len;
	size_t in_len;
	struct iovec segment[VRING_MAX_SEGMENTS];
};

int vring_start(struct vring_dev *ring);
int vring_next(struct vring_dev *ring, struct vring_chain *chain);
void vring_undo_next(struct vring_dev *ring);
void vring_put(struct vring_dev *ring, const struct vring_chain *chain, u32 len);
int vring_flush(struct vring_dev *ring);
int vring_disable_kick(struct vring_dev *ring);
int vring_enable_kick(struct vring_dev *ring);

#endif /* VNS_RING_H */
