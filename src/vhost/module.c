// SPDX-License-Identifier: GPL-2.0-only
/* vhost_vsock.ko: the module's beginning and end. */
#include <linux/errno.h>
#include <linux/module.h>

#include "vhost/device.h"

static int __init vhost_vsock_init(void)
{
	int err;

	if (!vns_api_present()) {
		pr_err("vhost_vsock: the vsock module that is loaded is not vsock-netns %s: unload it, or reboot, and load both again\n",
		       VSOCK_NETNS_VERSION);
		return -EOPNOTSUPP;
	}

	err = guest_table_init();
	if (err)
		return err;
	err = protocol_register();
	if (err)
		goto out_table;
	/* Last: from here on guests come. */
	err = guest_device_register();
	if (err)
		goto out_protocol;

	return 0;

out_protocol:
	protocol_unregister();
out_table:
	guest_table_exit();

	return err;
}

static void __exit vhost_vsock_exit(void)
{
	guest_device_unregister();
	protocol_unregister();
	guest_table_exit();
}

module_init(vhost_vsock_init);
module_exit(vhost_vsock_exit);

MODULE_DESCRIPTION("Virtual Sockets for the guests of this host (vhost)");
MODULE_AUTHOR("The vsock-netns authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(VSOCK_NETNS_VERSION);
