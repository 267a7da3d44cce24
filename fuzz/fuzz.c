// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fuzzer's target: the input is a ring's setup and what its driver, the device and the process that has the
 * memory do, one after the other. The device's side is served as the module does it, and after each step
 * what must hold whatever the guest does is checked.
 */
#include <stdio.h>

#include "driver.h"
#include "ring/header.h"

#define MUST(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/* What the driver has to find in the used ring. */
struct expected {
	bool lost;
	u16 published;
	u16 given_back;
	struct vring_used_entry entry[1 << 16];
};

static struct setup s;
static struct expected expected;

/* The input; zeros behind its end. */
static const u8 *input, *input_end;

static u8 take8(void)
{
	return input < input_end ? *input++ : 0;
}

static u16 take16(void)
{
	const u16 low = take8();

	return low | take8() << 8;
}

static u32 take32(void)
{
	const u32 low = take16();

	return low | (u32)take16() << 16;
}

/* Where indirect tables are put, and looked for: at the start of memory, and across its pieces. */
#define TABLE_AT_START	GUEST_RAM
#define TABLE_ACROSS	(GUEST_RAM + PIECE_LEN - 24)

/* Mostly in the guest's memory, often near an end of a piece of it. */
static u64 take_address(void)
{
	const u8 kind = take8();
	const u16 offset = take16();

	switch (kind % 16) {
	case 0:
		return TABLE_AT_START;
	case 8:
		return TABLE_ACROSS;
	case 9:
	case 10:
		return GUEST_RAM + offset % PIECE_LEN;
	case 1:
		return GUEST_RAM + PIECE_LEN - offset % 64;
	case 2:
		return GUEST_RAM + PIECE_LEN + offset % PIECE_LEN;
	case 3:
		return GUEST_RAM + 2 * PIECE_LEN - offset % 64;
	case 4:
		return GUEST_ROM + offset % ROM_LEN;
	case 5:
		return -(u64)offset;
	case 6:
		return GUEST_RING + (u64)offset * 4;
	default:
		return take32() | (u64)take32() << 32;
	}
}

/* Mostly what may be in a packet. */
static u32 take_len(void)
{
	const u8 kind = take8();

	switch (kind % 4) {
	case 0:
		return PACKET_HEADER_LEN;
	case 1:
		return take8();
	case 2:
		return take8() * sizeof(struct vring_desc);
	default:
		return take32();
	}
}

/* The guest changes its memory while it is being read. */
struct change {
	unsigned int reads_to_go;
	u32 at;
	u16 value;
};

static struct change change;

static void change_after_read(struct vring_memory *memory)
{
	if (!change.reads_to_go || --change.reads_to_go)
		return;
	memcpy(memory->bytes + change.at, &change.value, sizeof(change.value));
}

static void set_up(void)
{
	const u8 flags = take8();
	const u8 more = take8();

	setup_init(&s, 1U << more % 9, flags & 1);
	s.ring.event_idx = flags & 2;
	s.ring.indirect = flags & 4;
	s.ring.notify_on_empty = flags & 8;
	s.ring.little_endian = !(flags & 16);
	s.ring.log_used = flags & 32;
	s.memory.log_buffers = flags & 64;
	s.ring.next_avail = flags & 128 ? take16() : 0;
	s.memory.after_read = change_after_read;
	change.reads_to_go = 0;
	set_avail_index(&s, s.ring.next_avail);
	/* The state of a ring that another device served before. */
	if (more & 128)
		*ring16(&s, USED_AT + 2) = wire16(&s, take16());

	MUST(!vring_start(&s.ring));
	expected.lost = false;
	expected.published = s.ring.next_used;
	expected.given_back = s.ring.next_used;
}

/* No answer is given but those, and a broken ring stays so. */
static void check_answer(int answer, bool was_broken)
{
	MUST(answer == 0 || answer == 1 || answer == -EIO ||
	     answer == -EFAULT || answer == -EAGAIN);
	MUST(!was_broken || s.ring.broken);
	MUST(answer == -EAGAIN || (answer < 0) <= s.ring.broken);
}

static void check_used(void)
{
	u16 at = used_index(&s);

	MUST(at == expected.published || at == expected.given_back ||
	     (u16)(at - expected.published) <
	     (u16)(expected.given_back - expected.published));
	/* What is new in it is in its place. */
	for (; expected.published != at; expected.published++) {
		const struct vring_used_entry *want =
			&expected.entry[expected.published];
		const struct vring_used_entry got =
			used_entry(&s, expected.published);

		/* A later one may have its place already. */
		if ((u16)(at - expected.published) <= s.ring.num)
			MUST(got.id == want->id && got.len == want->len);
	}
}

static void check_chain(void)
{
	const struct vring_chain *chain = &s.chain;
	u64 out = 0, in = 0;
	u32 i;

	MUST(chain->head < s.ring.num);
	MUST(chain->out_segments + chain->in_segments <= VRING_MAX_SEGMENTS);
	for (i = 0; i < (u32)chain->out_segments + chain->in_segments; i++) {
		const bool written = i >= chain->out_segments;

		MUST(memory_is_buffer(&s.memory, &chain->segment[i],
				      written ? VRING_WRITE : VRING_READ));
		*(written ? &in : &out) += chain->segment[i].iov_len;
	}
	MUST(out == chain->out_len && in == chain->in_len);
	MUST(out + in <= U32_MAX);
}

/* Copies between @bytes and segments.  What was moved. */
static size_t gather(u8 *bytes, size_t len, bool out)
{
	const struct iovec *segment = s.chain.segment +
				      (out ? 0 : s.chain.out_segments);
	u32 left = out ? s.chain.out_segments : s.chain.in_segments;
	size_t done = 0;

	for (; left && done < len; left--, segment++) {
		const size_t part = min_t(size_t, segment->iov_len, len - done);

		if (out)
			memcpy(bytes + done, segment->iov_base, part);
		else
			memcpy(segment->iov_base, bytes + done, part);
		done += part;
	}

	return done;
}

/* A packet from the guest, and one to it. */
static u32 pass_packet(void)
{
	static u8 packet[PACKET_HEADER_LEN + PACKET_MAX_PAYLOAD];
	u8 wire[PACKET_HEADER_LEN];
	struct packet_header header;

	if (s.chain.out_len >= PACKET_HEADER_LEN) {
		const size_t payload = s.chain.out_len - PACKET_HEADER_LEN;

		MUST(gather(wire, sizeof(wire), true) == sizeof(wire));
		if (!packet_header_parse(&header, wire, payload)) {
			const size_t all = PACKET_HEADER_LEN + header.len;

			MUST(header.len <= PACKET_MAX_PAYLOAD);
			MUST(gather(packet, all, true) == all);
		}
		packet_header_write(&header, packet);
		MUST(!memcmp(packet, wire, sizeof(wire)));
	}
	if (s.chain.in_len < PACKET_HEADER_LEN)
		return 0;

	return gather(packet, take16(), false);
}

static void serve_one(void)
{
	const u16 before = s.ring.next_avail;
	const bool was_broken = s.ring.broken;
	const int answer = vring_next(&s.ring, &s.chain);
	const u8 then = take8();
	u32 len;

	check_answer(answer, was_broken);
	check_used();
	MUST(!was_broken || answer < 0);
	MUST(s.ring.next_avail == (u16)(before + (answer == 1)));
	if (answer != 1)
		return;
	check_chain();
	if (then == 255) {
		vring_undo_next(&s.ring);
		return;
	}
	len = pass_packet();
	expected.entry[expected.given_back].id = s.chain.head;
	expected.entry[expected.given_back].len = len;
	expected.given_back++;
	s.memory.logged = 0;
	vring_put(&s.ring, &s.chain, len);
	if (s.memory.log_buffers && !s.ring.broken)
		MUST(s.memory.logged == len);
}

static void flush(void)
{
	const bool was_broken = s.ring.broken;
	const int answer = vring_flush(&s.ring);

	check_answer(answer, was_broken);
	check_used();
	/* Only what cannot be written never gets there. */
	if (answer == -EFAULT)
		expected.lost = true;
	if (answer != -EAGAIN && !expected.lost)
		MUST(expected.published == expected.given_back);
}

/* One step of the driver, the device or the process. */
static void step(void)
{
	const bool was_broken = s.ring.broken;
	const u8 what = take8();
	const u16 at = take8() & (s.ring.num - 1);
	u64 target;
	u16 flags;
	u32 len;

	switch (what % 16) {
	case 0:
	case 1:
		target = take_address();
		len = take_len();
		flags = take8() & 7;
		set_desc(&s, at, target, len, flags, take8());
		break;
	case 2:
	case 3:
		target = take_address();
		len = take_len();
		flags = take8();
		/* Most chain on; few are tables, which none may be. */
		flags = flags < 8 ? flags : flags & 3;
		set_indirect(&s, what & 16 ? TABLE_AT_START : TABLE_ACROSS,
			     at, target, len, flags, take8());
		break;
	case 4:
	case 5:
		make_available(&s, at);
		break;
	case 6:
		make_available(&s, take16());
		break;
	case 7:
		set_avail_index(&s, what & 16 ? take16() : s.avail + at);
		break;
	case 8:
		*ring16(&s, AVAIL_AT) = take16();
		set_used_event(&s, take16());
		break;
	case 9:
	case 10:
	case 11:
		serve_one();
		break;
	case 12:
		flush();
		break;
	case 13:
		check_answer(what & 16 ? vring_enable_kick(&s.ring) :
			     vring_disable_kick(&s.ring), was_broken);
		break;
	case 14:
		s.memory.region[at % s.memory.regions].absent = what & 16;
		s.memory.log_fails = what & 32 && what & 64;
		break;
	default:
		/* The used ring is what check_used() looks at. */
		change.at = take32() % (PROCESS_SIZE - 1);
		if (change.at >= USED_AT - 1 && change.at < BUFFERS_AT)
			change.at -= USED_AT - 1;
		change.value = take16();
		change.reads_to_go = 1 + at % 8;
		break;
	}
}

/* What is in the way goes away: then nothing is missing any more. */
static void finish(void)
{
	unsigned int i;
	int answer;

	for (i = 0; i < s.memory.regions; i++)
		s.memory.region[i].absent = false;
	flush();
	answer = vring_next(&s.ring, &s.chain);
	MUST(answer != -EAGAIN);
	check_answer(answer, false);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	input = data;
	input_end = data + size;
	set_up();
	while (input < input_end)
		step();
	finish();

	return 0;
}
