/* SPDX-License-Identifier: GPL-2.0-only */
/* Random numbers that a seed repeats, of each thread its own. */
#ifndef RANDOM_H
#define RANDOM_H

#include "vsock_test.h"

/* Not 0, or all that follows is. */
static __thread uint64_t rnd_state;

static uint64_t rnd64(void)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return rnd_state * 0x2545f4914f6cdd1dULL;
}

static unsigned int rnd(unsigned int below)
{
	return (rnd64() >> 33) % below;
}

static bool one_in(unsigned int n)
{
	return !rnd(n);
}

#define pick(array) ((array)[rnd(ARRAY_SIZE(array))])

#endif
