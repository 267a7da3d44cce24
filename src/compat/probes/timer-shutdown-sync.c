// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is there a timer_shutdown_sync()?
 * Changed: 6.2 brought it
 * exported: timer_shutdown_sync
 */
#include <linux/timer.h>

int probe_shutdown(struct timer_list *timer);
int probe_shutdown(struct timer_list *timer)
{
	return timer_shutdown_sync(timer);
}
