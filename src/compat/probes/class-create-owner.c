// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does class_create() take the module as well?
 * Changed: 6.4 dropped it
 */
#include <linux/module.h>
#include <linux/device/class.h>

struct class *probe_class(void);
struct class *probe_class(void)
{
	return class_create(THIS_MODULE, "probe");
}
