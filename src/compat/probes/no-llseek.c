// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is there a no_llseek()?
 * Changed: 6.12 dropped it; leaving .llseek empty is the same since 6.0
 */
#include <linux/fs.h>

const struct file_operations probe_ops = { .llseek = no_llseek };
