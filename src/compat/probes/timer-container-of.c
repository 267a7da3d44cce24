// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is from_timer() called timer_container_of()?
 * Changed: 6.16 renamed it
 */
#include <linux/timer.h>

struct probe {
	struct timer_list timer;
};

void probe_timer(struct timer_list *timer);
void probe_timer(struct timer_list *timer)
{
	struct probe *probe = timer_container_of(probe, timer, timer);

	(void)probe;
}
