// SPDX-License-Identifier: GPL-2.0-only
/* /dev/vhost-vsock: the file. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <net/net_namespace.h>

#include "vhost/device.h"

static int device_open(struct inode *inode, struct file *file)
{
	struct guest *guest = guest_new(current->nsproxy->net_ns);

	if (!guest)
		return -ENOMEM;
	file->private_data = guest;

	return 0;
}

static int device_release(struct inode *inode, struct file *file)
{
	struct guest *guest = file->private_data;

	/* Nobody finds it from here on, so nobody begins a connection to it. */
	guest_unclaim(guest);
	guest_end(guest);
	protocol_destroy(&guest->protocol);
	put_net(guest->net);
	guest_put(guest);

	return 0;
}

/* Which CIDs are taken, by whom and where, is in /proc/PID/fdinfo. */
static void device_show_fdinfo(struct seq_file *seq, struct file *file)
{
	const struct guest *guest = file->private_data;
	const u32 cid = guest_cid(guest);

	if (cid)
		seq_printf(seq, "vhost-vsock-cid:\t%u\n", cid);
	else
		seq_puts(seq, "vhost-vsock-cid:\tnone\n");
	seq_printf(seq, "vhost-vsock-netns:\t%u\n", guest->net->ns.inum);
	seq_printf(seq, "vhost-vsock-running:\t%d\n",
		   guest_is_running(guest));
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.llseek = noop_llseek,
	.unlocked_ioctl = guest_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.read_iter = guest_read_iter,
	.write_iter = guest_write_iter,
	.poll = guest_poll,
	.show_fdinfo = device_show_fdinfo,
};

static struct miscdevice device = {
	.minor = VHOST_VSOCK_MINOR,
	.name = "vhost-vsock",
	.fops = &device_fops,
};

/**
 * guest_device_register() - make /dev/vhost-vsock
 *
 * Return: 0 or a negative errno.
 */
int __init guest_device_register(void)
{
	return misc_register(&device);
}

/** guest_device_unregister() - take /dev/vhost-vsock away */
void guest_device_unregister(void)
{
	misc_deregister(&device);
}

MODULE_ALIAS_MISCDEV(VHOST_VSOCK_MINOR);
MODULE_ALIAS("devname:vhost-vsock");
