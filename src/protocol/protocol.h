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

#include "ring/header.h"

/**
 * struct protocol - a guest's connections, and what waits to be sent to it
 */
struct protocol {
	/* The owner of src/protocol fills this in; part of struct guest. */
	spinlock_t lock;
};

int protocol_init(struct protocol *protocol);
void protocol_destroy(struct protocol *protocol);

/* The guest is gone or starts anew: its connections are reset (ECONNRESET), pending connects fail at once. */
void protocol_reset(struct protocol *protocol);

/* Guest to host.  May more packets be taken from the guest, or must what waits for it be sent first? */
bool protocol_may_receive(struct protocol *protocol);
/* One packet, its header checked by packet_header_parse(); @payload holds header->len bytes. */
void protocol_receive(struct protocol *protocol,
		      const struct packet_header *header,
		      struct iov_iter *payload);

/* Host to guest.  Does something wait to be sent? */
bool protocol_may_send(struct protocol *protocol);
/*
 * Fills one buffer of the guest's.  @room takes the payload, as much as fits; a
 * packet is split when it does not.  1, 0 when nothing waits any more, or -EFAULT when the guest's memory is bad (what was to be
 * sent is then kept for the next buffer, or its connection is reset).
 */
int protocol_send(struct protocol *protocol, struct packet_header *header,
		  struct iov_iter *room);

/* transport.c */
int protocol_register(void);
void protocol_unregister(void);

#endif /* VNS_PROTOCOL_H */
