// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does an empty module compile at all? Has to be yes; not an answer in compat-config.h.
 */
#include <linux/module.h>

MODULE_DESCRIPTION("empty");
MODULE_LICENSE("GPL");
