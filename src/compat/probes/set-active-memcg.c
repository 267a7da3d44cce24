// SPDX-License-Identifier: GPL-2.0-only
/*
 * May a module call set_active_memcg()?
 * Changed: 5.11 exported the variable that it uses in interrupts
 * exported: int_active_memcg
 */
#include <linux/sched/mm.h>

struct mem_cgroup *probe_set(struct mem_cgroup *memcg);
struct mem_cgroup *probe_set(struct mem_cgroup *memcg)
{
	return set_active_memcg(memcg);
}
