/* SPDX-License-Identifier: GPL-2.0-only */
/* The driver's side of a ring in userspace, which may break every rule. */
#ifndef FUZZ_DRIVER_H
#define FUZZ_DRIVER_H

#include <stdlib.h>

#include "memory.h"

/* Where things are; from the beginning of the process's memory. */
#define DESC_AT		0x00000
#define AVAIL_AT	0x8000
#define USED_AT		0xa000
#define BUFFERS_AT	0xf000
#define BUFFERS_LEN	0x10000
#define PROCESS_SIZE	(BUFFERS_AT + BUFFERS_LEN)

/* The guest's memory is one range in two pieces, which are the other way round in the process; and one more to be only read. */
#define GUEST_RAM	0x100000ULL
#define PIECE_LEN	0x6000
#define GUEST_ROM	0x800000ULL
#define ROM_LEN		0x4000
/* Guest addresses of the ring with an IOMMU. */
#define GUEST_RING	0x4000000ULL

/* The pieces; the ring has some with an IOMMU only. */
enum piece {
	PIECE_RAM_FIRST,
	PIECE_RAM_SECOND,
	PIECE_ROM,
	PIECE_DRIVER,
	PIECE_DEVICE,
};

struct setup {
	struct vring_memory memory;
	struct vring_dev ring;
	struct vring_chain chain;
	u16 avail;
};

static inline u16 wire16(const struct setup *s, u16 value)
{
	return s->ring.little_endian ? value : __builtin_bswap16(value);
}

static inline u32 wire32(const struct setup *s, u32 value)
{
	return s->ring.little_endian ? value : __builtin_bswap32(value);
}

static inline u64 wire64(const struct setup *s, u64 value)
{
	return s->ring.little_endian ? value : __builtin_bswap64(value);
}

static inline u16 *ring16(struct setup *s, u32 at)
{
	return (u16 *)(s->memory.bytes + at);
}

/* A piece of memory whose translation is missing, or is there. */
static inline void set_absent(struct setup *s, enum piece piece, bool absent)
{
	s->memory.region[piece].absent = absent;
}

/* Only a machine of this byte order has a use for these. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "byte order");

static inline void setup_init(struct setup *s, u32 num, bool iommu)
{
	const u64 ring = iommu ? GUEST_RING : PROCESS_BASE;
	struct vring_memory *memory = &s->memory;

	memset(&s->ring, 0, sizeof(s->ring));
	memory_init(memory, PROCESS_SIZE);
	memory_add(memory, GUEST_RAM, PIECE_LEN,
		   PROCESS_BASE + BUFFERS_AT + PIECE_LEN);
	memory_add(memory, GUEST_RAM + PIECE_LEN, PIECE_LEN,
		   PROCESS_BASE + BUFFERS_AT);
	memory_add(memory, GUEST_ROM, ROM_LEN,
		   PROCESS_BASE + BUFFERS_AT + 2 * PIECE_LEN)->read_only = true;
	if (iommu) {
		memory_add(memory, GUEST_RING, USED_AT, PROCESS_BASE);
		memory_add(memory, GUEST_RING + USED_AT, BUFFERS_AT - USED_AT,
			   PROCESS_BASE + USED_AT);
	}
	memory->iommu = iommu;
	s->ring.memory = memory;
	s->ring.num = num;
	s->ring.desc = ring + DESC_AT;
	s->ring.avail = ring + AVAIL_AT;
	s->ring.used = ring + USED_AT;
	s->ring.used_log = 0x900000;
	s->ring.little_endian = true;
	s->ring.indirect = true;
	memory->used = s->ring.used;
	memory->used_len = 6 + 8ULL * num;
	s->avail = 0;
}

static inline void put_desc(const struct setup *s, void *to, u64 address,
			    u32 len, u16 flags, u16 next)
{
	const struct vring_desc desc = {
		.addr = wire64(s, address), .len = wire32(s, len),
		.flags = wire16(s, flags), .next = wire16(s, next),
	};

	memcpy(to, &desc, sizeof(desc));
}

static inline void set_desc(struct setup *s, u16 at, u64 address, u32 len,
			    u16 flags, u16 next)
{
	put_desc(s, s->memory.bytes + DESC_AT + at * sizeof(struct vring_desc),
		 address, len, flags, next);
}

/* Descriptor @at of the indirect table at the guest's address @table. */
static inline void set_indirect(struct setup *s, u64 table, u16 at, u64 address,
				u32 len, u16 flags, u16 next)
{
	struct vring_desc desc;
	unsigned int i;

	put_desc(s, &desc, address, len, flags, next);
	/* It may lie in both pieces. */
	for (i = 0; i < sizeof(desc); i++) {
		u8 *to = memory_guest(&s->memory, table + at * sizeof(desc) + i,
				      1);

		if (to)
			*to = ((u8 *)&desc)[i];
	}
}

static inline void set_avail_index(struct setup *s, u16 index)
{
	s->avail = index;
	*ring16(s, AVAIL_AT + 2) = wire16(s, index);
}

static inline void make_available(struct setup *s, u16 head)
{
	*ring16(s, AVAIL_AT + 4 + 2 * (s->avail & (s->ring.num - 1))) =
		wire16(s, head);
	set_avail_index(s, s->avail + 1);
}

static inline void set_used_event(struct setup *s, u16 index)
{
	*ring16(s, AVAIL_AT + 4 + 2 * s->ring.num) = wire16(s, index);
}

static inline u16 used_index(struct setup *s)
{
	return wire16(s, *ring16(s, USED_AT + 2));
}

static inline struct vring_used_entry used_entry(struct setup *s, u16 at)
{
	struct vring_used_entry entry;

	memcpy(&entry, s->memory.bytes + USED_AT + 4 +
	       8 * (at & (s->ring.num - 1)), sizeof(entry));
	entry.id = wire32(s, entry.id);
	entry.len = wire32(s, entry.len);

	return entry;
}

#endif /* FUZZ_DRIVER_H */
