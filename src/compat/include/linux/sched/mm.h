/* SPDX-License-Identifier: GPL-2.0-only */
/* set_active_memcg() for kernels that export only what it needs outside of interrupts. */
#ifndef VNS_COMPAT_LINUX_SCHED_MM_H
#define VNS_COMPAT_LINUX_SCHED_MM_H

#include_next <linux/sched/mm.h>

#if defined(CONFIG_MEMCG) && !defined(HAVE_SET_ACTIVE_MEMCG)
static inline struct mem_cgroup *vns_set_active_memcg(struct mem_cgroup *memcg)
{
	struct mem_cgroup *old = current->active_memcg;

	current->active_memcg = memcg;

	return old;
}

#define set_active_memcg vns_set_active_memcg
#endif

#endif /* VNS_COMPAT_LINUX_SCHED_MM_H */
