/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of the ring engine begin and look with: one ring, and what is done with it in a line. */
#ifndef RING_TEST_H
#define RING_TEST_H

#include "../tests/lib/tap.h"
#include "driver.h"

#define NUM	8
#define WRITE	VRING_DESC_F_WRITE
#define NEXT	VRING_DESC_F_NEXT
#define TABLE	VRING_DESC_F_INDIRECT
/* The last byte of the first piece of the guest's memory. */
#define EDGE	(GUEST_RAM + PIECE_LEN)

static struct setup s;

static TAP_UNUSED void begin(u32 num, bool iommu)
{
	setup_init(&s, num, iommu);
}

static TAP_UNUSED void begin_started(void)
{
	begin(NUM, false);
	vring_start(&s.ring);
}

static TAP_UNUSED int next(void)
{
	return vring_next(&s.ring, &s.chain);
}

/* One descriptor, which is then taken. */
static TAP_UNUSED int next_of(u64 address, u32 len, u16 flags, u16 to)
{
	set_desc(&s, 0, address, len, flags, to);
	make_available(&s, 0);

	return next();
}

/* Takes a chain and gives it back, @len bytes written. */
static TAP_UNUSED void pass(u16 head, u32 len)
{
	make_available(&s, head);
	is_int(next(), 1, "... a chain is taken");
	vring_put(&s.ring, &s.chain, len);
}

/* A ring that is broken by what was set up. */
static TAP_UNUSED void breaks(int error, const char *what)
{
	is_int(next(), error, "%s", what);
	ok(s.ring.broken, "... breaks the ring");
	is_int(s.ring.next_avail, 0, "... takes nothing");
	is_int(next(), -EIO, "... for good");
}

/* The same, by a single descriptor. */
static TAP_UNUSED void breaks_of(u64 address, u32 len, u16 flags, u16 to, int error,
		      const char *what)
{
	begin_started();
	set_desc(&s, 0, address, len, flags, to);
	make_available(&s, 0);
	breaks(error, what);
}

#endif
