/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet protocol of the socket device (virtio specification 5.10.6):
 * what the guest's thread calls.
 */
#ifndef VNS_PROTOCOL_H
#define VNS_PROTOCOL_H

#include <linux/list.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <linux/uio.h>
#include <linux/workqueue.h>

#include "ring/header.h"

/* RSTs that wait to be sent and are no connection's any more, at most. */
#define PROTOCOL_MAX_REFUSALS	64

/**
 * struct refusal - a RST for a packet that belongs to no connection, or ended it
 * @guest_port: of the packet
 * @host_port: of the packet
 * @buf_alloc: the credit of the connection, 0 without one
 * @fwd_cnt: likewise
 * @type: of the packet
 * @turn: protocol.next_turn when it came
 */
struct refusal {
	u32 guest_port;
	u32 host_port;
	u32 buf_alloc;
	u32 fwd_cnt;
	u16 type;
	u64 turn;
};

/**
 * struct protocol - a guest's connections, and what waits to be sent to it
 * @lock: protects the members up to @linger_work, and in each connection what
 *	its comment says.  Taken inside of a connection's lock; process context.
 * @table: connections by their ports; looked up under RCU too
 * @open: connections that have a socket
 * @lingering: those that have none any more, by deadline
 * @lingering_count: how many these are
 * @lingering_bytes: what they still had to send when they began to
 * @resetting: those of which nothing is left but a RST to be sent, by deadline
 * @resetting_count: how many these are
 * @ready: connections that have something to send, by turn
 * @next_turn: for the next that is added there
 * @linger_work: ends lingering that took too long
 * @refusals: a ring of answers; used by the guest's thread only
 * @refusals_first: the oldest of them; likewise
 * @refusals_count: how many wait; likewise
 */
struct protocol {
	spinlock_t lock;
	struct rhashtable table;
	struct list_head open;
	struct list_head lingering;
	u32 lingering_count;
	u64 lingering_bytes;
	struct list_head resetting;
	u32 resetting_count;
	struct list_head ready;
	u64 next_turn;
	struct delayed_work linger_work;
	struct refusal refusals[PROTOCOL_MAX_REFUSALS];
	unsigned int refusals_first;
	unsigned int refusals_count;
};

int protocol_init(struct protocol *protocol);
void protocol_destroy(struct protocol *protocol);
void protocol_reset(struct protocol *protocol, int err);

bool protocol_may_receive(struct protocol *protocol);
int protocol_receive(struct protocol *protocol,
		     const struct packet_header *header,
		     struct iov_iter *payload);

bool protocol_may_send(struct protocol *protocol);
int protocol_send(struct protocol *protocol, struct packet_header *header,
		  struct iov_iter *room);

/* transport.c */
int protocol_register(void);
void protocol_unregister(void);

/*
 * What src/vhost has to provide for, besides what is in vhost/guest.h:
 *
 * - protocol_receive(), protocol_send() and the two protocol_may_...() are called
 *   by the guest's thread only, one at a time, with the guest's memory in use.
 * - protocol_receive() may sleep.  -EFAULT: the payload could not be read; the
 *   connection was reset, nothing is left to be done for this packet.
 * - protocol_send() fills @header and as much of @room as @header->len says.  1
 *   when it did, 0 when nothing waits any more; -EFAULT when @room could not be
 *   written or has no byte of room and what waits has payload: nothing was
 *   taken, the buffer is still the caller's.
 * - protocol_reset() ends every connection and may be called in any state, by any
 *   process, while the guest's thread does not serve.  It catches all connections
 *   for good when guest_is_running() says false already, and all with an old CID
 *   when guest_cid() says another.
 * - protocol_destroy() is called once, when the file is released: after
 *   guest_is_running() says false and the thread has ended.  Sockets may still
 *   hold references on the guest (guest_get()) then: its memory with this
 *   struct in it has to last until guest_put() drops the last one.  Nothing asks
 *   for guest_domain() then, so the guest's namespace need not.
 * - guest_put() and guest_wake() are called in any process context, also with a
 *   spinlock held; guest_find() and guest_exists() under RCU.
 */

#endif /* VNS_PROTOCOL_H */
