// SPDX-License-Identifier: GPL-2.0-only
/*
 * A test transport like virtio's: every CID, SOCK_SEQPACKET, buffers whose size
 * follows the socket's option, buffers handed out and sent in place where the
 * kernel knows that.
 */
#include <linux/module.h>

#include "far_side.h"

static struct far_side virtio_far;

static uint cid = 3;
module_param(cid, uint, 0644);
MODULE_PARM_DESC(cid, "our CID, 4294967295 for none");
static bool h2g;
module_param(h2g, bool, 0444);
MODULE_PARM_DESC(h2g, "we are the host of guests, not a guest");
static bool seqpacket = true;
module_param(seqpacket, bool, 0644);
MODULE_PARM_DESC(seqpacket, "the device offers SOCK_SEQPACKET");
module_param_cb(calls, &far_calls_ops, &virtio_far, 0444);
module_param_cb(call, &far_call_ops, &virtio_far, 0200);

static int virtio_init(struct vsock_sock *vsk, struct vsock_sock *parent)
{
	return far_init(&virtio_far, vsk);
}

static bool allow_all(u32 remote_cid, u32 port)
{
	return true;
}

#ifdef HAVE_TRANSPORT_SEQPACKET
static bool allow_seqpacket(u32 remote_cid)
{
	return seqpacket;
}
#endif

#ifdef HAVE_TRANSPORT_MSGZEROCOPY_ALLOW
static bool allow_zerocopy(void)
{
	return true;
}
#endif

static u32 local_cid(void)
{
	return cid;
}

static const struct vsock_transport virtio_transport = {
	.module = THIS_MODULE,
	.init = virtio_init,
	FAR_COMMON_HOOKS,
	FAR_RCVLOWAT(far_set_rcvlowat)
	.cancel_pkt = far_cancel_pkt,
	FAR_NO_DGRAM_HOOKS,
	.stream_allow = allow_all,
#ifdef HAVE_TRANSPORT_SEQPACKET
	.seqpacket_dequeue = far_seqpacket_dequeue,
	.seqpacket_enqueue = far_seqpacket_enqueue,
	.seqpacket_allow = allow_seqpacket,
	.seqpacket_has_data = far_seqpacket_has_data,
#endif
	.notify_buffer_size = far_buffer_size,
#ifdef HAVE_TRANSPORT_UNSENT_BYTES
	.unsent_bytes = far_unsent_bytes,
#endif
#ifdef HAVE_VSOCK_SOCKMAP
	.read_skb = far_read_skb,
#endif
#ifdef HAVE_TRANSPORT_MSGZEROCOPY_ALLOW
	.msgzerocopy_allow = allow_zerocopy,
#endif
	.get_local_cid = local_cid,
};

static struct far_side virtio_far = {
	.transport = &virtio_transport,
	.name = "test_virtio",
	.room = 65536,
};

static int __init virtio_module_init(void)
{
	return vsock_core_register(&virtio_transport, h2g ?
				   VSOCK_TRANSPORT_F_H2G :
				   VSOCK_TRANSPORT_F_G2H);
}

static void __exit virtio_module_exit(void)
{
	vsock_core_unregister(&virtio_transport);
}

module_init(virtio_module_init);
module_exit(virtio_module_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Test transport like virtio's");
