// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does eventfd_signal() add one?
 * Changed: 6.8 brought it; before, it took what it adds
 * one-of: eventfd_signal()
 */
#include <linux/eventfd.h>

void probe_signal(struct eventfd_ctx *event);
void probe_signal(struct eventfd_ctx *event)
{
	eventfd_signal(event);
}
