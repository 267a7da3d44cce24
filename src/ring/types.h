/* SPDX-License-Identifier: GPL-2.0-only */
/* What the ring engine is written with, in the kernel and in userspace. */
#ifndef VNS_RING_TYPES_H
#define VNS_RING_TYPES_H

#ifdef __KERNEL__
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <asm/barrier.h>
#else
#include "ring-types.h"
#endif

#include <asm/byteorder.h>
#include <linux/swab.h>
/* Formats on the wire, and names of flags. */
#include <linux/virtio_ring.h>

#endif /* VNS_RING_TYPES_H */
