// SPDX-License-Identifier: GPL-2.0-only
/* Reads and writes the header of a packet, which is little-endian without gaps. */
#include "ring/header.h"

/* Where the fields are. */
enum {
	SRC_CID = 0,
	DST_CID = 8,
	SRC_PORT = 16,
	DST_PORT = 20,
	LEN = 24,
	TYPE = 28,
	OP = 30,
	FLAGS = 32,
	BUF_ALLOC = 36,
	FWD_CNT = 40,
};

/* Compilers make one access of each of these. */
static u16 get16(const u8 *from)
{
	return from[0] | from[1] << 8;
}

static u32 get32(const u8 *from)
{
	return get16(from) | (u32)get16(from + 2) << 16;
}

static u64 get64(const u8 *from)
{
	return get32(from) | (u64)get32(from + 4) << 32;
}

static void put16(u8 *to, u16 value)
{
	to[0] = value;
	to[1] = value >> 8;
}

static void put32(u8 *to, u32 value)
{
	put16(to, value);
	put16(to + 2, value >> 16);
}

static void put64(u8 *to, u64 value)
{
	put32(to, value);
	put32(to + 4, value >> 32);
}

/**
 * packet_header_parse() - read a header
 * @header: filled in any case
 * @wire: the header as it came
 * @payload: bytes that came behind it; more than the header tells of are no error
 *
 * Whether addresses, type, operation and flags mean something is for the
 * protocol to say.
 *
 * Return: 0, or -EINVAL when the header tells of more payload than there is, or
 *	than a packet may have.
 */
int packet_header_parse(struct packet_header *header,
			const u8 wire[PACKET_HEADER_LEN], size_t payload)
{
	header->src_cid = get64(wire + SRC_CID);
	header->dst_cid = get64(wire + DST_CID);
	header->src_port = get32(wire + SRC_PORT);
	header->dst_port = get32(wire + DST_PORT);
	header->len = get32(wire + LEN);
	header->type = get16(wire + TYPE);
	header->op = get16(wire + OP);
	header->flags = get32(wire + FLAGS);
	header->buf_alloc = get32(wire + BUF_ALLOC);
	header->fwd_cnt = get32(wire + FWD_CNT);

	if (header->len > payload || header->len > PACKET_MAX_PAYLOAD)
		return -EINVAL;

	return 0;
}

/**
 * packet_header_write() - write a header
 * @header: what it says
 * @wire: filled, all of it
 */
void packet_header_write(const struct packet_header *header,
			 u8 wire[PACKET_HEADER_LEN])
{
	put64(wire + SRC_CID, header->src_cid);
	put64(wire + DST_CID, header->dst_cid);
	put32(wire + SRC_PORT, header->src_port);
	put32(wire + DST_PORT, header->dst_port);
	put32(wire + LEN, header->len);
	put16(wire + TYPE, header->type);
	put16(wire + OP, header->op);
	put32(wire + FLAGS, header->flags);
	put32(wire + BUF_ALLOC, header->buf_alloc);
	put32(wire + FWD_CNT, header->fwd_cnt);
}
