// SPDX-License-Identifier: GPL-2.0-only
/* Reads and writes the rings of a guest and finds its buffers: ring/memory.h in the kernel. */
#include <linux/uaccess.h>

#include "ring/log.h"

/* A part of the process's memory; of a user address with all that may be behind it. */
struct place {
	u64 user;
	u64 len;
};

/*
 * Finds where an address is, for all that is in the same piece of memory.  Most
 * are in the piece that was used last, so that is looked at first.
 */
static int find(struct vring_memory *memory, struct vhost_iotlb *iotlb,
		const struct vhost_iotlb_map **hint, u64 address,
		enum vring_access access, struct place *place)
{
	const u32 wanted = access == VRING_WRITE ? VHOST_MAP_WO : VHOST_MAP_RO;
	const struct vhost_iotlb_map *map = *hint;

	if (unlikely(!map || address - map->start >= map->size)) {
		map = iotlb ? vhost_iotlb_itree_first(iotlb, address, address) :
		      NULL;
		if (!map) {
			if (!memory->iotlb)
				return -EFAULT;
			memory->miss(memory, address, access);
			return -EAGAIN;
		}
		*hint = map;
	}
	if (unlikely(!(map->perm & wanted)))
		return -EFAULT;
	place->user = map->addr + (address - map->start);
	place->len = map->size - (address - map->start);

	return 0;
}

static int find_in_ring(struct vring_memory *memory, u64 address,
			enum vring_access access, struct place *place)
{
	if (unlikely(memory->iotlb))
		return find(memory, memory->iotlb, &memory->ring_hint, address,
			    access, place);
	place->user = address;
	place->len = U64_MAX;

	return 0;
}

static int find_buffer(struct vring_memory *memory, u64 address,
		       enum vring_access access, struct place *place)
{
	return find(memory, memory->iotlb ?: memory->table,
		    &memory->buffer_hint, address, access, place);
}

static bool wraps(u64 address, u64 len)
{
	return len - 1 > U64_MAX - address;
}

static void __user *user_pointer(u64 user)
{
	return (void __user *)(unsigned long)user;
}

/*
 * Copies a descriptor.  That is done for each packet, and the checks that
 * copy_from_user() makes of memory of any kind and length cost more than the copy.
 */
static int copy_descriptor(struct vring_desc *to, const void __user *from)
{
	const unsigned long __user *words = from;
	unsigned long copy[sizeof(*to) / sizeof(unsigned long)];
	unsigned int i;

	BUILD_BUG_ON(sizeof(copy) != sizeof(*to));
	if (!user_read_access_begin(from, sizeof(*to)))
		return -EFAULT;
	for (i = 0; i < ARRAY_SIZE(copy); i++)
		unsafe_get_user(copy[i], words + i, fault);
	user_read_access_end();
	memcpy(to, copy, sizeof(*to));
	return 0;

fault:
	user_read_access_end();
	return -EFAULT;
}

/* The same for an entry of the used ring. */
static int copy_used_entry(void __user *to, const u32 *from)
{
	u32 __user *words = to;

	if (!user_write_access_begin(to, 2 * sizeof(*from)))
		return -EFAULT;
	unsafe_put_user(from[0], words, fault);
	unsafe_put_user(from[1], words + 1, fault);
	user_write_access_end();
	return 0;

fault:
	user_write_access_end();
	return -EFAULT;
}

static int read_part(struct vring_memory *memory, u64 from, void *to,
		     size_t len)
{
	if (len == sizeof(struct vring_desc) &&
	    IS_ALIGNED(from, sizeof(unsigned long)))
		return copy_descriptor(to, user_pointer(from));

	return copy_from_user(to, user_pointer(from), len) ? -EFAULT : 0;
}

static int write_part(struct vring_memory *memory, u64 to, void *from,
		      size_t len)
{
	if (len == 2 * sizeof(u32) && IS_ALIGNED(to, sizeof(u32)))
		return copy_used_entry(user_pointer(to), from);

	return copy_to_user(user_pointer(to), from, len) ? -EFAULT : 0;
}

static int fetch_part(struct vring_memory *memory, u64 from, void *to,
		      size_t len)
{
	return copy_from_user(to, user_pointer(from), len) ? -EFAULT : 0;
}

static int log_part(struct vring_memory *memory, u64 user, void *nothing,
		    size_t len)
{
	return vring_log_user(memory, user, len);
}

static int pass_part(struct vring_memory *memory, u64 user, void *nothing,
		     size_t len)
{
	return 0;
}

/*
 * Does something with @len bytes at @address, which may be in several pieces of
 * memory: @do_part with each, and with as much of @data.  Inline, so that neither
 * function is called by a pointer.
 */
static __always_inline int
for_each_part(struct vring_memory *memory,
	      int (*find_part)(struct vring_memory *memory, u64 address,
			       enum vring_access access, struct place *place),
	      int (*do_part)(struct vring_memory *memory, u64 user, void *data,
			     size_t len),
	      enum vring_access access, u64 address, void *data, u64 len)
{
	if (unlikely(wraps(address, len)))
		return -EFAULT;
	do {
		struct place place;
		u64 part;
		int error = find_part(memory, address, access, &place);

		if (unlikely(error))
			return error;
		part = min(len, place.len);
		error = do_part(memory, place.user, data, part);
		if (unlikely(error))
			return error;
		address += part;
		data += part;
		len -= part;
	} while (unlikely(len));

	return 0;
}

int vring_memory_read16(struct vring_memory *memory, u16 *to, u64 from)
{
	const u16 __user *user;
	struct place place;
	int error = find_in_ring(memory, from, VRING_READ, &place);

	if (unlikely(error))
		return error;
	/* One that is in two pieces is at an odd address, where no ring is. */
	if (unlikely(place.len < sizeof(*to)))
		return -EFAULT;
	user = user_pointer(place.user);

	return get_user(*to, user) ? -EFAULT : 0;
}

int vring_memory_write16(struct vring_memory *memory, u64 to, u16 value)
{
	struct place place;
	u16 __user *user;
	int error = find_in_ring(memory, to, VRING_WRITE, &place);

	if (unlikely(error))
		return error;
	if (unlikely(place.len < sizeof(value)))
		return -EFAULT;
	user = user_pointer(place.user);

	return put_user(value, user) ? -EFAULT : 0;
}

int vring_memory_read(struct vring_memory *memory, void *to, u64 from,
		      size_t len)
{
	return for_each_part(memory, find_in_ring, read_part, VRING_READ, from,
			     to, len);
}

int vring_memory_write(struct vring_memory *memory, u64 to, const void *from,
		       size_t len)
{
	return for_each_part(memory, find_in_ring, write_part, VRING_WRITE, to,
			     (void *)from, len);
}

int vring_memory_may_write(struct vring_memory *memory, u64 to, u64 len)
{
	if (likely(!memory->iotlb))
		return 0;

	return for_each_part(memory, find_in_ring, pass_part, VRING_WRITE, to,
			     NULL, len);
}

int vring_memory_log_ring(struct vring_memory *memory, u64 address, u64 len)
{
	if (!memory->log)
		return 0;

	return for_each_part(memory, find_in_ring, log_part, VRING_WRITE,
			     address, NULL, len);
}

int vring_memory_fetch(struct vring_memory *memory, void *to, u64 from,
		       size_t len)
{
	return for_each_part(memory, find_buffer, fetch_part, VRING_READ, from,
			     to, len);
}

int vring_memory_map(struct vring_memory *memory, u64 address, u64 len,
		     enum vring_access access, struct iovec *segment,
		     unsigned int max)
{
	unsigned int pieces = 0;

	if (unlikely(wraps(address, len)))
		return -EFAULT;
	do {
		struct place place;
		u64 part;
		int error;

		if (unlikely(pieces == max))
			return -ENOBUFS;
		error = find_buffer(memory, address, access, &place);
		if (unlikely(error))
			return error;
		part = min(len, place.len);
		segment[pieces].iov_base = user_pointer(place.user);
		segment[pieces].iov_len = part;
		pieces++;
		address += part;
		len -= part;
	} while (unlikely(len));

	return pieces;
}
