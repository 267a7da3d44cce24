/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the ring engine asks of its surroundings: the memory of a guest.
 *
 * In the kernel (memory.c, guest_memory.h) that is the memory of the process
 * that runs the guest; in the fuzzer and the tests a few buffers.
 *
 * A guest has two kinds of addresses here.  Those of the parts of a ring are the
 * process's, those of buffers and of tables of indirect descriptors the guest's
 * physical ones.  With an IOMMU (VIRTIO_F_ACCESS_PLATFORM) both are the guest's
 * I/O addresses, whose translations may be missing; such a one has then been asked
 * for, and -EAGAIN says: try again when it came.
 *
 * Context of all: the mm of the guest's process is the current one; may sleep.
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
 * vring_memory_read16() - read an index or flags of a ring, with one access
 * @memory: the guest's memory
 * @to: filled, in the byte order of the ring
 * @from: address in a ring
 *
 * Return: 0, -EFAULT or -EAGAIN.
 */
int vring_memory_read16(struct vring_memory *memory, u16 *to, u64 from);

/**
 * vring_memory_write16() - write an index or flags of a ring, with one access
 * @memory: the guest's memory
 * @to: address in a ring
 * @value: in the byte order of the ring
 *
 * Return: 0, -EFAULT or -EAGAIN.
 */
int vring_memory_write16(struct vring_memory *memory, u64 to, u16 value);

/**
 * vring_memory_read() - read entries of a ring
 * @memory: the guest's memory
 * @to: where to
 * @from: address in a ring
 * @len: bytes, not 0
 *
 * Return: 0, -EFAULT or -EAGAIN.
 */
int vring_memory_read(struct vring_memory *memory, void *to, u64 from,
		      size_t len);

/**
 * vring_memory_write() - write entries of a ring
 * @memory: the guest's memory
 * @to: address in a ring
 * @from: what to write
 * @len: bytes, not 0
 *
 * Return: 0, -EFAULT or -EAGAIN.
 */
int vring_memory_write(struct vring_memory *memory, u64 to, const void *from,
		       size_t len);

/**
 * vring_memory_may_write() - will a write to a ring find a translation?
 * @memory: the guest's memory
 * @to: address in a ring
 * @len: bytes, not 0
 *
 * Without an IOMMU there is none to be found, and only the write tells.
 *
 * Return: 0, -EFAULT or -EAGAIN.
 */
int vring_memory_may_write(struct vring_memory *memory, u64 to, u64 len);

/**
 * vring_memory_fetch() - read a part of a table of indirect descriptors
 * @memory: the guest's memory
 * @to: where to
 * @from: address of a buffer
 * @len: bytes, not 0; may lie in several pieces of memory
 *
 * Return: 0, -EFAULT or -EAGAIN.
 */
int vring_memory_fetch(struct vring_memory *memory, void *to, u64 from,
		       size_t len);

/**
 * vring_memory_map() - where a buffer of the guest's is
 * @memory: the guest's memory
 * @address: address of a buffer
 * @len: bytes, not 0
 * @access: what for
 * @segment: filled with where it is, in one or more pieces
 * @max: room there
 *
 * Return: pieces, -EFAULT when part of it is nowhere or may not be used so,
 *	-ENOBUFS when @max is too few, or -EAGAIN.
 */
int vring_memory_map(struct vring_memory *memory, u64 address, u64 len,
		     enum vring_access access, struct iovec *segment,
		     unsigned int max);

/**
 * vring_memory_log() - note in the dirty log that a used ring was written
 * @memory: the guest's memory
 * @address: guest physical address
 * @len: bytes, not 0
 *
 * Does nothing when there is no dirty log.
 *
 * Return: 0 or -EFAULT.
 */
int vring_memory_log(struct vring_memory *memory, u64 address, u64 len);

/**
 * vring_memory_log_ring() - the same, with an IOMMU
 * @memory: the guest's memory
 * @address: where in the used ring
 * @len: bytes, not 0
 *
 * Nobody tells where the used ring is in the guest's memory, so it is seen by
 * where it is in the process's.  Does nothing when there is no dirty log.
 *
 * Return: 0, -EFAULT or -EAGAIN.
 */
int vring_memory_log_ring(struct vring_memory *memory, u64 address, u64 len);

/**
 * vring_memory_log_buffers() - note that buffers of the guest's were written
 * @memory: the guest's memory
 * @segment: what vring_memory_map() made of them
 * @count: of those
 * @len: bytes that were written, from the beginning
 *
 * Does nothing unless VHOST_F_LOG_ALL is on.
 *
 * Return: 0 or -EFAULT.
 */
int vring_memory_log_buffers(struct vring_memory *memory,
			     const struct iovec *segment, unsigned int count,
			     u64 len);

#endif /* VNS_RING_MEMORY_H */
