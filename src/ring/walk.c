// SPDX-License-Identifier: GPL-2.0-only
/*
 * Follows a chain of descriptors and finds the memory that they mean.
 *
 * Each descriptor is read the one time, because the driver may change it
 * meanwhile.  A loop shows by a chain with more descriptors than one may have.
 */
#include "ring/walk.h"

/* Descriptors of an indirect table that are read with one access. */
#define TABLE_PART	8

/* A descriptor in the machine's byte order. */
struct descriptor {
	u64 address;
	u32 len;
	u16 flags;
	u16 next;
};

static struct descriptor decode(const struct vring_dev *ring,
				const struct vring_desc *raw)
{
	struct descriptor desc = {
		.address = (__force u64)raw->addr,
		.len = (__force u32)raw->len,
		.flags = (__force u16)raw->flags,
		.next = (__force u16)raw->next,
	};

	if (unlikely(vring_is_foreign(ring))) {
		desc.address = __swab64(desc.address);
		desc.len = __swab32(desc.len);
		desc.flags = __swab16(desc.flags);
		desc.next = __swab16(desc.next);
	}

	return desc;
}

/* Adds the memory of one descriptor; @writable: there was one that the device writes. */
static int add(const struct vring_dev *ring, const struct descriptor *desc,
	       struct vring_chain *chain, bool *writable)
{
	const u32 used = chain->out_segments + chain->in_segments;
	const bool write = desc->flags & VRING_DESC_F_WRITE;
	int pieces;

	if (unlikely(*writable && !write))
		return -EIO;
	*writable = write;
	/* Harmless, and there is nothing to look up. */
	if (unlikely(!desc->len))
		return 0;
	if (unlikely(desc->len > U32_MAX - chain->out_len - chain->in_len))
		return -EIO;

	pieces = vring_memory_map(ring->memory, desc->address, desc->len,
				  write ? VRING_WRITE : VRING_READ,
				  chain->segment + used,
				  VRING_MAX_SEGMENTS - used);
	if (unlikely(pieces < 0))
		return pieces == -ENOBUFS ? -EIO : pieces;
	if (write) {
		chain->in_segments += pieces;
		chain->in_len += desc->len;
	} else {
		chain->out_segments += pieces;
		chain->out_len += desc->len;
	}

	return 0;
}

/* Follows the descriptors in a table in the guest's memory. */
static int walk_table(const struct vring_dev *ring, u64 address, u32 len,
		      struct vring_chain *chain, bool *writable)
{
	const u32 count = len / sizeof(struct vring_desc);
	struct vring_desc part[TABLE_PART];
	u32 first = 0, in_part = 0, at = 0;
	u32 left;

	if (unlikely(!count || len % sizeof(struct vring_desc)))
		return -EIO;

	for (left = VRING_MAX_SEGMENTS; left; left--) {
		struct descriptor desc;
		int error;

		if (at - first >= in_part) {
			first = at;
			in_part = min_t(u32, count - first, TABLE_PART);
			error = vring_memory_fetch(ring->memory, part,
						   address + (u64)first *
						   sizeof(*part),
						   in_part * sizeof(*part));
			if (unlikely(error))
				return error;
		}
		desc = decode(ring, &part[at - first]);
		if (unlikely(desc.flags & VRING_DESC_F_INDIRECT))
			return -EIO;
		error = add(ring, &desc, chain, writable);
		if (unlikely(error))
			return error;
		if (!(desc.flags & VRING_DESC_F_NEXT))
			return 0;
		at = desc.next;
		if (unlikely(at >= count))
			return -EIO;
	}

	return -EIO;
}

/**
 * vring_walk() - find the memory of a chain
 * @ring: a started one
 * @head: its first descriptor, less than @ring->num
 * @chain: filled
 *
 * Context: see ring/memory.h.
 * Return: 0, -EIO when the chain breaks a rule, -EFAULT when it is where no
 *	memory is, or -EAGAIN.
 */
int vring_walk(struct vring_dev *ring, u16 head, struct vring_chain *chain)
{
	bool writable = false;
	u16 at = head;
	u32 left;

	chain->head = head;
	chain->out_segments = 0;
	chain->in_segments = 0;
	chain->out_len = 0;
	chain->in_len = 0;

	for (left = VRING_MAX_SEGMENTS; left; left--) {
		struct descriptor desc;
		struct vring_desc raw;
		int error;

		error = vring_memory_read(ring->memory, &raw, ring->desc +
					  at * sizeof(raw), sizeof(raw));
		if (unlikely(error))
			return error;
		desc = decode(ring, &raw);
		if (desc.flags & VRING_DESC_F_INDIRECT) {
			/* It ends the chain, and there has to have been talk of it. */
			if (unlikely(!ring->indirect ||
				     desc.flags & VRING_DESC_F_NEXT))
				return -EIO;
			return walk_table(ring, desc.address, desc.len, chain,
					  &writable);
		}
		error = add(ring, &desc, chain, &writable);
		if (unlikely(error))
			return error;
		if (!(desc.flags & VRING_DESC_F_NEXT))
			return 0;
		at = desc.next;
		if (unlikely(at >= ring->num))
			return -EIO;
	}

	return -EIO;
}
