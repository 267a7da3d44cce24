/* SPDX-License-Identifier: GPL-2.0-only */
/* kmap_local_page() for kernels that have only its stricter predecessor, which forbids to sleep. */
#ifndef VNS_COMPAT_LINUX_HIGHMEM_H
#define VNS_COMPAT_LINUX_HIGHMEM_H

#include_next <linux/highmem.h>

#ifndef HAVE_KMAP_LOCAL_PAGE
#define kmap_local_page kmap_atomic
#define kunmap_local kunmap_atomic
#endif

#endif /* VNS_COMPAT_LINUX_HIGHMEM_H */
