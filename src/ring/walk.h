/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the files of the ring engine. */
#ifndef VNS_RING_WALK_H
#define VNS_RING_WALK_H

#include "ring/ring.h"

/* Is the ring in the other byte order than the machine? */
static inline bool vring_is_foreign(const struct vring_dev *ring)
{
#ifdef __LITTLE_ENDIAN_BITFIELD
	return !ring->little_endian;
#else
	return ring->little_endian;
#endif
}

int vring_walk(struct vring_dev *ring, u16 head, struct vring_chain *chain);

#endif /* VNS_RING_WALK_H */
