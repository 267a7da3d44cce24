// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does eventfd_signal() take what it adds?
 * Changed: 6.8 took that away: it adds one
 * one-of: eventfd_signal()
 */
#include <linux/eventfd.h>

void probe_signal(struct eventfd_ctx *event);
void probe_signal(struct eventfd_ctx *event)
{
	eventfd_signal(event, 1);
}
