/* SPDX-License-Identifier: GPL-2.0-only */
/* The header of a packet (virtio specification, "Socket Device", 5.10.6). */
#ifndef VNS_RING_HEADER_H
#define VNS_RING_HEADER_H

#include "ring/types.h"

/* Bytes on the wire, and of payload in one packet at most. */
#define PACKET_HEADER_LEN	44
#define PACKET_MAX_PAYLOAD	65536

/**
 * struct packet_header - a header in the machine's byte order
 * @src_cid: whose it is
 * @dst_cid: who gets it
 * @src_port: the former's port
 * @dst_port: the latter's
 * @len: bytes of payload behind the header
 * @type: VIRTIO_VSOCK_TYPE_*
 * @op: VIRTIO_VSOCK_OP_*
 * @flags: VIRTIO_VSOCK_SHUTDOWN_* or VIRTIO_VSOCK_SEQ_*
 * @buf_alloc: room for data at the sender
 * @fwd_cnt: bytes of data that the sender has received
 */
struct packet_header {
	u64 src_cid;
	u64 dst_cid;
	u32 src_port;
	u32 dst_port;
	u32 len;
	u16 type;
	u16 op;
	u32 flags;
	u32 buf_alloc;
	u32 fwd_cnt;
};

int packet_header_parse(struct packet_header *header,
			const u8 wire[PACKET_HEADER_LEN], size_t payload);
void packet_header_write(const struct packet_header *header,
			 u8 wire[PACKET_HEADER_LEN]);

#endif /* VNS_RING_HEADER_H */
