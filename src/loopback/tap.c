// SPDX-License-Identifier: GPL-2.0-only
/*
 * What vsockmon shows of local connections: the packets that a virtio transport
 * would have sent.  Made only while a tap listens in the connection's domain.
 */
#include <linux/skbuff.h>

#include "loopback/loopback.h"
#include "vns_frame.h"

/* A frame that has no payload. */
static void deliver_header(struct vns_sock *vs, const struct vns_frame *frame)
{
	struct sk_buff *skb = vns_frame_alloc(0);

	if (skb)
		vns_frame_deliver(vns_sock_domain(vs), frame, skb);
}

/*
 * Who connects is CID 1 to its peer, whatever it is bound to: that is the
 * address that answers go to.
 */
static struct vns_frame frame_from(struct vns_sock *vs, u16 op)
{
	struct vns_frame frame = {
		.src_cid = vs->vsk.local_addr.svm_cid,
		.dst_cid = vs->vsk.remote_addr.svm_cid,
		.src_port = vs->vsk.local_addr.svm_port,
		.dst_port = vs->vsk.remote_addr.svm_port,
		.type = vns_is_seqpacket(vs) ? VIRTIO_VSOCK_TYPE_SEQPACKET :
					       VIRTIO_VSOCK_TYPE_STREAM,
		.op = op,
		.buf_alloc = vs->vsk.buffer_size,
	};

	if (!lo_sk(vs)->link || !lo_side(vs))
		frame.src_cid = VMADDR_CID_LOCAL;
	if (lo_sk(vs)->link)
		frame.fwd_cnt = lo_this_end(vs)->queue.received;

	return frame;
}

/**
 * lo_tap_event() - show a step in the life of a connection
 * @vs: whose step it is, its socket lock held or nobody else's yet
 * @op: VIRTIO_VSOCK_OP_*, one without a payload
 * @flags: of the op
 *
 * Called before the other side can notice, and so show its answer.
 *
 * Context: may sleep.
 */
void lo_tap_event(struct vns_sock *vs, u16 op, u32 flags)
{
	struct vns_frame frame;

	if (likely(!lo_tap_wanted(vs)))
		return;
	frame = frame_from(vs, op);
	frame.flags = flags;
	deliver_header(vs, &frame);
}

/**
 * lo_tap_refused() - show that nobody takes a connection
 * @vs: who tried to connect, its socket lock held
 *
 * Context: may sleep.
 */
void lo_tap_refused(struct vns_sock *vs)
{
	struct vns_frame frame;

	if (likely(!lo_tap_wanted(vs)))
		return;
	frame = frame_from(vs, VIRTIO_VSOCK_OP_RST);
	swap(frame.src_cid, frame.dst_cid);
	swap(frame.src_port, frame.dst_port);
	/* The answer of no socket has no buffer either. */
	frame.buf_alloc = 0;
	deliver_header(vs, &frame);
}

/**
 * lo_tap_close() - show that a side closes
 * @vs: the side, its socket lock held
 *
 * Context: may sleep.
 */
void lo_tap_close(struct vns_sock *vs)
{
	if (!lo_sk(vs)->link)
		return;
	/* When both close at once, both say that they do not receive any more. */
	if (lo_end_sk(lo_other_end(vs)))
		lo_tap_event(vs, VIRTIO_VSOCK_OP_SHUTDOWN,
			     VIRTIO_VSOCK_SHUTDOWN_RCV |
			     VIRTIO_VSOCK_SHUTDOWN_SEND);
	else
		lo_tap_event(vs, VIRTIO_VSOCK_OP_RST, 0);
}

static u32 flags_of_last(vns_record record)
{
	return VIRTIO_VSOCK_SEQ_EOM |
	       (record & VNS_RECORD_EOR ? VIRTIO_VSOCK_SEQ_EOR : 0);
}

/* The frame shares the buffer's pages, so a buffer that is shown costs little. */
static void show_buffer(struct vns_sock *vs, struct vns_frame *frame,
			const struct sk_buff *buffer, size_t head)
{
	struct sk_buff *skb;

	/* Pages that are the caller's (MSG_ZEROCOPY) are shared as such. */
	skb = __pskb_copy((struct sk_buff *)buffer, sizeof(struct vns_frame_header),
			  GFP_KERNEL_ACCOUNT);
	if (!skb)
		return;
	__skb_pull(skb, head);
	frame->len = skb->len;
	vns_frame_deliver(vns_sock_domain(vs), frame, skb);
}

/**
 * lo_tap_payload() - show what is sent
 * @vs: the sender, its socket lock held
 * @buffers: what it sends, in no queue yet; for SOCK_SEQPACKET one message,
 *	its record word in front
 *
 * Context: may sleep.
 */
void lo_tap_payload(struct vns_sock *vs, struct sk_buff_head *buffers)
{
	size_t head = vns_is_seqpacket(vs) ? sizeof(vns_record) : 0;
	struct vns_frame frame;
	struct sk_buff *skb;
	vns_record record = 0;

	if (likely(!lo_tap_wanted(vs)))
		return;

	frame = frame_from(vs, VIRTIO_VSOCK_OP_RW);
	skb_queue_walk(buffers, skb) {
		if (head)
			memcpy(&record, skb->data, head);
		if (vns_is_seqpacket(vs) && skb_queue_is_last(buffers, skb))
			frame.flags = flags_of_last(record);
		show_buffer(vs, &frame, skb, head);
		head = 0;
	}
}
