/* SPDX-License-Identifier: GPL-2.0-only */
/* eventfd_signal(): adds one. */
#ifndef VNS_COMPAT_LINUX_EVENTFD_H
#define VNS_COMPAT_LINUX_EVENTFD_H

#include_next <linux/eventfd.h>

#ifdef HAVE_EVENTFD_SIGNAL_COUNT
static inline void vns_eventfd_signal(struct eventfd_ctx *event)
{
	eventfd_signal(event, 1);
}

#define eventfd_signal vns_eventfd_signal
#endif

#endif /* VNS_COMPAT_LINUX_EVENTFD_H */
