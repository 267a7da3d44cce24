// SPDX-License-Identifier: GPL-2.0-only
/*
 * The eventfds that the driver's notifications come through (in a virtual
 * machine KVM signals them, so no process runs for that).
 *
 * Nobody reads them: that a signal came is all there is to know.  So instead of
 * a thread that polls, an entry in the eventfd's wait queue wakes the guest's.
 */
#include <linux/errno.h>
#include <linux/file.h>
#include <linux/poll.h>

#include "vhost/device.h"

/* Context: the eventfd's lock is held, interrupts are off. */
static int kick_wake(wait_queue_entry_t *entry, unsigned int mode, int sync,
		     void *key)
{
	struct kick *kick = container_of(entry, struct kick, entry);

	if (key_to_poll(key) & EPOLLIN)
		guest_due(kick->guest, BIT(kick->ring));

	return 0;
}

static void kick_queue(struct file *file, wait_queue_head_t *queue,
		       poll_table *table)
{
	struct kick *kick = container_of(table, struct kick, table);

	kick->queue = queue;
	add_wait_queue(queue, &kick->entry);
}

/**
 * kick_init() - no eventfd yet
 * @kick: what to prepare
 * @guest: whose it is
 * @ring: index of the ring
 */
void kick_init(struct kick *kick, struct guest *guest, int ring)
{
	kick->guest = guest;
	kick->ring = ring;
	init_waitqueue_func_entry(&kick->entry, kick_wake);
	init_poll_funcptr(&kick->table, kick_queue);
}

/**
 * kick_set() - listen to an eventfd, or to none
 * @kick: the kick; calls for one are serialised
 * @file: the eventfd, with a reference that is taken over, or NULL
 *
 * When this returns the old one wakes nobody any more.
 *
 * Context: may sleep.
 * Return: 0, or -EINVAL when @file cannot be listened to; the kick has none then.
 */
int kick_set(struct kick *kick, struct file *file)
{
	__poll_t events;

	if (kick->queue)
		remove_wait_queue(kick->queue, &kick->entry);
	if (kick->file)
		fput(kick->file);
	kick->queue = NULL;
	kick->file = file;
	if (!file)
		return 0;

	events = vfs_poll(file, &kick->table);
	if (!kick->queue || (events & EPOLLERR)) {
		kick_set(kick, NULL);
		return -EINVAL;
	}
	/* It was signalled before we came. */
	if (events & EPOLLIN)
		guest_due(kick->guest, BIT(kick->ring));

	return 0;
}
