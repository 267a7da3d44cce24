/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames for vsockmon, as our transports make them. */
#ifndef VNS_FRAME_H
#define VNS_FRAME_H

#include <linux/skbuff.h>
#include <uapi/linux/virtio_vsock.h>
#include <uapi/linux/vsockmon.h>

#include "vns_transport.h"

/* What comes in front of the payload. */
struct vns_frame_header {
	struct af_vsockmon_hdr tap;
	struct virtio_vsock_hdr packet;
} __packed;

/**
 * struct vns_frame - what a frame says
 * @src_cid: who sends it
 * @dst_cid: whom it goes to
 * @src_port: the former's port
 * @dst_port: the latter's
 * @type: VIRTIO_VSOCK_TYPE_*
 * @op: VIRTIO_VSOCK_OP_*
 * @flags: of the op
 * @len: bytes of payload
 * @buf_alloc: the sender's buffer
 * @fwd_cnt: bytes of payload that the sender has received
 */
struct vns_frame {
	u32 src_cid;
	u32 dst_cid;
	u32 src_port;
	u32 dst_port;
	u16 type;
	u16 op;
	u32 flags;
	u32 len;
	u32 buf_alloc;
	u32 fwd_cnt;
};

struct sk_buff *VNS_API vns_frame_alloc(size_t len);
void VNS_API vns_frame_deliver(const struct vns_domain *domain,
			       const struct vns_frame *frame,
			       struct sk_buff *skb);

#endif /* VNS_FRAME_H */
