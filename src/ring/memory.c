// SPDX-License-Identifier: GPL-2.0-only
/* What a guest's memory is: the table of it, an IOMMU's translations, and the dirty log's place. */
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "ring/log.h"
#include "ring/ring.h"

/* Ranges are inclusive, as vhost_iotlb has them. */
struct span {
	u64 start;
	u64 last;
};

/* False when there is nothing in it, or it goes beyond the last address. */
static bool span_make(struct span *span, u64 start, u64 len)
{
	span->start = start;
	span->last = start + (len - 1);

	return len && span->last >= start;
}

/* May the process have memory there? */
static bool is_user(u64 address, u64 len)
{
	struct span span;

	return span_make(&span, address, len) && span.last <= ULONG_MAX &&
	       access_ok((void __user *)(unsigned long)address, len);
}

/* Translations are about to go, and what points to them must not stay. */
static void forget_hints(struct vring_memory *memory)
{
	memory->buffer_hint = NULL;
	memory->ring_hint = NULL;
}

/**
 * guest_memory_init() - no memory, no IOMMU, no log
 * @memory: to be initialised
 * @miss: see struct vring_memory
 */
void guest_memory_init(struct vring_memory *memory,
		       void (*miss)(struct vring_memory *memory, u64 address,
				    enum vring_access access))
{
	*memory = (struct vring_memory) { .miss = miss };
}

static void free_iotlb(struct vhost_iotlb *iotlb)
{
	if (iotlb)
		vhost_iotlb_free(iotlb);
}

/**
 * guest_memory_destroy() - forget all
 * @memory: afterwards as guest_memory_init() makes it; also for VHOST_RESET_OWNER
 *
 * Context: see guest_memory.h; may sleep.
 */
void guest_memory_destroy(struct vring_memory *memory)
{
	forget_hints(memory);
	free_iotlb(memory->table);
	free_iotlb(memory->iotlb);
	guest_memory_init(memory, memory->miss);
}

/* Does @log have room for all the memory in @table? */
static bool log_covers_table(const u8 __user *log, struct vhost_iotlb *table)
{
	struct vhost_iotlb_map *map;

	list_for_each_entry(map, &table->list, link)
		if (!vring_log_covers(log, map->last))
			return false;

	return true;
}

static int add_region(struct vhost_iotlb *table,
		      const struct vhost_memory_region *region)
{
	struct span span;

	if (!span_make(&span, region->guest_phys_addr, region->memory_size) ||
	    !is_user(region->userspace_addr, region->memory_size))
		return -EFAULT;
	if (vhost_iotlb_itree_first(table, span.start, span.last))
		return -EINVAL;

	return vhost_iotlb_add_range(table, span.start, span.last,
				     region->userspace_addr, VHOST_MAP_RW);
}

static int fill_table(struct vhost_iotlb *table,
		      const struct vhost_memory_region __user *from, u32 count)
{
	for (; count; count--, from++) {
		struct vhost_memory_region region;
		int error;

		if (copy_from_user(&region, from, sizeof(region)))
			return -EFAULT;
		error = add_region(table, &region);
		if (error)
			return error;
	}

	return 0;
}

/**
 * guest_memory_set_table() - VHOST_SET_MEM_TABLE
 * @memory: the guest's memory; keeps the table that it has when this fails
 * @from: the table, in the caller's memory
 *
 * Context: see guest_memory.h; may sleep.
 * Return: 0, -EFAULT when @from cannot be read or tells of memory that no process
 *	has, -EOPNOTSUPP for a table of a later kind, -E2BIG for more than
 *	GUEST_MEMORY_MAX_REGIONS, -EINVAL when regions overlap, or -ENOMEM.
 */
int guest_memory_set_table(struct vring_memory *memory,
			   const struct vhost_memory __user *from)
{
	struct vhost_iotlb *table;
	struct vhost_memory head;
	int error;

	if (copy_from_user(&head, from, sizeof(head)))
		return -EFAULT;
	if (head.padding)
		return -EOPNOTSUPP;
	if (head.nregions > GUEST_MEMORY_MAX_REGIONS)
		return -E2BIG;

	/* Without a limit some kernels take everything, others nothing. */
	table = vhost_iotlb_alloc(GUEST_MEMORY_MAX_REGIONS, 0);
	if (!table)
		return -ENOMEM;
	error = fill_table(table, from->regions, head.nregions);
	if (!error && memory->log && memory->log_all &&
	    !log_covers_table(memory->log, table))
		error = -EFAULT;
	if (error) {
		vhost_iotlb_free(table);
		return error;
	}

	forget_hints(memory);
	free_iotlb(memory->table);
	memory->table = table;

	return 0;
}

/**
 * guest_memory_set_iotlb() - VIRTIO_F_ACCESS_PLATFORM
 * @memory: the guest's memory
 * @on: was it negotiated?
 *
 * Translations stay when it is on already.
 *
 * Context: see guest_memory.h; may sleep.
 * Return: 0 or -ENOMEM.
 */
int guest_memory_set_iotlb(struct vring_memory *memory, bool on)
{
	if (on == !!memory->iotlb)
		return 0;

	forget_hints(memory);
	if (!on) {
		vhost_iotlb_free(memory->iotlb);
		memory->iotlb = NULL;
		return 0;
	}
	/* The oldest goes when there are too many; it will be asked for again. */
	memory->iotlb = vhost_iotlb_alloc(GUEST_MEMORY_MAX_TRANSLATIONS,
					  VHOST_IOTLB_FLAG_RETIRE);

	return memory->iotlb ? 0 : -ENOMEM;
}

/**
 * guest_memory_iotlb_message() - a translation comes or goes
 * @memory: the guest's memory
 * @message: VHOST_IOTLB_UPDATE or VHOST_IOTLB_INVALIDATE
 *
 * Whoever met -EAGAIN may try again after an update.
 *
 * Context: see guest_memory.h.
 * Return: 0, -EINVAL for a message of another type or about nothing, -EFAULT
 *	without VIRTIO_F_ACCESS_PLATFORM or when it tells of memory that no
 *	process has, or -ENOMEM.
 */
int guest_memory_iotlb_message(struct vring_memory *memory,
			       const struct vhost_iotlb_msg *message)
{
	struct span span;

	if (message->type != VHOST_IOTLB_UPDATE &&
	    message->type != VHOST_IOTLB_INVALIDATE)
		return -EINVAL;
	if (!message->size)
		return -EINVAL;
	if (!memory->iotlb)
		return -EFAULT;
	if (!span_make(&span, message->iova, message->size))
		return -EFAULT;
	if (message->type == VHOST_IOTLB_UPDATE) {
		if (!(message->perm & VHOST_ACCESS_RW) ||
		    message->perm & ~VHOST_ACCESS_RW)
			return -EINVAL;
		if (!is_user(message->uaddr, message->size))
			return -EFAULT;
	}

	/* An update takes the place of what was there, and too many make the oldest go. */
	forget_hints(memory);
	vhost_iotlb_del_range(memory->iotlb, span.start, span.last);
	if (message->type == VHOST_IOTLB_INVALIDATE)
		return 0;

	return vhost_iotlb_add_range(memory->iotlb, span.start, span.last,
				     message->uaddr, message->perm);
}

/**
 * guest_memory_set_log() - VHOST_SET_LOG_BASE
 * @memory: the guest's memory
 * @base: where the dirty log is in the process, 0 for none
 *
 * Context: see guest_memory.h.
 * Return: 0, or -EFAULT when no log can be there.
 */
int guest_memory_set_log(struct vring_memory *memory, u64 base)
{
	u8 __user *log = (u8 __user *)(unsigned long)base;

	if (base > ULONG_MAX)
		return -EFAULT;
	if (log && memory->log_all && memory->table &&
	    !log_covers_table(log, memory->table))
		return -EFAULT;
	memory->log = log;

	return 0;
}

/**
 * guest_memory_set_log_all() - VHOST_F_LOG_ALL
 * @memory: the guest's memory
 * @on: shall buffers that are written go into the dirty log?
 *
 * Context: see guest_memory.h.
 * Return: 0, or -EFAULT when the log has no room for all the memory.
 */
int guest_memory_set_log_all(struct vring_memory *memory, bool on)
{
	if (on && memory->log && memory->table &&
	    !log_covers_table(memory->log, memory->table))
		return -EFAULT;
	memory->log_all = on;

	return 0;
}

/**
 * guest_memory_check_ring() - may a ring be started?
 * @memory: the guest's memory
 * @ring: number of entries and addresses are filled in
 *
 * Where an IOMMU's addresses are shows only when they are used.
 *
 * Context: see guest_memory.h; the mm of the guest's process is the current one.
 * Return: 0, or -EFAULT without a memory table or when a part of the ring, or of
 *	the log for it, is where no memory can be.
 */
int guest_memory_check_ring(const struct vring_memory *memory,
			    const struct vring_dev *ring)
{
	/* With the event index behind the entries. */
	const u64 avail = sizeof(struct vring_avail) +
			  ((u64)ring->num + 1) * sizeof(u16);
	const u64 used = sizeof(struct vring_used) + sizeof(u16) +
			 (u64)ring->num * sizeof(struct vring_used_entry);
	struct span log;

	if (!memory->table)
		return -EFAULT;
	if (memory->iotlb)
		return 0;
	if (!is_user(ring->desc, (u64)ring->num * sizeof(struct vring_desc)) ||
	    !is_user(ring->avail, avail) || !is_user(ring->used, used))
		return -EFAULT;
	if (ring->log_used && memory->log &&
	    (!span_make(&log, ring->used_log, used) ||
	     !vring_log_covers(memory->log, log.last)))
		return -EFAULT;

	return 0;
}
