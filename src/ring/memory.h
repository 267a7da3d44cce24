/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the ring engine asks of its surroundings: the memory of a guest.
 *
 * In the kernel (memory.c) that is the memory of the process that runs the
 * guest; in the fuzzer a few buffers.
 */
#ifndef VNS_RING_MEMORY_H
#define VNS_RING_MEMORY_H

#include "ring/types.h"

struct vring_memory;

/* Which way the device uses memory. */
enum vring_access {
	VRING_READ,
	VRING_WRITE,
};

/**
 * vring_memory_read() - read a part of a ring
 * @memory: the guest's memory
 * @to: where to
 * @from: the address: the process's, or with an IOMMU the guest's I/O address
 * @len: bytes
 *
 * Context: the thread that serves the guest; may sleep.
 * Return: 0, -EFAULT, or -EAGAIN when a translation is missing, which has
 *	been asked for.
 */
int vring_memory_read(struct vring_memory *memory, void *to, u64 from,
		      size_t len);

/**
 * vring_memory_write() - write a part of a ring
 * @memory: the guest's memory
 * @to: the address, as above
 * @from: what to write
 * @len: bytes
 *
 * Context and return: as vring_memory_read().
 */
int vring_memory_write(struct vring_memory *memory, u64 to, const void *from,
		       size_t len);

/**
 * vring_memory_map() - where a buffer of the guest's is
 * @memory: the guest's memory
 * @address: its guest physical address, or with an IOMMU its I/O address
 * @len: bytes, not 0
 * @access: what for
 * @segment: filled with where it is, in one or more pieces
 * @max: room there
 *
 * Context: as above.
 * Return: pieces, -EFAULT when part of it is nowhere or may not be used so,
 *	-ENOBUFS when @max is too few, -EAGAIN as above.
 */
int vring_memory_map(struct vring_memory *memory, u64 address, u64 len,
		     enum vring_access access, struct iovec *segment,
		     unsigned int max);

/**
 * vring_memory_log() - note that a part of the guest's memory was written
 * @memory: the guest's memory
 * @address: guest physical address
 * @len: bytes
 *
 * Does nothing unless the dirty log is on.
 *
 * Context: as above.
 * Return: 0 or -EFAULT.
 */
int vring_memory_log(struct vring_memory *memory, u64 address, u64 len);

/** vring_memory_barrier() - order accesses to memory, against the driver too */
void vring_memory_barrier(void);

#endif /* VNS_RING_MEMORY_H */
