// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does a proc_handler take a struct ctl_table that is not const?
 * Changed: 6.11 made it const
 * one-of: signature of proc_handler
 */
#include <linux/sysctl.h>

static int probe_handler(struct ctl_table *table, int write, void *buffer, size_t *len, loff_t *pos)
{
	return 0;
}

const struct ctl_table probe_table = { .proc_handler = probe_handler };
