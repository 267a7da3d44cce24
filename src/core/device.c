// SPDX-License-Identifier: GPL-2.0-only
/* /dev/vsock: tells this machine's own CID. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <linux/vm_sockets.h>

#include "core/socket.h"
#include "route/route.h"

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case IOCTL_VM_SOCKETS_GET_LOCAL_CID:
		return put_user(vns_route_local_cid(), (u32 __user *)arg);
	default:
		return -ENOIOCTLCMD;
	}
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vsock",
	.fops = &device_fops,
};

/**
 * vns_device_register() - make /dev/vsock
 *
 * Return: 0 or a negative errno.
 */
int __init vns_device_register(void)
{
	return misc_register(&device);
}

/** vns_device_unregister() - take /dev/vsock away */
void vns_device_unregister(void)
{
	misc_deregister(&device);
}
