/* SPDX-License-Identifier: GPL-2.0-only */
/* The types of the ring engine, in the kernel and in userspace. */
#ifndef VNS_RING_TYPES_H
#define VNS_RING_TYPES_H

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/types.h>
#include <linux/uio.h>
#else
#include "ring-types.h"
#endif

#endif /* VNS_RING_TYPES_H */
