// SPDX-License-Identifier: GPL-2.0-only
/* Frames for vsockmon: a packet as a virtio transport would have sent it. */
#include <linux/module.h>

#include "vns_frame.h"

static u16 tap_op(u16 op)
{
	switch (op) {
	case VIRTIO_VSOCK_OP_REQUEST:
	case VIRTIO_VSOCK_OP_RESPONSE:
		return AF_VSOCK_OP_CONNECT;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
	case VIRTIO_VSOCK_OP_RST:
		return AF_VSOCK_OP_DISCONNECT;
	case VIRTIO_VSOCK_OP_RW:
		return AF_VSOCK_OP_PAYLOAD;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		return AF_VSOCK_OP_CONTROL;
	default:
		return AF_VSOCK_OP_UNKNOWN;
	}
}

/**
 * vns_frame_alloc() - a buffer for a frame
 * @len: room for payload
 *
 * Context: may sleep.
 * Return: a buffer with room for the headers in front and pages for the payload,
 *	or NULL.
 */
struct sk_buff *vns_frame_alloc(size_t len)
{
	const size_t head = sizeof(struct vns_frame_header);
	struct sk_buff *skb;
	int err;

	skb = alloc_skb_with_frags(head, len, 0, &err, GFP_KERNEL_ACCOUNT);
	if (!skb)
		return NULL;
	skb_reserve(skb, head);
	skb->len += len;
	skb->data_len += len;

	return skb;
}
EXPORT_SYMBOL_GPL(vns_frame_alloc);

/**
 * vns_frame_deliver() - show a frame to the taps of a domain
 * @domain: the domain of the sockets it is about
 * @frame: what its headers say
 * @skb: the payload, with room for the headers in front; taken over
 *
 * Context: any but hard interrupts.
 */
void vns_frame_deliver(const struct vns_domain *domain,
		       const struct vns_frame *frame, struct sk_buff *skb)
{
	struct vns_frame_header *header = skb_push(skb, sizeof(*header));

	*header = (struct vns_frame_header) {
		.tap = {
			.src_cid = cpu_to_le64(frame->src_cid),
			.dst_cid = cpu_to_le64(frame->dst_cid),
			.src_port = cpu_to_le32(frame->src_port),
			.dst_port = cpu_to_le32(frame->dst_port),
			.op = cpu_to_le16(tap_op(frame->op)),
			.transport = cpu_to_le16(AF_VSOCK_TRANSPORT_VIRTIO),
			.len = cpu_to_le16(sizeof(header->packet)),
		},
		.packet = {
			.src_cid = cpu_to_le64(frame->src_cid),
			.dst_cid = cpu_to_le64(frame->dst_cid),
			.src_port = cpu_to_le32(frame->src_port),
			.dst_port = cpu_to_le32(frame->dst_port),
			.len = cpu_to_le32(frame->len),
			.type = cpu_to_le16(frame->type),
			.op = cpu_to_le16(frame->op),
			.flags = cpu_to_le32(frame->flags),
			.buf_alloc = cpu_to_le32(frame->buf_alloc),
			.fwd_cnt = cpu_to_le32(frame->fwd_cnt),
		},
	};
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	vns_tap_deliver(domain, skb);
}
EXPORT_SYMBOL_GPL(vns_frame_deliver);
