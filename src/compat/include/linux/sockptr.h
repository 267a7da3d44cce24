/* SPDX-License-Identifier: GPL-2.0-only */
/* copy_safe_from_sockptr() where it is missing. */
#ifndef VNS_COMPAT_LINUX_SOCKPTR_H
#define VNS_COMPAT_LINUX_SOCKPTR_H

#include_next <linux/sockptr.h>

#ifndef HAVE_COPY_SAFE_FROM_SOCKPTR
/* Fills all @size bytes at @to or nothing: a shorter option is refused. */
static inline int copy_safe_from_sockptr(void *to, size_t size,
					 sockptr_t from, unsigned int len)
{
	return len < size ? -EINVAL : copy_from_sockptr(to, from, size);
}
#endif

#endif /* VNS_COMPAT_LINUX_SOCKPTR_H */
