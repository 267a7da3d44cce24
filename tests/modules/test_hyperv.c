// SPDX-License-Identifier: GPL-2.0-only
/*
 * A test transport like Hyper-V's: a guest's only, that reaches the host and
 * nobody else, has no CID, no SOCK_SEQPACKET, no MSG_PEEK and no SO_RCVLOWAT;
 * its rings have their own size; of data it tells only that there is some, and
 * of the end only when it is asked for data.
 */
#include <linux/module.h>

#include "far_side.h"

static struct far_side hyperv_far;

module_param_cb(calls, &far_calls_ops, &hyperv_far, 0444);
module_param_cb(call, &far_call_ops, &hyperv_far, 0200);

static int hyperv_init(struct vsock_sock *vsk, struct vsock_sock *parent)
{
	return far_init(&hyperv_far, vsk);
}

static bool allow_host(u32 remote_cid, u32 port)
{
	return remote_cid == VMADDR_CID_HOST;
}

static u32 local_cid(void)
{
	return VMADDR_CID_ANY;
}

static const struct vsock_transport hyperv_transport = {
	.module = THIS_MODULE,
	.init = hyperv_init,
	FAR_COMMON_HOOKS,
	FAR_RCVLOWAT(far_refuse_rcvlowat)
	FAR_NO_DGRAM_HOOKS,
	.stream_allow = allow_host,
	.get_local_cid = local_cid,
};

static struct far_side hyperv_far = {
	.transport = &hyperv_transport,
	.name = "test_hyperv",
	.room = 16384,
	.needs_channel = true,
	.late_end = true,
	.counts_one = true,
	.no_peek = true,
};

static int __init hyperv_module_init(void)
{
	return vsock_core_register(&hyperv_transport, VSOCK_TRANSPORT_F_G2H);
}

static void __exit hyperv_module_exit(void)
{
	vsock_core_unregister(&hyperv_transport);
}

module_init(hyperv_module_init);
module_exit(hyperv_module_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Test transport like Hyper-V's");
