/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's half of a split virtqueue: slots of equal size, each one descriptor, a
 * chain or an indirect table; what was made available, and what came back.  A test
 * that wants a broken ring writes into queue.ring itself.
 */
#ifndef GUEST_RING_H
#define GUEST_RING_H

#include "vsock_test.h"

#include <linux/virtio_ring.h>
#include <sys/eventfd.h>

/* As the device counts them: 0 host to guest, 1 guest to host. */
enum { RX, TX, QUEUES };

struct queue {
	struct vring ring;
	/* Behind the two rings: up to where each side wants no word of the other. */
	volatile uint16_t *avail_event, *used_event;
	/* Where the device finds the guest's memory: add to a pointer of ours. */
	uint64_t bias;
	struct vring_desc *tables;
	unsigned char *slots;
	size_t slot_size;
	unsigned int slot_count, parts;
	bool indirect, event_idx, writable;
	uint16_t made, seen, told;
	unsigned int *free_slots, free_count;
	/* How often each told the other. */
	unsigned long kicks, calls;
	int kick, call, err;
};

static TAP_UNUSED unsigned int round_up_pow2(unsigned int n)
{
	unsigned int power = 1;

	while (power < n)
		power *= 2;
	return power;
}

static TAP_UNUSED unsigned char *queue_slot(struct queue *q, unsigned int slot)
{
	return q->slots + slot * q->slot_size;
}

/* The head of a slot, and the first of its descriptors. */
static TAP_UNUSED unsigned int queue_head(struct queue *q, unsigned int slot)
{
	return q->indirect ? slot : slot * q->parts;
}

static TAP_UNUSED struct vring_desc *queue_descs(struct queue *q, unsigned int slot)
{
	return q->indirect ? q->tables + slot * q->parts : q->ring.desc + slot * q->parts;
}

static TAP_UNUSED uint64_t queue_address(struct queue *q, const void *pointer)
{
	return (uintptr_t)pointer + q->bias;
}

/* Descriptors of a slot's first @len bytes: a first of @first bytes (0: an equal share), then equal shares. */
static TAP_UNUSED void queue_describe(struct queue *q, unsigned int slot, size_t len, size_t first)
{
	struct vring_desc *desc = queue_descs(q, slot);
	unsigned char *place = queue_slot(q, slot);
	unsigned int base = q->indirect ? 0 : slot * q->parts;
	unsigned int parts = q->parts, i;
	size_t share;

	if (parts > len)
		parts = len ?: 1;
	if (!first || first >= len)
		first = parts > 1 && first >= len ? len : len / parts;
	if (first == len)
		parts = 1;
	share = parts > 1 ? (len - first) / (parts - 1) : 0;
	for (i = 0; i < parts; i++) {
		size_t size = !i ? first : i == parts - 1 ? len - first - share * (parts - 2) : share;

		if (parts == 1)
			size = len;
		desc[i].addr = queue_address(q, place);
		desc[i].len = size;
		desc[i].flags = (q->writable ? VRING_DESC_F_WRITE : 0) | (i < parts - 1 ? VRING_DESC_F_NEXT : 0);
		desc[i].next = base + i + 1;
		place += size;
	}
	if (q->indirect) {
		q->ring.desc[slot].addr = queue_address(q, desc);
		q->ring.desc[slot].len = parts * sizeof(*desc);
		q->ring.desc[slot].flags = VRING_DESC_F_INDIRECT;
	}
}

/* Makes a head available; the device is told by queue_kick(). */
static TAP_UNUSED void queue_push(struct queue *q, unsigned int head)
{
	q->ring.avail->ring[q->made % q->ring.num] = head;
	q->made++;
	__atomic_store_n(&q->ring.avail->idx, q->made, __ATOMIC_RELEASE);
}

static TAP_UNUSED void queue_kick_always(struct queue *q)
{
	q->told = q->made;
	q->kicks++;
	must(eventfd_write(q->kick, 1));
}

/* Unless the device said that it looks by itself. */
static TAP_UNUSED void queue_kick(struct queue *q)
{
	bool wanted;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (q->made == q->told)
		return;
	if (q->event_idx)
		wanted = vring_need_event(*q->avail_event, q->made, q->told);
	else
		wanted = !(__atomic_load_n(&q->ring.used->flags, __ATOMIC_RELAXED) & VRING_USED_F_NO_NOTIFY);
	if (wanted)
		queue_kick_always(q);
	q->told = q->made;
}

static TAP_UNUSED bool queue_ready(struct queue *q)
{
	return __atomic_load_n(&q->ring.used->idx, __ATOMIC_ACQUIRE) != q->seen;
}

/* Asks to be called for what comes next; true when it is there already. */
static TAP_UNUSED bool queue_arm(struct queue *q)
{
	if (q->event_idx)
		*q->used_event = q->seen;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return queue_ready(q);
}

/* The next slot that came back and how much the device says it wrote; false when there is none. */
static TAP_UNUSED bool queue_take(struct queue *q, unsigned int *slot, unsigned int *len)
{
	struct vring_used_elem *used;

	if (!queue_ready(q))
		return false;
	used = &q->ring.used->ring[q->seen % q->ring.num];
	*slot = q->indirect ? used->id : used->id / q->parts;
	*len = used->len;
	if (*slot >= q->slot_count)
		bail_out("the device returns %u, which it was not given", used->id);
	q->seen++;
	return true;
}

static TAP_UNUSED void queue_called(struct queue *q)
{
	eventfd_t count;

	if (!eventfd_read(q->call, &count))
		q->calls++;
}

#endif
