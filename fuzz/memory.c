// SPDX-License-Identifier: GPL-2.0-only
/* A guest's memory in userspace: ring/memory.h with a few buffers. */
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"

/* What the ring engine must never do, whatever the guest does. */
static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "the ring engine %s\n", what);
	abort();
}

/* One that was in use, or is zeroed.  Its bytes are used again: the fuzzer does this some thousand times a second. */
void memory_init(struct vring_memory *memory, size_t size)
{
	u8 *bytes = memory->bytes;

	if (memory->allocated == size) {
		memset(bytes, 0, size);
	} else {
		free(bytes);
		bytes = calloc(1, size);
		if (!bytes)
			abort();
	}
	*memory = (struct vring_memory) {
		.bytes = bytes, .allocated = size, .size = size,
		.log_from = UINT64_MAX,
	};
}

void memory_free(struct vring_memory *memory)
{
	free(memory->bytes);
	*memory = (struct vring_memory) {};
}

struct region *memory_add(struct vring_memory *memory, u64 guest, u64 len,
			  u64 process)
{
	struct region *region = &memory->region[memory->regions++];

	*region = (struct region) {
		.guest = guest, .len = len, .process = process,
	};

	return region;
}

static bool in_process(const struct vring_memory *memory, u64 at, u64 len)
{
	return at >= PROCESS_BASE && at - PROCESS_BASE <= memory->size &&
	       len <= memory->size - (at - PROCESS_BASE);
}

/* The region's part from @address on, @len bytes at most.  Its length, or -errno. */
static s64 find(struct vring_memory *memory, u64 address, u64 len,
		enum vring_access access, u8 **at)
{
	struct region *region;
	u64 offset;

	for (region = memory->region;
	     region < memory->region + memory->regions; region++) {
		offset = address - region->guest;
		if (address < region->guest || offset >= region->len)
			continue;
		if (region->absent) {
			memory->misses++;
			return -EAGAIN;
		}
		if (access == VRING_WRITE && region->read_only)
			return -EFAULT;
		if (len > region->len - offset)
			len = region->len - offset;
		if (!in_process(memory, region->process + offset, len))
			return -EFAULT;
		*at = memory->bytes +
		      (region->process + offset - PROCESS_BASE);
		return len;
	}

	return -EFAULT;
}

/* As find(), for an address in a ring. */
static s64 find_in_ring(struct vring_memory *memory, u64 address, u64 len,
			enum vring_access access, u8 **at)
{
	if (memory->iommu)
		return find(memory, address, len, access, at);
	if (!in_process(memory, address, len))
		return -EFAULT;
	*at = memory->bytes + (address - PROCESS_BASE);

	return len;
}

/* Reads through one of the two above. */
static int read_with(struct vring_memory *memory, u8 *to, u64 from, size_t len,
		     s64 (*finder)(struct vring_memory *memory, u64 address,
				   u64 len, enum vring_access access, u8 **at))
{
	must(len, "reads nothing");
	memory->reads++;
	while (len) {
		u8 *at;
		s64 part = finder(memory, from, len, VRING_READ, &at);

		if (part < 0)
			return part;
		memcpy(to, at, part);
		to += part;
		from += part;
		len -= part;
	}
	if (memory->after_read)
		memory->after_read(memory);

	return 0;
}

int vring_memory_read16(struct vring_memory *memory, u16 *to, u64 from)
{
	return read_with(memory, (u8 *)to, from, sizeof(*to), find_in_ring);
}

int vring_memory_read(struct vring_memory *memory, void *to, u64 from,
		      size_t len)
{
	return read_with(memory, to, from, len, find_in_ring);
}

int vring_memory_fetch(struct vring_memory *memory, void *to, u64 from,
		       size_t len)
{
	if (len - 1 > UINT64_MAX - from)
		return -EFAULT;

	return read_with(memory, to, from, len, find);
}

int vring_memory_write(struct vring_memory *memory, u64 to, const void *from,
		       size_t len)
{
	const u8 *bytes = from;

	must(len, "writes nothing");
	must(to - memory->used < memory->used_len &&
	     len <= memory->used_len - (to - memory->used),
	     "writes outside of the used ring");
	memory->writes++;
	while (len) {
		u8 *at;
		s64 part = find_in_ring(memory, to, len, VRING_WRITE, &at);

		if (part < 0)
			return part;
		memcpy(at, bytes, part);
		to += part;
		bytes += part;
		len -= part;
	}

	return 0;
}

int vring_memory_may_write(struct vring_memory *memory, u64 to, u64 len)
{
	must(len, "asks about nothing");
	while (memory->iommu && len) {
		u8 *at;
		s64 part = find_in_ring(memory, to, len, VRING_WRITE, &at);

		if (part < 0)
			return part;
		to += part;
		len -= part;
	}

	return 0;
}

int vring_memory_write16(struct vring_memory *memory, u64 to, u16 value)
{
	return vring_memory_write(memory, to, &value, sizeof(value));
}

int vring_memory_map(struct vring_memory *memory, u64 address, u64 len,
		     enum vring_access access, struct iovec *segment,
		     unsigned int max)
{
	unsigned int pieces = 0;

	must(len, "maps nothing");
	if (len - 1 > UINT64_MAX - address)
		return -EFAULT;
	while (len) {
		u8 *at;
		s64 part;

		if (pieces == max)
			return -ENOBUFS;
		part = find(memory, address, len, access, &at);
		if (part < 0)
			return part;
		segment[pieces].iov_base = at;
		segment[pieces].iov_len = part;
		pieces++;
		address += part;
		len -= part;
	}

	return pieces;
}

int vring_memory_log_ring(struct vring_memory *memory, u64 address, u64 len)
{
	return vring_memory_log(memory, address, len);
}

int vring_memory_log(struct vring_memory *memory, u64 address, u64 len)
{
	must(len, "logs nothing");
	if (memory->log_fails)
		return -EFAULT;
	if (address < memory->log_from)
		memory->log_from = address;
	if (address + len > memory->log_to)
		memory->log_to = address + len;

	return 0;
}

int vring_memory_log_buffers(struct vring_memory *memory,
			     const struct iovec *segment, unsigned int count,
			     u64 len)
{
	if (!memory->log_buffers)
		return 0;
	if (memory->log_fails)
		return -EFAULT;
	for (; count && len; count--, segment++) {
		u64 part = segment->iov_len < len ? segment->iov_len : len;

		memory->logged += part;
		len -= part;
	}
	must(!len, "logs more than the chain has");

	return 0;
}

/* Where the guest itself finds @len bytes at an address of its, in one piece. */
void *memory_guest(struct vring_memory *memory, u64 guest, u64 len)
{
	u8 *at;

	return find(memory, guest, len, VRING_READ, &at) == (s64)len ? at :
	       NULL;
}

/* May the device use this segment so? */
bool memory_is_buffer(const struct vring_memory *memory,
		      const struct iovec *segment, enum vring_access access)
{
	const u8 *from = segment->iov_base;
	const struct region *region;

	for (region = memory->region;
	     region < memory->region + memory->regions; region++) {
		const u8 *begin = memory->bytes +
				  (region->process - PROCESS_BASE);

		if (from >= begin && segment->iov_len &&
		    segment->iov_len <= region->len &&
		    from + segment->iov_len <= begin + region->len &&
		    !(access == VRING_WRITE && region->read_only))
			return true;
	}

	return false;
}
