// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is there a get_random_u32_below()?
 * Changed: 6.2 brought it
 * one-of: bounded random numbers
 */
#include <linux/random.h>

u32 probe_random(u32 ceiling);
u32 probe_random(u32 ceiling)
{
	return get_random_u32_below(ceiling);
}
