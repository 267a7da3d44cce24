// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log: a bitmap in the memory of the guest's process, a bit per page
 * of the guest's that the device wrote, for a migration to send it once more.
 *
 * The process takes bits out with an atomic exchange while we put others in, so
 * ours have to be atomic too.  Nothing that modules can use on every
 * architecture does that through a user address; the page is pinned for the
 * moment, which also sees to copy on write and to its being written back.
 */
#include <linux/bitops.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "ring/log.h"

#define BITS_PER_LOG_PAGE	(PAGE_SIZE * BITS_PER_BYTE)

/**
 * vring_log_covers() - could a dirty log be in the process's memory?
 * @log: the address of its first byte
 * @last: last guest physical address that it is to cover
 */
bool vring_log_covers(const u8 __user *log, u64 last)
{
	const u64 bytes = last / VHOST_PAGE_SIZE / BITS_PER_BYTE + 1;

	return bytes <= ULONG_MAX - (unsigned long)log &&
	       access_ok(log, bytes);
}

/*
 * Sets bits, as many from @bit on as are in one page of the log; @count to set.
 * Their number, or -EFAULT.
 */
static s64 set_bits_in_page(unsigned long address, unsigned int bit, u64 count)
{
	const unsigned int end = min_t(u64, BITS_PER_LOG_PAGE - bit, count) +
				 bit;
	struct page *page;
	unsigned int at;
	void *bits;

	if (pin_user_pages_fast(address, 1, FOLL_WRITE, &page) != 1)
		return -EFAULT;
	bits = kmap_local_page(page);
	for (at = bit; at < end; at++)
		set_bit(at, bits);
	kunmap_local(bits);
	unpin_user_pages_dirty_lock(&page, 1, true);

	return end - bit;
}

static int log_range(struct vring_memory *memory, u64 address, u64 len)
{
	u64 page = address / VHOST_PAGE_SIZE;
	u64 count;

	if (!len || len - 1 > U64_MAX - address)
		return -EFAULT;
	count = (address + (len - 1)) / VHOST_PAGE_SIZE - page + 1;

	/* Who sees a bit has to see what it is about. */
	smp_mb__before_atomic();
	while (count) {
		const unsigned long at = (unsigned long)memory->log +
					 page / BITS_PER_BYTE;
		const unsigned int bit = offset_in_page(at) * BITS_PER_BYTE +
					 page % BITS_PER_BYTE;
		const s64 done = set_bits_in_page(at & PAGE_MASK, bit, count);

		if (done < 0)
			return done;
		page += done;
		count -= done;
	}

	return 0;
}

/**
 * vring_log_user() - note that a part of the process's memory was written
 * @memory: the guest's memory, with a dirty log
 * @user: address in the process
 * @len: bytes, not 0
 *
 * It may be at several places of the guest's, or at none.
 *
 * Context: see ring/memory.h.
 * Return: 0 or -EFAULT.
 */
int vring_log_user(struct vring_memory *memory, u64 user, u64 len)
{
	const u64 last = user + (len - 1);
	struct vhost_iotlb_map *map;

	if (!memory->table)
		return 0;
	list_for_each_entry(map, &memory->table->list, link) {
		const u64 map_last = map->addr + (map->size - 1);
		const u64 from = max(user, map->addr);
		const u64 to = min(last, map_last);
		int error;

		if (from > to)
			continue;
		error = log_range(memory, map->start + (from - map->addr),
				  to - from + 1);
		if (error)
			return error;
	}

	return 0;
}

int vring_memory_log(struct vring_memory *memory, u64 address, u64 len)
{
	return memory->log ? log_range(memory, address, len) : 0;
}

int vring_memory_log_buffers(struct vring_memory *memory,
			     const struct iovec *segment, unsigned int count,
			     u64 len)
{
	if (likely(!memory->log_all || !memory->log))
		return 0;

	for (; count && len; count--, segment++) {
		const u64 part = min_t(u64, segment->iov_len, len);
		const u64 user = (unsigned long)segment->iov_base;
		int error = vring_log_user(memory, user, part);

		if (error)
			return error;
		len -= part;
	}

	return 0;
}
