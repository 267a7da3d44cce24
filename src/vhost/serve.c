// SPDX-License-Identifier: GPL-2.0-only
/*
 * A turn of a guest's thread: packets from the transmit ring to the protocol, and
 * from the protocol into the receive ring; a bounded number, and one notification
 * for all of them.
 */
#include <linux/errno.h>
#include <linux/eventfd.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/uio.h>

#include "ring/header.h"
#include "vhost/device.h"

/* Buffers, and bytes in them, in one turn at most. */
#define TURN_BUFFERS	256
#define TURN_BYTES	(512 * 1024)

/**
 * struct turn - one ring's share of a turn
 * @buffers: done so far
 * @bytes: in these
 */
struct turn {
	unsigned int buffers;
	size_t bytes;
};

static bool turn_is_over(const struct turn *turn)
{
	return turn->buffers >= TURN_BUFFERS || turn->bytes >= TURN_BYTES;
}

/* Not often for one guest, nor for all: a device may be opened anew for each message. */
static void tell_of_drop(struct guest *guest, const char *why)
{
	if (READ_ONCE(guest->closing) || !__ratelimit(&guest->dropped))
		return;
	pr_warn_ratelimited("vhost_vsock: guest with CID %u: packet dropped, %s; update the guest's kernel\n",
			    guest_cid(guest), why);
}

/* A buffer and its size count, so that empty ones do not come for free. */
static void give_back(struct guest_ring *ring, const struct vring_chain *chain,
		      u32 len, struct turn *turn)
{
	vring_put(&ring->vring, chain, len);
	turn->buffers++;
	turn->bytes += chain->out_len + len;
}

/*
 * The next buffer that the driver made available; when there is none it is asked
 * to tell of one.  1, 0 or a negative errno.
 */
static int next_buffer(struct guest *guest, struct guest_ring *ring)
{
	int ret;

	for (;;) {
		ret = vring_next(&ring->vring, &guest->chain);
		if (ret)
			return ret;
		ret = vring_enable_kick(&ring->vring);
		if (ret <= 0)
			return ret;
		ret = vring_disable_kick(&ring->vring);
		if (ret < 0)
			return ret;
	}
}

/* The end of a ring's share, which came for the reason @err if that is negative. */
static void end_turn(struct guest *guest, struct guest_ring *ring,
		     const struct turn *turn, int err)
{
	int ret = vring_flush(&ring->vring);

	if (ret > 0 && ring->call)
		eventfd_signal(ring->call);
	if (turn->buffers && guest->log_event && guest->memory.log)
		eventfd_signal(guest->log_event);
	if (err >= 0)
		err = ret;
	/* What misses a translation goes on when that comes. */
	if (err < 0 && err != -EAGAIN)
		guest_break(guest, ring, err);
}

/* The packet in the buffer, if it is one, is the protocol's. */
static void take_packet(struct guest *guest)
{
	const struct vring_chain *chain = &guest->chain;
	struct packet_header header;
	u8 wire[PACKET_HEADER_LEN];
	struct iov_iter iter;

	if (chain->in_segments || chain->out_len < sizeof(wire)) {
		tell_of_drop(guest, "its buffer holds no header");
		return;
	}
	iov_iter_init(&iter, WRITE, chain->segment, chain->out_segments,
		      chain->out_len);
	if (!copy_from_iter_full(wire, sizeof(wire), &iter)) {
		tell_of_drop(guest, "its buffer cannot be read");
		return;
	}
	if (packet_header_parse(&header, wire, iov_iter_count(&iter))) {
		tell_of_drop(guest, "its header is wrong");
		return;
	}
	iov_iter_truncate(&iter, header.len);
	if (protocol_receive(&guest->protocol, &header, &iter))
		tell_of_drop(guest, "its buffer cannot be read");
}

/* From the guest.  Returns what is due afterwards. */
static int serve_transmit(struct guest *guest)
{
	struct guest_ring *ring = &guest->ring[RING_TX];
	struct turn turn = {};
	int ret;

	guest->held_back = false;
	ret = vring_disable_kick(&ring->vring);
	while (!ret && !turn_is_over(&turn)) {
		/* Whose answers wait for room gets no more of them. */
		if (!protocol_may_receive(&guest->protocol)) {
			guest->held_back = true;
			break;
		}
		ret = next_buffer(guest, ring);
		if (ret <= 0)
			break;
		ret = 0;
		take_packet(guest);
		give_back(ring, &guest->chain, 0, &turn);
	}
	end_turn(guest, ring, &turn, ret);

	return turn_is_over(&turn) ? DUE_TX : 0;
}

/*
 * Fills the buffer with a packet.  Bytes of it, 0 when there is none, -EINVAL when
 * the buffer cannot take one.
 */
static int fill_buffer(struct guest *guest)
{
	const struct vring_chain *chain = &guest->chain;
	const struct iovec *segment = chain->segment + chain->out_segments;
	struct packet_header header;
	u8 wire[PACKET_HEADER_LEN];
	struct iov_iter iter, room;
	int ret;

	if (chain->out_segments || chain->in_len < sizeof(wire))
		return -EINVAL;
	iov_iter_init(&iter, READ, segment, chain->in_segments, chain->in_len);
	room = iter;
	iov_iter_advance(&room, sizeof(wire));
	ret = protocol_send(&guest->protocol, &header, &room);
	if (ret <= 0)
		return ret ? -EINVAL : 0;

	packet_header_write(&header, wire);
	if (copy_to_iter(wire, sizeof(wire), &iter) != sizeof(wire))
		return -EFAULT;

	return sizeof(wire) + header.len;
}

/* To the guest.  Returns what is due afterwards. */
static int serve_receive(struct guest *guest)
{
	struct guest_ring *ring = &guest->ring[RING_RX];
	struct turn turn = {};
	int ret, len;

	/* With nothing to send, new buffers need no notification. */
	ret = vring_disable_kick(&ring->vring);
	while (!ret && !turn_is_over(&turn) &&
	       protocol_may_send(&guest->protocol)) {
		ret = next_buffer(guest, ring);
		if (ret <= 0)
			break;
		ret = 0;
		len = fill_buffer(guest);
		if (!len) {
			vring_undo_next(&ring->vring);
			break;
		}
		if (len == -EINVAL)
			tell_of_drop(guest, "a receive buffer is too small or cannot be written");
		else if (len < 0)
			ret = len;
		give_back(ring, &guest->chain, max(len, 0), &turn);
	}
	end_turn(guest, ring, &turn, ret);

	return turn_is_over(&turn) ? DUE_RX : 0;
}

/* With an IOMMU a ring may start late.  True when both are there. */
static bool rings_have_started(struct guest *guest)
{
	int i, err;

	for (i = 0; i < RING_COUNT; i++) {
		struct guest_ring *ring = &guest->ring[i];

		if (likely(ring->started))
			continue;
		err = vring_start(&ring->vring);
		if (err && err != -EAGAIN)
			guest_break(guest, ring, err);
		if (err)
			return false;
		ring->started = true;
	}

	return true;
}

/**
 * guest_serve() - one turn of work
 * @guest: the guest, its turn held
 * @due: DUE_*, the rings to look at
 *
 * Context: the guest's thread; may sleep for the guest's memory.
 * Return: DUE_*, the rings to look at again.
 */
int guest_serve(struct guest *guest, int due)
{
	int again = 0;

	lockdep_assert_held(&guest->turn);
	if (!guest->running)
		return 0;
	if (unlikely(!rings_have_started(guest)))
		return 0;

	if (due & DUE_TX)
		again |= serve_transmit(guest);
	/* Always: what came may have to be answered. */
	if (guest->running)
		again |= serve_receive(guest);
	if (guest->held_back && protocol_may_receive(&guest->protocol))
		again |= DUE_TX;

	return guest->running ? again : 0;
}
