// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is there a timer_delete_sync()?
 * Changed: 6.2 brought it beside del_timer_sync()
 * exported: timer_delete_sync
 * one-of: deletion of timers
 */
#include <linux/timer.h>

int probe_delete(struct timer_list *timer);
int probe_delete(struct timer_list *timer)
{
	return timer_delete_sync(timer);
}
