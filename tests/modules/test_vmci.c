// SPDX-License-Identifier: GPL-2.0-only
/*
 * A test transport like VMCI's: datagrams, whose ports are resources; every CID
 * but the local one is allowed, though only the host is there; who calls is
 * pending until a handshake is over; without a connection there is no queue to
 * ask.  Its first role is that of datagrams, the other one comes later.
 */
#include <linux/delay.h>
#include <linux/module.h>

#include "far_side.h"

static struct far_side vmci_far;

static bool h2g;
module_param(h2g, bool, 0444);
MODULE_PARM_DESC(h2g, "we are the host of guests, not a guest");
static bool dgram = true;
module_param(dgram, bool, 0444);
MODULE_PARM_DESC(dgram, "take the role of datagrams too");
static uint exit_ms;
module_param(exit_ms, uint, 0444);
MODULE_PARM_DESC(exit_ms, "how long it is busy with other things when it is unloaded, before it unregisters");
module_param_cb(calls, &far_calls_ops, &vmci_far, 0444);
module_param_cb(call, &far_call_ops, &vmci_far, 0200);

static int vmci_init(struct vsock_sock *vsk, struct vsock_sock *parent)
{
	return far_init(&vmci_far, vsk);
}

static bool allow_dgram(u32 remote_cid, u32 port)
{
	return remote_cid != VMADDR_CID_HYPERVISOR;
}

static bool allow_stream(u32 remote_cid, u32 port)
{
	return remote_cid != VMADDR_CID_LOCAL;
}

static u32 local_cid(void)
{
	return h2g ? VMADDR_CID_HOST : 1234;
}

static const struct vsock_transport vmci_transport = {
	.module = THIS_MODULE,
	.init = vmci_init,
	FAR_COMMON_HOOKS,
	.dgram_bind = far_dgram_bind,
	.dgram_enqueue = far_dgram_enqueue,
	.dgram_dequeue = far_dgram_dequeue,
	.dgram_allow = allow_dgram,
	.stream_allow = allow_stream,
	.get_local_cid = local_cid,
};

static struct far_side vmci_far = {
	.transport = &vmci_transport,
	.name = "test_vmci",
	.room = 65536,
	.needs_channel = true,
	.handshake = true,
};

static int __init vmci_module_init(void)
{
	int err = 0;

	if (dgram)
		err = vsock_core_register(&vmci_transport,
					  VSOCK_TRANSPORT_F_DGRAM);
	if (err)
		return err;
	err = vsock_core_register(&vmci_transport, h2g ?
				  VSOCK_TRANSPORT_F_H2G :
				  VSOCK_TRANSPORT_F_G2H);
	if (err)
		vsock_core_unregister(&vmci_transport);

	return err;
}

static void __exit vmci_module_exit(void)
{
	msleep(exit_ms);
	vsock_core_unregister(&vmci_transport);
}

module_init(vmci_module_init);
module_exit(vmci_module_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Test transport like VMCI's");
