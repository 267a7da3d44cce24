/* SPDX-License-Identifier: GPL-2.0-only */
/* timer_delete_sync() for kernels that call it del_timer_sync(). */
#ifndef VNS_COMPAT_LINUX_TIMER_H
#define VNS_COMPAT_LINUX_TIMER_H

#include_next <linux/timer.h>

#ifndef HAVE_TIMER_DELETE_SYNC
static inline int timer_delete_sync(struct timer_list *timer)
{
	return del_timer_sync(timer);
}
#endif

#endif /* VNS_COMPAT_LINUX_TIMER_H */
