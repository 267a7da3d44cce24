// SPDX-License-Identifier: GPL-2.0-only
/* A guest starts and stops, by the process's will or by its own fault. */
#include <linux/errno.h>
#include <linux/eventfd.h>
#include <linux/printk.h>

#include "vhost/device.h"

static int check_rings(struct guest *guest)
{
	int i, err = 0;

	for (i = 0; i < RING_COUNT && !err; i++)
		err = guest_memory_check_ring(&guest->memory,
					      &guest->ring[i].vring);

	return err;
}

/**
 * guest_start() - the rings are served from now on
 * @guest: the guest, its turn held; in its owner's memory
 *
 * Context: may sleep.
 * Return: 0, also when they are served already; -EFAULT when the rings are where
 *	no memory is.
 */
int guest_start(struct guest *guest)
{
	int i, err;

	lockdep_assert_held(&guest->turn);
	if (guest->running)
		return 0;
	if (check_rings(guest))
		return -EFAULT;

	for (i = 0; i < RING_COUNT; i++) {
		err = vring_start(&guest->ring[i].vring);
		/* A translation that is missing now may come later. */
		if (err && err != -EAGAIN)
			return -EFAULT;
		guest->ring[i].started = !err;
	}
	guest->held_back = false;
	WRITE_ONCE(guest->running, true);
	guest_due(guest, DUE_ALL);

	return 0;
}

/**
 * guest_stop() - the rings are not served any more
 * @guest: the guest, its turn held
 *
 * Its connections stay: it may be paused, or moved to another machine.
 */
void guest_stop(struct guest *guest)
{
	lockdep_assert_held(&guest->turn);
	WRITE_ONCE(guest->running, false);
}

/**
 * guest_end() - forget all that an owner set up
 * @guest: the guest, with an owner or not; nobody else sets it up
 *
 * Its connections are reset.  What stays is the CID.
 *
 * Context: may sleep.
 */
void guest_end(struct guest *guest)
{
	guest_thread_end(guest);

	mutex_lock(&guest->turn);
	guest_stop(guest);
	WRITE_ONCE(guest->features, 0);
	WRITE_ONCE(guest->backend_features, 0);
	guest_rings_forget(guest);
	guest_memory_destroy(&guest->memory);
	guest_iotlb_forget(guest);
	mutex_unlock(&guest->turn);

	protocol_reset(&guest->protocol, ECONNRESET);
}

static const char *fault_name(int err)
{
	return err == -EFAULT ? "is not in its memory" : "breaks the rules";
}

/**
 * guest_break() - a ring cannot be used any more
 * @guest: the guest, its turn held
 * @ring: the ring
 * @err: why
 *
 * This guest stops and its connections are reset; nobody else notices.
 *
 * Context: the guest's thread; may sleep.
 */
void guest_break(struct guest *guest, struct guest_ring *ring, int err)
{
	lockdep_assert_held(&guest->turn);
	guest_stop(guest);
	if (READ_ONCE(guest->closing))
		return;

	protocol_reset(&guest->protocol, ECONNRESET);
	if (ring->error)
		eventfd_signal(ring->error);
	pr_err_ratelimited("vhost_vsock: guest with CID %u stopped: what its driver put into the %s ring %s; restart the guest, update its kernel if it does that again\n",
			   guest_cid(guest),
			   ring == &guest->ring[RING_TX] ? "transmit" : "receive",
			   fault_name(err));
}
