// SPDX-License-Identifier: GPL-2.0-only
/* vsock.ko: socket(AF_VSOCK, ...), and the module's beginning and end. */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/net.h>

#include "core/socket.h"
#include "core/store.h"
#include "core/table.h"
#include "route/route.h"

static const struct proto_ops *ops_of_type(int type)
{
	switch (type) {
	case SOCK_STREAM:
		return &vns_stream_ops;
	case SOCK_SEQPACKET:
		return &vns_seqpacket_ops;
	case SOCK_DGRAM:
		return &vns_dgram_ops;
	default:
		return NULL;
	}
}

static int family_create(struct net *net, struct socket *sock, int protocol,
			 int kern)
{
	struct sock *sk;
	int err;

	if (protocol && protocol != PF_VSOCK)
		return -EPROTONOSUPPORT;
	sock->ops = ops_of_type(sock->type);
	if (!sock->ops)
		return -ESOCKTNOSUPPORT;
	sock->state = SS_UNCONNECTED;

	sk = vns_sock_new(net, sock, NULL, GFP_KERNEL, 0, kern);
	if (!sk)
		return -ENOMEM;

	if (sock->type != SOCK_DGRAM) {
		vns_want_sol_socket(sock);
	} else {
		err = vns_route_dgram(vns_sk(sk));
		if (err) {
			sock->sk = NULL;
			sock_orphan(sk);
			sock_put(sk);
			return err;
		}
	}
	vns_table_add_unbound(vns_sk(sk));

	return 0;
}

static const struct net_proto_family family = {
	.family = AF_VSOCK,
	.create = family_create,
	.owner = THIS_MODULE,
};

static int __init vns_init(void)
{
	int err;

	err = vns_netns_init();
	if (err)
		return err;
	err = vns_table_init();
	if (err)
		goto out_netns;
	err = vns_connect_init();
	if (err)
		goto out_table;
	err = proto_register(&vns_proto, 1);
	if (err)
		goto out_connect;
	vns_sockmap_init();
	err = vns_device_register();
	if (err)
		goto out_proto;
	err = sock_register(&family);
	if (err)
		goto out_device;
	pr_info("vsock: vsock-netns %s\n", VSOCK_NETNS_VERSION);

	return 0;

out_device:
	vns_device_unregister();
out_proto:
	proto_unregister(&vns_proto);
out_connect:
	vns_connect_exit();
out_table:
	vns_table_exit();
out_netns:
	vns_netns_exit();

	return err;
}

static void __exit vns_exit(void)
{
	sock_unregister(AF_VSOCK);
	vns_device_unregister();
	/* Before the sockets' memory goes: it waits for the last of them. */
	vns_connect_exit();
	proto_unregister(&vns_proto);
	vns_table_exit();
	vns_netns_exit();
	vns_store_exit();
}

module_init(vns_init);
module_exit(vns_exit);

MODULE_DESCRIPTION("Virtual Socket Family with network namespace modes");
MODULE_AUTHOR("The vsock-netns authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(VSOCK_NETNS_VERSION);
MODULE_ALIAS_NETPROTO(PF_VSOCK);
