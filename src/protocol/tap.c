// SPDX-License-Identifier: GPL-2.0-only
/* Packets to and from a guest, for vsockmon.  Only while a tap listens. */
#include <linux/skbuff.h>

#include "protocol/tap.h"
#include "vns_frame.h"

/* Fills the pages of @frame with what is at @offset in @skb. */
static int copy_payload(struct sk_buff *frame, const struct sk_buff *skb,
			u32 offset)
{
	const struct skb_shared_info *info = skb_shinfo(frame);
	int i, err = 0;

	for (i = 0; i < info->nr_frags && !err; i++) {
		const skb_frag_t *page = &info->frags[i];

		err = skb_copy_bits(skb, offset, skb_frag_address(page),
				    skb_frag_size(page));
		offset += skb_frag_size(page);
	}

	return err;
}

/**
 * protocol_tap_packet() - show a packet
 * @protocol: the guest's connections
 * @header: the packet's header
 * @skb: where its payload is, or NULL
 * @offset: in @skb
 *
 * Context: the guest's thread; may sleep for memory.
 */
void protocol_tap_packet(struct protocol *protocol,
			 const struct packet_header *header,
			 const struct sk_buff *skb, u32 offset)
{
	const struct vns_frame frame = {
		.src_cid = header->src_cid,
		.dst_cid = header->dst_cid,
		.src_port = header->src_port,
		.dst_port = header->dst_port,
		.type = header->type,
		.op = header->op,
		.flags = header->flags,
		.len = header->len,
		.buf_alloc = header->buf_alloc,
		.fwd_cnt = header->fwd_cnt,
	};
	const u32 len = skb ? header->len : 0;
	struct sk_buff *copy;

	copy = vns_frame_alloc(len);
	if (!copy)
		return;
	if (len && copy_payload(copy, skb, offset)) {
		kfree_skb(copy);
		return;
	}
	vns_frame_deliver(guest_domain(protocol_guest(protocol)), &frame, copy);
}
