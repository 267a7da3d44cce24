// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is the kfree_rcu() with one argument called kfree_rcu_mightsleep()?
 * Changed: 6.3 brought the name
 */
#include <linux/rcupdate.h>
#include <linux/slab.h>

void probe_free(void *pointer);
void probe_free(void *pointer)
{
	kfree_rcu_mightsleep(pointer);
}
