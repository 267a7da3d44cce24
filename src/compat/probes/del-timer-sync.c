// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is there a del_timer_sync()?
 * Changed: 6.15 dropped it for timer_delete_sync()
 * one-of: deletion of timers
 */
#include <linux/timer.h>

int probe_delete(struct timer_list *timer);
int probe_delete(struct timer_list *timer)
{
	return del_timer_sync(timer);
}
