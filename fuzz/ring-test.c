// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules that the ring engine and the packet header keep to, but for those of chains (chain-test.c), one by one, on
 * rings in this program's memory.
 */
#include "ring-test.h"
#include "ring/header.h"

static void test_start(void)
{
	static const u32 bad[] = { 0, 3, 48, VRING_MAX_NUM * 2, U32_MAX };
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		begin(NUM, false);
		s.ring.num = bad[i];
		is_int(vring_start(&s.ring), -EINVAL, "no ring has %u entries",
		       bad[i]);
	}
	begin(NUM, false);
	*ring16(&s, USED_AT) = 0xffff;
	*ring16(&s, USED_AT + 2) = 77;
	is_int(vring_start(&s.ring), 0, "a ring is started");
	is_int(*ring16(&s, USED_AT), 0, "... the driver may kick");
	is_int(s.ring.next_used, 77, "... goes on where it was");
	is_int(next(), 0, "... has nothing");
	ok(!s.ring.broken, "... which breaks nothing");
	is_int(vring_flush(&s.ring), 0, "... nor is there to notify of");
	begin(NUM, false);
	s.ring.used = 0x1000;
	s.memory.used = 0x1000;
	is_int(vring_start(&s.ring), -EFAULT, "a used ring nowhere");
	ok(s.ring.broken, "... breaks it");
	is_int(vring_enable_kick(&s.ring), -EIO, "... no kicks");
	is_int(vring_disable_kick(&s.ring), -EIO, "... nor no kicks");
	is_int(vring_flush(&s.ring), -EIO, "... nothing to flush");

	begin_started();
	make_available(&s, 1);
	make_available(&s, 2);
	next();
	vring_undo_next(&s.ring);
	set_avail_index(&s, 0);
	vring_start(&s.ring);
	make_available(&s, 5);
	next();
	is_int(s.chain.head, 5, "a start forgets what was read ahead");
}

static void test_used(void)
{
	u16 i;

	begin(NUM, false);
	s.ring.next_avail = 0xfffe;
	s.avail = 0xfffe;
	*ring16(&s, USED_AT + 2) = 0xfffe;
	vring_start(&s.ring);
	set_avail_index(&s, 0xfffe);
	for (i = 0; i < 4; i++) {
		set_desc(&s, i, GUEST_RAM, 64, WRITE, 0);
		make_available(&s, i);
	}
	for (i = 0; i < 4; i++) {
		is_int(next(), 1, "a chain around the end of the ring");
		is_int(s.chain.head, i, "... is the right one");
		vring_put(&s.ring, &s.chain, 10 + i);
	}
	is_int(used_index(&s), 0xfffe, "the driver sees nothing before a flush");
	s.memory.writes = 0;
	is_int(vring_flush(&s.ring), 1, "a flush, and a notification");
	is_int(s.memory.writes, 3, "... entries in two parts, and the index");
	is_int(used_index(&s), 2, "... beyond the greatest index");
	for (i = 0; i < 4; i++)
		ok(used_entry(&s, 0xfffe + i).id == i &&
		   used_entry(&s, 0xfffe + i).len == 10U + i,
		   "... entry %d", i);
	is_int(vring_flush(&s.ring), 0, "... once");

	begin_started();
	for (i = 0; i < NUM; i++)
		make_available(&s, i);
	s.memory.reads = 0;
	for (i = 0; i < NUM; i++)
		next();
	is_int(s.ring.next_avail, NUM, "a full ring is taken");
	is_int(s.memory.reads, 2 + NUM, "... entries of it with one access");
	next();
	vring_undo_next(&s.ring);
	is_int(s.ring.next_avail, NUM - 1, "the last is left in the ring");
	is_int(next(), 1, "... and taken again");
	is_int(s.chain.head, NUM - 1, "... the same");

	/* A driver that makes its two descriptors available for ever. */
	begin(2, false);
	vring_start(&s.ring);
	set_desc(&s, 0, GUEST_RAM, 64, WRITE, 0);
	for (i = 0; i < 5; i++)
		pass(0, i);
	is_int(used_index(&s), 4, "no more wait than the ring has");
	vring_flush(&s.ring);
	is_int(used_index(&s), 5, "... and then the last");

	begin_started();
	set_desc(&s, 0, GUEST_RAM, 64, WRITE, 0);
	pass(0, 1);
	make_available(&s, NUM);
	is_int(next(), -EIO, "a ring breaks");
	is_int(vring_flush(&s.ring), 1, "... what went before counts");
	is_int(used_index(&s), 1, "... and is seen");
	is_int(vring_flush(&s.ring), -EIO, "... but no more");
}

static void test_notify(void)
{
	u16 i;

	begin_started();
	*ring16(&s, AVAIL_AT) = VRING_AVAIL_F_NO_INTERRUPT;
	pass(0, 0);
	is_int(vring_flush(&s.ring), 0, "a driver that wants no notification");
	*ring16(&s, AVAIL_AT) = 0;
	pass(0, 0);
	is_int(vring_flush(&s.ring), 1, "... wants one again");
	s.ring.notify_on_empty = true;
	*ring16(&s, AVAIL_AT) = VRING_AVAIL_F_NO_INTERRUPT;
	pass(0, 0);
	is_int(vring_flush(&s.ring), 1, "... none but of an empty ring");
	make_available(&s, 0);
	make_available(&s, 0);
	next();
	vring_put(&s.ring, &s.chain, 0);
	is_int(vring_flush(&s.ring), 0, "... which this is not");

	begin(NUM, false);
	s.ring.event_idx = true;
	vring_start(&s.ring);
	set_used_event(&s, 100);
	pass(0, 0);
	is_int(vring_flush(&s.ring), 1, "event index: the first time always");
	set_used_event(&s, 3);
	for (i = 1; i < 4; i++) {
		pass(0, 0);
		is_int(vring_flush(&s.ring), i == 3, "... index %d", i);
	}
	set_used_event(&s, 5);
	pass(0, 0);
	pass(0, 0);
	pass(0, 0);
	is_int(vring_flush(&s.ring), 1, "... passed within a batch");

	begin_started();
	is_int(vring_disable_kick(&s.ring), 0, "no kicks");
	is_int(*ring16(&s, USED_AT), VRING_USED_F_NO_NOTIFY, "... is told");
	s.memory.writes = 0;
	vring_disable_kick(&s.ring);
	is_int(s.memory.writes, 0, "... once");
	is_int(vring_enable_kick(&s.ring), 0, "kicks");
	is_int(*ring16(&s, USED_AT), 0, "... is told");
	vring_disable_kick(&s.ring);
	is_int(*ring16(&s, USED_AT), VRING_USED_F_NO_NOTIFY, "... and not");
	make_available(&s, 0);
	is_int(vring_enable_kick(&s.ring), 1, "... when there is more already");
	set_avail_index(&s, NUM + 1);
	is_int(vring_enable_kick(&s.ring), -EIO, "... when there is too much");

	begin(NUM, false);
	s.ring.event_idx = true;
	vring_start(&s.ring);
	pass(0, 0);
	is_int(vring_disable_kick(&s.ring), 0, "event index: no kicks");
	is_int(*ring16(&s, USED_AT), 0, "... is not told");
	is_int(vring_enable_kick(&s.ring), 0, "... kicks");
	is_int(*ring16(&s, USED_AT + 4 + 8 * NUM), 1, "... from an index on");
}

static void test_iommu(void)
{
	begin(NUM, true);
	set_absent(&s, PIECE_DEVICE, true);
	is_int(vring_start(&s.ring), -EAGAIN, "no translation of the ring yet");
	ok(!s.ring.broken, "... breaks nothing");
	set_absent(&s, PIECE_DEVICE, false);
	is_int(vring_start(&s.ring), 0, "... it is there");
	set_desc(&s, 0, EDGE - 1, 2, WRITE, 0);
	make_available(&s, 0);
	set_absent(&s, PIECE_DRIVER, true);
	is_int(next(), -EAGAIN, "no translation of the driver's part");
	set_absent(&s, PIECE_DRIVER, false);
	set_absent(&s, PIECE_RAM_SECOND, true);
	is_int(next(), -EAGAIN, "no translation of half a buffer");
	ok(!s.ring.broken && !s.ring.next_avail, "... nothing has changed");
	is_int(s.memory.misses, 3, "... each was asked for");
	set_absent(&s, PIECE_RAM_SECOND, false);
	set_absent(&s, PIECE_DEVICE, true);
	is_int(next(), -EAGAIN, "no translation of the used ring");
	ok(!s.ring.broken && !s.ring.next_avail, "... what cannot be given back is not taken");
	set_absent(&s, PIECE_DEVICE, false);
	is_int(next(), 1, "... it is there");
	is_int(s.chain.in_segments, 2, "... all of it");
	vring_put(&s.ring, &s.chain, 2);
	set_absent(&s, PIECE_DEVICE, true);
	is_int(vring_flush(&s.ring), -EAGAIN, "no used ring any more");
	set_absent(&s, PIECE_DEVICE, false);
	is_int(used_index(&s), 0, "... the driver saw nothing");
	is_int(vring_flush(&s.ring), 1, "... it is there");
	is_int(used_index(&s), 1, "... now it does");
	pass(0, 2);
	*ring16(&s, AVAIL_AT) = VRING_AVAIL_F_NO_INTERRUPT;
	set_absent(&s, PIECE_DRIVER, true);
	is_int(vring_flush(&s.ring), 1, "no telling what the driver wants");
	set_absent(&s, PIECE_DRIVER, false);
	is_int(used_index(&s), 2, "... it gets what there is all the same");
	set_desc(&s, 0, EDGE - 8, 32, TABLE, 0);
	set_indirect(&s, EDGE - 8, 0, GUEST_RAM, 9, 0, 0);
	make_available(&s, 0);
	set_absent(&s, PIECE_RAM_SECOND, true);
	is_int(next(), -EAGAIN, "no translation of half a table");
	set_absent(&s, PIECE_RAM_SECOND, false);
	is_int(next(), 1, "... it is there");
	is_int(s.chain.out_len, 9, "... all of it");
}

static void test_big_endian(void)
{
	begin(NUM, false);
	s.ring.little_endian = false;
	*ring16(&s, USED_AT + 2) = 0x0100;
	is_int(vring_start(&s.ring), 0, "big endian");
	is_int(s.ring.next_used, 1, "... goes on where it was");
	set_desc(&s, 1, GUEST_RAM, 0x1234, WRITE, 0);
	pass(1, 0x0102);
	is_int(s.chain.in_len, 0x1234, "... lengths");
	vring_flush(&s.ring);
	is_int(used_entry(&s, 1).len, 0x0102, "... used entries");
	is_int(*ring16(&s, USED_AT + 2), 0x0200, "... indices");
}

static void test_log(void)
{
	begin(NUM, false);
	s.ring.log_used = true;
	s.memory.log_buffers = true;
	vring_start(&s.ring);
	is_int(s.memory.log_from, 0x900000, "the log has flags");
	set_desc(&s, 0, EDGE - 8, 64, WRITE, 0);
	pass(0, 20);
	is_int(s.memory.logged, 20, "... buffers");
	s.memory.log_from = UINT64_MAX;
	s.memory.log_to = 0;
	vring_flush(&s.ring);
	is_int(s.memory.log_from, 0x900002, "... the index");
	is_int(s.memory.log_to, 0x90000c, "... the entry");
	make_available(&s, 0);
	next();
	s.memory.log_fails = true;
	vring_put(&s.ring, &s.chain, 1);
	ok(s.ring.broken, "a log that is nowhere breaks the ring");
	is_int(vring_flush(&s.ring), -EFAULT, "... when it is flushed, too");
	s.memory.log_fails = false;
	is_int(vring_flush(&s.ring), -EIO, "... for good");
}

static void test_header(void)
{
	u8 wire[PACKET_HEADER_LEN], again[PACKET_HEADER_LEN];
	struct packet_header header;
	unsigned int i;

	for (i = 0; i < sizeof(wire); i++)
		wire[i] = i + 1;
	is_int(packet_header_parse(&header, wire, SIZE_MAX), -EINVAL,
	       "a header with a great length");
	ok(header.src_cid == 0x0807060504030201 &&
	   header.dst_cid == 0x100f0e0d0c0b0a09 &&
	   header.src_port == 0x14131211 && header.dst_port == 0x18171615 &&
	   header.len == 0x1c1b1a19 && header.type == 0x1e1d &&
	   header.op == 0x201f && header.flags == 0x24232221 &&
	   header.buf_alloc == 0x28272625 && header.fwd_cnt == 0x2c2b2a29,
	   "... is read nonetheless");
	packet_header_write(&header, again);
	ok(!memcmp(wire, again, sizeof(wire)), "... and written");

	header.len = PACKET_MAX_PAYLOAD;
	packet_header_write(&header, wire);
	is_int(packet_header_parse(&header, wire, PACKET_MAX_PAYLOAD), 0,
	       "the longest packet");
	is_int(packet_header_parse(&header, wire, PACKET_MAX_PAYLOAD + 1), 0,
	       "... in a longer buffer");
	is_int(packet_header_parse(&header, wire, PACKET_MAX_PAYLOAD - 1),
	       -EINVAL, "... in a shorter one");
	header.len = PACKET_MAX_PAYLOAD + 1;
	packet_header_write(&header, wire);
	is_int(packet_header_parse(&header, wire, SIZE_MAX), -EINVAL,
	       "a longer one");
}

int main(void)
{
	test_start();
	test_used();
	test_notify();
	test_iommu();
	test_big_endian();
	test_log();
	test_header();
	memory_free(&s.memory);

	return done();
}
