// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is there a prandom_u32_max()?
 * Changed: 6.2 replaced it by get_random_u32_below()
 * one-of: bounded random numbers
 */
#include <linux/random.h>
#include <linux/prandom.h>

u32 probe_random(u32 ceiling);
u32 probe_random(u32 ceiling)
{
	return prandom_u32_max(ceiling);
}
