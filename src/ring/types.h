/* SPDX-License-Identifier: GPL-2.0-only */
/* What the ring engine is written with, in the kernel and in userspace. */
#ifndef VNS_RING_TYPES_H
#define VNS_RING_TYPES_H

#ifdef __KERNEL__
#include <linux/byteorder/generic.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <asm/barrier.h>
#include <asm/byteorder.h>
#else
#include "ring-types.h"
#endif

/* Wire formats and names of flags. */
#include <linux/virtio_ring.h>

#endif /* VNS_RING_TYPES_H */
