/* SPDX-License-Identifier: GPL-2.0-only */
/* get_random_u32_below() for kernels that call it prandom_u32_max(). */
#ifndef VNS_COMPAT_LINUX_RANDOM_H
#define VNS_COMPAT_LINUX_RANDOM_H

#include_next <linux/random.h>

#ifndef HAVE_GET_RANDOM_U32_BELOW
#include <linux/prandom.h>

static inline u32 get_random_u32_below(u32 ceiling)
{
	return prandom_u32_max(ceiling);
}
#endif

#endif /* VNS_COMPAT_LINUX_RANDOM_H */
