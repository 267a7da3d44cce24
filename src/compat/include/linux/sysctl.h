/* SPDX-License-Identifier: GPL-2.0-only */
/* VNS_CTL_TABLE: the type of a proc_handler's first argument, const or not. */
#ifndef VNS_COMPAT_LINUX_SYSCTL_H
#define VNS_COMPAT_LINUX_SYSCTL_H

#include_next <linux/sysctl.h>

#ifdef HAVE_PROC_HANDLER_CONST_TABLE
#define VNS_CTL_TABLE const struct ctl_table
#else
#define VNS_CTL_TABLE struct ctl_table
#endif

#endif /* VNS_COMPAT_LINUX_SYSCTL_H */
