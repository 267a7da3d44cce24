/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device's side of a split virtqueue (virtio specification, "Split
 * Virtqueues").
 *
 * Pure: nothing here asks the kernel for anything but the functions of
 * ring/memory.h, so that the same source is compiled in userspace, under
 * sanitizers and a fuzzer.  Everything that the driver writes is checked here,
 * once; what leaves these functions can be used.
 */
#ifndef VNS_RING_H
#define VNS_RING_H

#include "ring/memory.h"

/* Entries in a ring, and segments in a chain of descriptors, at most. */
#define VRING_MAX_NUM		1024
#define VRING_MAX_SEGMENTS	1024

/**
 * struct vring - one virtqueue
 * @memory: how to reach it
 * @num: entries, a power of two
 * @desc: address of the descriptor table, in the sense of vring_memory_read()
 * @avail: address of the available ring
 * @used: address of the used ring
 * @used_log: guest physical address of the used ring for the dirty log
 * @log_used: writes to the used ring go into the dirty log at @used_log
 * @event_idx: VIRTIO_F_EVENT_IDX was negotiated
 * @indirect: VIRTIO_F_INDIRECT_DESC was negotiated
 * @notify_on_empty: VIRTIO_F_NOTIFY_ON_EMPTY was negotiated
 * @little_endian: byte order of everything in it
 * @next_avail: index of the entry of the available ring that comes next
 * @seen_avail: the driver's index, as read last
 * @next_used: index of the entry of the used ring that comes next
 * @notified_used: value of @next_used when the driver was notified last
 * @notified_valid: @notified_used means something
 * @broken: the driver broke the rules; nothing moves until it is set up anew
 *
 * Used by one thread at a time; its owner provides for that.
 */
struct vring {
	struct vring_memory *memory;
	u32 num;
	u64 desc;
	u64 avail;
	u64 used;
	u64 used_log;
	bool log_used;
	bool event_idx;
	bool indirect;
	bool notify_on_empty;
	bool little_endian;
	u16 next_avail;
	u16 seen_avail;
	u16 next_used;
	u16 notified_used;
	bool notified_valid;
	bool broken;
};

/**
 * struct vring_chain - a chain of descriptors that the driver made available
 * @head: its first descriptor, which names it
 * @out_segments: segments that the driver filled, first in @segment
 * @in_segments: segments that the device fills, behind them
 * @out_len: bytes in the former
 * @in_len: bytes in the latter
 * @segment: where they are
 */
struct vring_chain {
	u16 head;
	u16 out_segments;
	u16 in_segments;
	size_t out_len;
	size_t in_len;
	struct iovec segment[VRING_MAX_SEGMENTS];
};

int vring_start(struct vring *ring);
int vring_next(struct vring *ring, struct vring_chain *chain);
void vring_undo_next(struct vring *ring);
int vring_put(struct vring *ring, u16 head, u32 len);
int vring_should_notify(struct vring *ring);
int vring_disable_kick(struct vring *ring);
int vring_enable_kick(struct vring *ring);

#endif /* VNS_RING_H */
