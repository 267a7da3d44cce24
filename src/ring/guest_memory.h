/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of a guest, in the kernel: a part of the memory of the process that
 * owns the device (VHOST_SET_OWNER).  Implements ring/memory.h.
 *
 * Serialisation is the caller's: all that changes the memory (what is declared
 * here) and all that uses it (ring/memory.h and ring/ring.h, and whoever touches
 * the segments of a chain) exclude each other, so that when a call here returns
 * nobody uses what was before.  No lock is taken here.
 */
#ifndef VNS_RING_GUEST_MEMORY_H
#define VNS_RING_GUEST_MEMORY_H

#include <linux/vhost.h>
#include <linux/vhost_iotlb.h>

#include "ring/memory.h"

struct vring_dev;

/* Regions in a memory table, and translations that an IOMMU keeps, at most. */
#define GUEST_MEMORY_MAX_REGIONS	64
#define GUEST_MEMORY_MAX_TRANSLATIONS	2048

/**
 * struct vring_memory - a guest's memory; part of struct guest
 * @table: guest physical addresses, set by VHOST_SET_MEM_TABLE; NULL before
 * @iotlb: I/O addresses; NULL unless VIRTIO_F_ACCESS_PLATFORM is on
 * @buffer_hint: translation that was used last for a buffer, or NULL
 * @ring_hint: the same for a ring
 * @log: the dirty log, NULL when there is none
 * @log_all: VHOST_F_LOG_ALL: buffers go into it too
 * @miss: told of an I/O address without a translation: the owner has to ask the
 *	process for one, VHOST_IOTLB_MISS with @access.  Called again for the same
 *	address as long as it is missing, by the thread that serves the rings.
 */
struct vring_memory {
	struct vhost_iotlb *table;
	struct vhost_iotlb *iotlb;
	const struct vhost_iotlb_map *buffer_hint;
	const struct vhost_iotlb_map *ring_hint;
	u8 __user *log;
	bool log_all;
	void (*miss)(struct vring_memory *memory, u64 address,
		     enum vring_access access);
};

void guest_memory_init(struct vring_memory *memory,
		       void (*miss)(struct vring_memory *memory, u64 address,
				    enum vring_access access));
void guest_memory_destroy(struct vring_memory *memory);

/* VHOST_SET_MEM_TABLE */
int guest_memory_set_table(struct vring_memory *memory,
			   const struct vhost_memory __user *from);

/* VIRTIO_F_ACCESS_PLATFORM, and what is written to the device then */
int guest_memory_set_iotlb(struct vring_memory *memory, bool on);
int guest_memory_iotlb_message(struct vring_memory *memory,
			       const struct vhost_iotlb_msg *message);

/* VHOST_SET_LOG_BASE, VHOST_F_LOG_ALL */
int guest_memory_set_log(struct vring_memory *memory, u64 base);
int guest_memory_set_log_all(struct vring_memory *memory, bool on);

/* May a ring with these addresses be started? */
int guest_memory_check_ring(const struct vring_memory *memory,
			    const struct vring_dev *ring);

#endif /* VNS_RING_GUEST_MEMORY_H */
