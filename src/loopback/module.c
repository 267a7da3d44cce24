// SPDX-License-Identifier: GPL-2.0-only
/* vsock_loopback.ko: connections between sockets of this machine. */
#include <linux/errno.h>
#include <linux/module.h>
#include <uapi/linux/virtio_vsock.h>

#include "loopback/loopback.h"

static const struct vns_transport loopback;

static bool lo_seqpacket_allow(const struct vns_transport *t,
			       const struct vns_domain *domain, u32 cid)
{
	return true;
}

static u32 lo_local_cid(const struct vns_transport *t)
{
	return VMADDR_CID_LOCAL;
}

static void lo_buffer_size(struct vns_sock *vs, u64 *size)
{
	*size = min_t(u64, *size, U32_MAX);
	if (!lo_sk(vs)->link)
		return;

	/*
	 * There may be more room now, a message that will never fit, or a queue that
	 * is full.
	 */
	WRITE_ONCE(vs->vsk.buffer_size, *size);
	lo_wake_all(vs);
}

static int lo_attach(struct vns_sock *vs, struct vns_sock *parent)
{
	memset(lo_sk(vs), 0, sizeof(struct lo_sock));
	WRITE_ONCE(vs->vsk.buffer_size,
		   min_t(u64, vs->vsk.buffer_size, U32_MAX));

	return 0;
}

static void lo_release(struct vns_sock *vs)
{
	lo_tap_close(vs);
	lo_link_leave(vs);
}

static int lo_shutdown(struct vns_sock *vs, int how)
{
	if (!lo_sk(vs)->link)
		return -ENOTCONN;
	lo_tap_event(vs, VIRTIO_VSOCK_OP_SHUTDOWN,
		     (how & RCV_SHUTDOWN ? VIRTIO_VSOCK_SHUTDOWN_RCV : 0) |
		     (how & SEND_SHUTDOWN ? VIRTIO_VSOCK_SHUTDOWN_SEND : 0));
	lo_link_shutdown(vs, how);

	return 0;
}

static int establish(struct vns_sock *vs, struct sock *listener,
		     struct sock *child_sk)
{
	struct vns_sock *child = vns_sk(child_sk);
	int err;

	vsock_addr_init(&child->vsk.local_addr, vs->vsk.remote_addr.svm_cid,
			vs->vsk.remote_addr.svm_port);
	vsock_addr_init(&child->vsk.remote_addr, VMADDR_CID_LOCAL,
			vs->vsk.local_addr.svm_port);
	err = vns_child_attach(child, &loopback);
	if (err)
		return err;
	err = lo_link_create(vs, child);
	if (err)
		return err;
	vns_mark_connected(child);
	lo_tap_event(child, VIRTIO_VSOCK_OP_RESPONSE, 0);

	/* From here on it may be accepted, used and closed. */
	err = vns_child_enqueue(listener, child_sk);
	if (err)
		lo_link_leave(vs);
	else
		vns_mark_connected(vs);

	return err;
}

static int connect_to(struct vns_sock *vs, struct sock *listener)
{
	struct sock *child;
	int err;

	/* It calls itself: a request comes where an answer should. */
	if (listener == vns_sock_sk(vs))
		return -EPROTO;
	if (!vns_listener_would_take(listener, vns_sock_sk(vs)->sk_type))
		return -ECONNRESET;

	child = vns_child_create(listener);
	if (!child)
		return -ENOMEM;
	err = establish(vs, listener, child);
	if (err)
		vns_child_abandon(child);

	return err;
}

static int lo_connect(struct vns_sock *vs)
{
	struct sock *listener;
	int err;

	lo_tap_event(vs, VIRTIO_VSOCK_OP_REQUEST, 0);
	listener = vns_listener_find(vns_sock_domain(vs), &vs->vsk.remote_addr);
	if (listener) {
		err = connect_to(vs, listener);
		sock_put(listener);
	} else {
		err = -ECONNRESET;
	}
	if (err)
		lo_tap_refused(vs);

	return err;
}

static bool lo_accepts_data(struct vns_sock *vs)
{
	return lo_sk(vs)->link;
}

static ssize_t lo_queued(struct vns_sock *vs)
{
	return lo_sk(vs)->link ? READ_ONCE(lo_this_end(vs)->queue.unread) : 0;
}

/* What was sent is on the other side's queue, so it has received it. */
static ssize_t lo_unsent(struct vns_sock *vs)
{
	return 0;
}

static u64 lo_rcvhiwat(struct vns_sock *vs)
{
	return vs->vsk.buffer_size;
}

static const struct vns_transport loopback = {
	.owner = THIS_MODULE,
	.zerocopy = true,
	.seqpacket_allow = lo_seqpacket_allow,
	.local_cid = lo_local_cid,
	.attach = lo_attach,
	.detach = lo_link_leave,
	.connect = lo_connect,
	.shutdown = lo_shutdown,
	.release = lo_release,
	.send = lo_send,
	.recv = lo_recv,
	.read_skb = lo_read_skb,
	.has_data = lo_has_data,
	.has_room = lo_has_room,
	.has_much = lo_has_much,
	.poll_out = lo_poll_out,
	.accepts_data = lo_accepts_data,
	.buffer_size = lo_buffer_size,
	.queued = lo_queued,
	.unsent = lo_unsent,
	.rcvhiwat = lo_rcvhiwat,
};

static int __init loopback_init(void)
{
	if (!vns_api_present()) {
		pr_err("vsock_loopback: the vsock module that is loaded is not vsock-netns %s: unload it, or reboot, and load both again\n",
		       VSOCK_NETNS_VERSION);
		return -EOPNOTSUPP;
	}

	return vns_transport_register(&loopback, VNS_ROLE_LOCAL);
}

static void __exit loopback_exit(void)
{
	vns_transport_unregister(&loopback);
}

module_init(loopback_init);
module_exit(loopback_exit);

MODULE_DESCRIPTION("Loopback transport for Virtual Sockets");
MODULE_AUTHOR("The vsock-netns authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(VSOCK_NETNS_VERSION);
MODULE_ALIAS_NETPROTO(PF_VSOCK);
