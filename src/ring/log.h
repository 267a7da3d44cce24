/* SPDX-License-Identifier: GPL-2.0-only */
/* The dirty log, for the other files of the guest's memory. */
#ifndef VNS_RING_LOG_H
#define VNS_RING_LOG_H

#include "ring/guest_memory.h"

bool vring_log_covers(const u8 __user *log, u64 last);
int vring_log_user(struct vring_memory *memory, u64 user, u64 len);

#endif /* VNS_RING_LOG_H */
