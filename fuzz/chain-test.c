// SPDX-License-Identifier: GPL-2.0-only
/* What the ring engine takes for a chain of descriptors, and what breaks the ring, one by one, in this program's memory. */
#include "ring-test.h"

static void test_direct(void)
{
	begin_started();
	is_int(next_of(GUEST_RAM + 16, 100, 0, 99), 1, "a direct descriptor");
	is_int(s.chain.out_segments, 1, "... a segment");
	is_int(s.chain.in_segments, 0, "... to read");
	is_int(s.chain.out_len, 100, "... its length");
	ok(s.chain.segment[0].iov_base == memory_guest(&s.memory, GUEST_RAM +
						       16, 100),
	   "... where the guest has it");
	is_int(next(), 0, "... there is no other");

	begin_started();
	set_desc(&s, 3, GUEST_ROM, 44, NEXT, 1);
	set_desc(&s, 1, EDGE - 10, 30, NEXT | WRITE, 7);
	set_desc(&s, 7, GUEST_RAM, 5, WRITE, 0);
	make_available(&s, 3);
	is_int(next(), 1, "a chain");
	is_int(s.chain.head, 3, "... its head");
	is_int(s.chain.out_segments, 1, "... a segment to read");
	is_int(s.chain.in_segments, 3, "... one across pieces, one more");
	is_int(s.chain.in_len, 35, "... bytes to write");
	is_int(s.chain.segment[1].iov_len, 10, "... of the first piece");
	ok(s.chain.segment[2].iov_base == memory_guest(&s.memory, EDGE, 20),
	   "... of the second");

	begin_started();
	set_desc(&s, 0, GUEST_RAM, 0, NEXT, 1);
	set_desc(&s, 1, GUEST_RAM, 4, 0, 0);
	make_available(&s, 0);
	is_int(next(), 1, "a descriptor of nothing");
	is_int(s.chain.out_segments, 1, "... is left out");

	begin_started();
	is_int(next_of(1, 0, 0, 0), 1, "a chain of nothing, nowhere");
	is_int(s.chain.out_segments + s.chain.in_segments, 0, "... is empty");
}

static void test_broken(void)
{
	u16 i;

	begin_started();
	make_available(&s, NUM);
	breaks(-EIO, "a head that is no descriptor");

	breaks_of(GUEST_RAM, 1, NEXT, NUM, -EIO, "a next descriptor that is none");

	begin_started();
	set_desc(&s, 0, GUEST_RAM, 1, NEXT, 1);
	set_desc(&s, 1, GUEST_RAM, 1, NEXT, 0);
	make_available(&s, 0);
	breaks(-EIO, "a loop");

	breaks_of(GUEST_RAM, 0, NEXT, 0, -EIO, "a loop of nothing");

	begin_started();
	for (i = 0; i < NUM; i++)
		set_desc(&s, i, GUEST_RAM, 1, i < NUM - 1 ? NEXT : 0, i + 1);
	make_available(&s, 0);
	is_int(next(), 1, "all descriptors in a chain are no loop");
	is_int(s.chain.out_len, NUM, "... all count");

	begin_started();
	set_desc(&s, 0, GUEST_RAM, 1, NEXT | WRITE, 1);
	set_desc(&s, 1, GUEST_RAM, 1, 0, 0);
	make_available(&s, 0);
	breaks(-EIO, "to be written before to be read");

	begin_started();
	set_desc(&s, 0, GUEST_RAM, 0, NEXT | WRITE, 1);
	set_desc(&s, 1, GUEST_RAM, 1, 0, 0);
	make_available(&s, 0);
	breaks(-EIO, "the same with nothing to write");

	breaks_of(GUEST_RAM - 1, 2, 0, 0, -EFAULT, "a buffer before all memory");
	breaks_of(EDGE + PIECE_LEN - 1, 2, 0, 0, -EFAULT, "a buffer behind all memory");
	breaks_of(UINT64_MAX, 2, 0, 0, -EFAULT, "a buffer around the end of addresses");
	breaks_of(GUEST_ROM, 1, WRITE, 0, -EFAULT,
		  "to be written in memory that is only read");

	begin_started();
	set_avail_index(&s, NUM + 1);
	breaks(-EIO, "more available than there are entries");

	begin_started();
	set_avail_index(&s, 0xffff);
	breaks(-EIO, "an index that goes back");

	begin(NUM, false);
	s.ring.desc = 0x1000;
	vring_start(&s.ring);
	make_available(&s, 0);
	breaks(-EFAULT, "descriptors nowhere");

	begin(NUM, false);
	s.ring.avail = 0x1000;
	vring_start(&s.ring);
	breaks(-EFAULT, "an available ring nowhere");
}

/* With 4 GiB of memory that is never touched, and two descriptors. */
static void begin_with_4g(void)
{
	begin(2, false);
	s.memory.size = 1ULL << 33;
	s.memory.region[PIECE_RAM_SECOND].len = 1ULL << 32;
	vring_start(&s.ring);
}

static void test_long(void)
{
	u32 i;

	begin(2048, false);
	vring_start(&s.ring);
	for (i = 0; i < 1024; i++)
		set_desc(&s, i, GUEST_RAM, 1, i < 1023 ? NEXT : 0, i + 1);
	make_available(&s, 0);
	is_int(next(), 1, "1024 segments");
	is_int(s.chain.out_segments, 1024, "... count");

	begin(2048, false);
	vring_start(&s.ring);
	for (i = 0; i < 1025; i++)
		set_desc(&s, i, GUEST_RAM, 0, i < 1024 ? NEXT : 0, i + 1);
	make_available(&s, 0);
	breaks(-EIO, "1025 descriptors of nothing");

	begin(2048, false);
	vring_start(&s.ring);
	for (i = 0; i < 1024; i++)
		set_desc(&s, i, i < 1023 ? GUEST_RAM : EDGE - 1, 2,
			 i < 1023 ? NEXT : 0, i + 1);
	make_available(&s, 0);
	breaks(-EIO, "1025 segments");

	begin_with_4g();
	set_desc(&s, 0, EDGE, U32_MAX, NEXT, 1);
	set_desc(&s, 1, EDGE, 1, WRITE, 0);
	make_available(&s, 0);
	breaks(-EIO, "4 GiB");
	begin_with_4g();
	is_int(next_of(EDGE, U32_MAX, 0, 0), 1, "a byte less");
}

static void table(u16 flags, u32 len)
{
	begin_started();
	set_desc(&s, 0, GUEST_RAM, len, TABLE | flags, 1);
	set_desc(&s, 1, GUEST_RAM, 1, 0, 0);
	make_available(&s, 0);
}

static void test_indirect(void)
{
	const u64 across = EDGE - 24;
	u16 i;

	table(WRITE, 3 * 16);
	set_indirect(&s, GUEST_RAM, 0, GUEST_ROM, 44, NEXT, 2);
	set_indirect(&s, GUEST_RAM, 2, GUEST_RAM + 512, 7, WRITE, 0);
	is_int(next(), 1, "an indirect table");
	is_int(s.chain.out_len, 44, "... bytes to read");
	is_int(s.chain.in_len, 7, "... bytes to write");

	begin_started();
	set_desc(&s, 0, GUEST_ROM + ROM_LEN - 16, 16, TABLE, 0);
	set_indirect(&s, GUEST_ROM + ROM_LEN - 16, 0, GUEST_RAM, 7, 0, 0);
	make_available(&s, 0);
	is_int(next(), 1, "a table at the end of memory");

	begin_started();
	set_desc(&s, 0, GUEST_RAM, 9, NEXT, 1);
	set_desc(&s, 1, across, 40 * 16, TABLE, 0);
	for (i = 0; i < 40; i++)
		set_indirect(&s, across, i, GUEST_RAM + i, 1 + i,
			     i < 39 ? NEXT : 0, i + 1);
	make_available(&s, 0);
	is_int(next(), 1, "a table across pieces, behind a direct descriptor");
	is_int(s.chain.out_segments, 41, "... all of it");
	is_int(s.chain.out_len, 9 + 40 * 41 / 2, "... all bytes");

	begin_started();
	set_desc(&s, 0, GUEST_RAM, 1, NEXT | WRITE, 1);
	set_desc(&s, 1, GUEST_RAM, 16, TABLE, 0);
	set_indirect(&s, GUEST_RAM, 0, GUEST_RAM, 1, 0, 0);
	make_available(&s, 0);
	breaks(-EIO, "to be written, then a table to be read");

	table(0, 16);
	set_indirect(&s, GUEST_RAM, 0, GUEST_RAM, 16, TABLE, 0);
	breaks(-EIO, "a table in a table");
	table(NEXT, 16);
	set_indirect(&s, GUEST_RAM, 0, GUEST_RAM, 16, 0, 0);
	breaks(-EIO, "more behind a table");
	table(0, 0);
	breaks(-EIO, "a table of nothing");
	table(0, 24);
	breaks(-EIO, "a table of one and a half");
	table(0, 32);
	set_indirect(&s, GUEST_RAM, 0, GUEST_RAM, 1, NEXT, 2);
	set_indirect(&s, GUEST_RAM, 2, GUEST_RAM, 1, 0, 0);
	breaks(-EIO, "next outside of the table");
	table(0, 32);
	set_indirect(&s, GUEST_RAM, 0, GUEST_RAM, 1, NEXT, 1);
	set_indirect(&s, GUEST_RAM, 1, GUEST_RAM, 1, NEXT, 0);
	breaks(-EIO, "a loop in a table");
	breaks_of(UINT64_MAX - 15, 32, TABLE, 0, -EFAULT,
		  "a table around the end of addresses");
	table(0, 16);
	s.ring.indirect = false;
	breaks(-EIO, "a table without talk of tables");
}

/* The guest makes the descriptor longer as soon as it has been read. */
static void lengthen(struct vring_memory *memory)
{
	(void)memory;
	set_desc(&s, 0, GUEST_RAM, U32_MAX, NEXT | WRITE | TABLE, 0xffff);
}

static void test_change(void)
{
	begin_started();
	/* Taken once before, so that nothing but the descriptor is read. */
	next_of(GUEST_RAM, 4, 0, 0);
	vring_undo_next(&s.ring);
	s.memory.after_read = lengthen;
	is_int(next(), 1, "what changes behind the back");
	is_int(s.chain.out_len, 4, "... is as it was read");
	is_int(s.chain.in_segments, 0, "... all of it");
}

int main(void)
{
	test_direct();
	test_broken();
	test_long();
	test_indirect();
	test_change();
	memory_free(&s.memory);

	return done();
}
