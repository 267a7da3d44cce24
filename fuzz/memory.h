/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest's memory in userspace, for the ring engine's test and fuzzer: checks each access, and can do what a hostile guest does. */
#ifndef FUZZ_MEMORY_H
#define FUZZ_MEMORY_H

#include "ring/ring.h"

/* Addresses of the guest's process begin here: none is valid by accident. */
#define PROCESS_BASE	0x7f0000000000ULL
#define MAX_REGIONS	8

/**
 * struct region - a piece of what the guest can address
 * @guest: its address, physical or with an IOMMU an I/O address
 * @len: bytes
 * @process: where it is in the process
 * @read_only: the device must not write
 * @absent: its translation is missing
 */
struct region {
	u64 guest;
	u64 len;
	u64 process;
	bool read_only;
	bool absent;
};

/**
 * struct vring_memory - all of it
 * @bytes: the memory of the process
 * @allocated: of it
 * @size: the same, unless a test wants to seem to have more
 * @iommu: addresses of the ring are looked up in @region
 * @regions: in use
 * @region: of the guest
 * @used: the used ring, in the sense of vring_memory_write(): nothing else may be written
 * @used_len: bytes of it
 * @reads: calls of vring_memory_read16(), _read() and _fetch()
 * @writes: the like
 * @misses: translations that were asked for
 * @logged: bytes that went into the dirty log
 * @log_from: the least and
 * @log_to: the greatest address that went into the log of the used ring
 * @log_buffers: VHOST_F_LOG_ALL
 * @log_fails: the log cannot be written
 * @after_read: called after each read: the guest changes what was read
 * @context: for that
 */
struct vring_memory {
	u8 *bytes;
	size_t allocated;
	size_t size;
	bool iommu;
	unsigned int regions;
	struct region region[MAX_REGIONS];
	u64 used;
	u64 used_len;
	unsigned int reads;
	unsigned int writes;
	unsigned int misses;
	u64 logged;
	u64 log_from;
	u64 log_to;
	bool log_buffers;
	bool log_fails;
	void (*after_read)(struct vring_memory *memory);
	void *context;
};

void memory_init(struct vring_memory *memory, size_t size);
void memory_free(struct vring_memory *memory);
struct region *memory_add(struct vring_memory *memory, u64 guest, u64 len,
			  u64 process);
void *memory_guest(struct vring_memory *memory, u64 guest, u64 len);
bool memory_is_buffer(const struct vring_memory *memory,
		      const struct iovec *segment, enum vring_access access);

#endif /* FUZZ_MEMORY_H */
