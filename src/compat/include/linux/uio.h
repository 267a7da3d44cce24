/* SPDX-License-Identifier: GPL-2.0-only */
/* user_backed_iter(): does an iterator walk over memory of a process? */
#ifndef VNS_COMPAT_LINUX_UIO_H
#define VNS_COMPAT_LINUX_UIO_H

#include_next <linux/uio.h>

#ifndef HAVE_USER_BACKED_ITER
#define user_backed_iter iter_is_iovec
#endif

#endif /* VNS_COMPAT_LINUX_UIO_H */
