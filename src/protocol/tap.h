/* SPDX-License-Identifier: GPL-2.0-only */
/* What vsockmon shows of a guest's packets. */
#ifndef VNS_PROTOCOL_TAP_H
#define VNS_PROTOCOL_TAP_H

#include "vhost/guest.h"

/* Does somebody watch the guest's domain?  Cheap when nobody does. */
static inline bool protocol_tap_wanted(struct protocol *protocol)
{
	return vns_tap_any() &&
	       vns_tap_wanted(guest_domain(protocol_guest(protocol)));
}

void protocol_tap_packet(struct protocol *protocol,
			 const struct packet_header *header,
			 const struct sk_buff *skb, u32 offset);

/* A packet without payload. */
static inline void protocol_tap(struct protocol *protocol,
				const struct packet_header *header)
{
	if (unlikely(protocol_tap_wanted(protocol)))
		protocol_tap_packet(protocol, header, NULL, 0);
}

/* A packet whose payload is in @skb, from @offset on. */
static inline void protocol_tap_payload(struct protocol *protocol,
					const struct packet_header *header,
					const struct sk_buff *skb, u32 offset)
{
	if (unlikely(protocol_tap_wanted(protocol)))
		protocol_tap_packet(protocol, header, skb, offset);
}

#endif /* VNS_PROTOCOL_TAP_H */
