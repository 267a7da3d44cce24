/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A simulated guest over /dev/vhost-vsock: what a VMM does with ioctls, and the memory
 * and rings of a guest without a processor.  Packets and connections: guest_conn.h.
 */
#ifndef GUEST_SIM_H
#define GUEST_SIM_H

#include "guest_ring.h"

#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_vsock.h>
#include <sys/mman.h>
#include <sys/queue.h>

#define VHOST_DEVICE "/dev/vhost-vsock"

#ifndef VIRTIO_F_ACCESS_PLATFORM
#define VIRTIO_F_ACCESS_PLATFORM 33
#endif
#define BIT(n) (1ULL << (n))
#define SEQPACKET_FEATURE BIT(VIRTIO_VSOCK_F_SEQPACKET)
#define USUAL_FEATURES (BIT(VIRTIO_F_VERSION_1) | SEQPACKET_FEATURE)
#define EVENT_IDX BIT(VIRTIO_RING_F_EVENT_IDX)
#define INDIRECT_DESC BIT(VIRTIO_RING_F_INDIRECT_DESC)
#define ACCESS_PLATFORM BIT(VIRTIO_F_ACCESS_PLATFORM)
#define LOG_ALL BIT(VHOST_F_LOG_ALL)

#define HEADER_SIZE sizeof(struct virtio_vsock_hdr)
#define MAX_PAYLOAD 65536

/* Where its memory is for the guest, and what translation adds when there is one. */
#define GUEST_PHYS 0x100000ULL
#define GUEST_IOVA 0x7000000000ULL
#define GUEST_PAGE 4096ULL

enum guest_translation { NO_IOTLB, IOTLB_AT_ONCE, IOTLB_ON_DEMAND };

struct guest_config {
	unsigned int cid;
	/* A descriptor of the namespace that opens the device; 0: ours. */
	int ns;
	/* Beyond the usual ones; with EVENT_IDX or INDIRECT_DESC the rings make use of it. */
	uint64_t features;
	/* Instead of the usual ones. */
	uint64_t only_features;
	/* 64 buffers of 4 KiB + header, in one piece; 64 packets, header and payload apart. */
	unsigned int rx_count, rx_size, rx_parts;
	unsigned int tx_count, tx_parts;
	enum guest_translation iotlb;
	bool iotlb_v1;
	/* How many pieces SET_MEM_TABLE is told of. */
	unsigned int regions;
	size_t memory;
	/* Rings are set up, but the device is not told to run. */
	bool stopped;
};

struct packet {
	struct virtio_vsock_hdr hdr;
	/* What the device said that it wrote. */
	unsigned int written;
	STAILQ_ENTRY(packet) next;
	unsigned char data[];
};

struct guest {
	struct guest_config config;
	int fd;
	uint64_t features;
	unsigned char *memory;
	size_t size, used;
	uint64_t bias;
	struct queue queue[QUEUES];
	/* Received and not yet asked for. */
	STAILQ_HEAD(, packet) packets;
	/* Buffers are not given back. */
	bool hold;
	unsigned int next_port, misses;
};

/* ---- The device ---- */

/* 0 or an error. */
static TAP_UNUSED int device_ioctl(int fd, unsigned long request, const void *argument)
{
	return errno_of(ioctl(fd, request, argument));
}

static TAP_UNUSED int device_open_in(int ns)
{
	int here = ns_here();
	int fd;

	if (ns > 0)
		ns_enter(ns);
	fd = must(open(VHOST_DEVICE, O_RDWR | O_CLOEXEC));
	ns_enter(here);
	close(here);

	return fd;
}

static TAP_UNUSED int device_set_cid(int fd, uint64_t cid)
{
	return device_ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &cid);
}

static TAP_UNUSED int device_run(int fd, int on)
{
	return device_ioctl(fd, VHOST_VSOCK_SET_RUNNING, &on);
}

/* What is not expected to fail, named. */
#define guest_ioctl(g, request, argument) ({					\
	int guest_error = device_ioctl((g)->fd, request, argument);		\
	if (guest_error)							\
		bail_out("%s:%d: %s: %s", __FILE__, __LINE__, #request,		\
			 strerror(guest_error));				\
})

/* ---- Memory ---- */

static TAP_UNUSED uint64_t guest_address(struct guest *g, const void *pointer)
{
	return (uintptr_t)pointer + g->bias;
}

static TAP_UNUSED uint64_t guest_phys(struct guest *g, const void *pointer)
{
	return (const unsigned char *)pointer - g->memory + GUEST_PHYS;
}

static TAP_UNUSED void *guest_alloc(struct guest *g, size_t size)
{
	void *place = g->memory + g->used;

	g->used += (size + GUEST_PAGE - 1) & ~(GUEST_PAGE - 1);
	if (g->used > g->size)
		bail_out("the guest has too little memory");
	return place;
}

static TAP_UNUSED int guest_set_memory(struct guest *g, unsigned int regions)
{
	struct vhost_memory *table = calloc(1, sizeof(*table) + regions * sizeof(table->regions[0]));
	size_t share = g->size / regions & ~(GUEST_PAGE - 1);
	int err;

	table->nregions = regions;
	for (unsigned int i = 0; i < regions; i++) {
		table->regions[i].guest_phys_addr = GUEST_PHYS + i * share;
		table->regions[i].userspace_addr = (uintptr_t)g->memory + i * share;
		table->regions[i].memory_size = i == regions - 1 ? g->size - i * share : share;
	}
	err = device_ioctl(g->fd, VHOST_SET_MEM_TABLE, table);
	free(table);

	return err;
}

/* ---- Translation ---- */

/* 0 or an error. */
static TAP_UNUSED int guest_iotlb(struct guest *g, int type, uint64_t iova, uint64_t size, uint64_t uaddr, int perm)
{
	struct vhost_iotlb_msg message = { .iova = iova, .size = size, .uaddr = uaddr, .perm = perm, .type = type };
	struct vhost_msg_v2 v2 = { .type = VHOST_IOTLB_MSG_V2, .iotlb = message };
	struct vhost_msg v1 = { .type = VHOST_IOTLB_MSG, .iotlb = message };
	const void *sent = g->config.iotlb_v1 ? (const void *)&v1 : &v2;
	size_t len = g->config.iotlb_v1 ? sizeof(v1) : sizeof(v2);
	ssize_t n = write(g->fd, sent, len);

	return n < 0 ? errno : (size_t)n == len ? 0 : EIO;
}

static TAP_UNUSED int guest_map(struct guest *g, const void *pointer, size_t size)
{
	return guest_iotlb(g, VHOST_IOTLB_UPDATE, guest_address(g, pointer), size, (uintptr_t)pointer, VHOST_ACCESS_RW);
}

static TAP_UNUSED int guest_unmap(struct guest *g, const void *pointer, size_t size)
{
	return guest_iotlb(g, VHOST_IOTLB_INVALIDATE, guest_address(g, pointer), size, 0, 0);
}

/* Answers one question of the device, page by page. */
static TAP_UNUSED void guest_serve_miss(struct guest *g)
{
	struct vhost_iotlb_msg *message;
	struct vhost_msg_v2 v2;
	struct vhost_msg v1;
	unsigned char *page;
	ssize_t n;

	if (g->config.iotlb_v1) {
		n = read(g->fd, &v1, sizeof(v1));
		message = &v1.iotlb;
	} else {
		n = read(g->fd, &v2, sizeof(v2));
		message = &v2.iotlb;
	}
	if (n <= 0)
		return;
	if (message->type != VHOST_IOTLB_MISS)
		bail_out("the device asks with message %u", message->type);
	g->misses++;
	page = (unsigned char *)(uintptr_t)((message->iova - g->bias) & ~(GUEST_PAGE - 1));
	if (page < g->memory || page >= g->memory + g->size)
		return;
	must(-guest_map(g, page, GUEST_PAGE));
}

/* ---- Rings ---- */

static TAP_UNUSED uint64_t ring_user_address(struct guest *g, const void *pointer)
{
	return g->config.iotlb ? guest_address(g, pointer) : (uintptr_t)pointer;
}

static TAP_UNUSED int guest_set_ring_addresses(struct guest *g, unsigned int index, unsigned int flags)
{
	struct vring *ring = &g->queue[index].ring;
	struct vhost_vring_addr addr = {
		.index = index,
		.flags = flags,
		.desc_user_addr = ring_user_address(g, ring->desc),
		.avail_user_addr = ring_user_address(g, ring->avail),
		.used_user_addr = ring_user_address(g, ring->used),
		.log_guest_addr = guest_phys(g, ring->used),
	};

	return device_ioctl(g->fd, VHOST_SET_VRING_ADDR, &addr);
}

static TAP_UNUSED void guest_setup_queue(struct guest *g, unsigned int index, unsigned int count, unsigned int parts,
					 size_t slot_size)
{
	struct queue *q = &g->queue[index];
	struct vhost_vring_state state = { .index = index };
	struct vhost_vring_file file = { .index = index };
	unsigned int num;
	void *place;

	q->slot_count = count;
	q->slot_size = slot_size;
	q->parts = parts;
	q->writable = index == RX;
	q->bias = g->bias;
	q->event_idx = g->features & EVENT_IDX;
	q->indirect = g->features & INDIRECT_DESC;
	num = round_up_pow2(q->indirect ? count : count * parts);
	place = guest_alloc(g, vring_size(num, GUEST_PAGE));
	vring_init(&q->ring, num, place, GUEST_PAGE);
	q->avail_event = (void *)&q->ring.used->ring[num];
	q->used_event = (void *)&q->ring.avail->ring[num];
	if (q->indirect)
		q->tables = guest_alloc(g, count * parts * sizeof(struct vring_desc));
	q->slots = guest_alloc(g, count * slot_size);
	q->free_slots = calloc(count, sizeof(*q->free_slots));
	q->kick = must(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	q->call = must(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	q->err = must(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));

	if (g->config.iotlb == IOTLB_ON_DEMAND)
		must(-guest_map(g, place, (vring_size(num, GUEST_PAGE) + GUEST_PAGE - 1) & ~(GUEST_PAGE - 1)));
	state.num = num;
	guest_ioctl(g, VHOST_SET_VRING_NUM, &state);
	state.num = 0;
	guest_ioctl(g, VHOST_SET_VRING_BASE, &state);
	must(-guest_set_ring_addresses(g, index, 0));
	file.fd = q->kick;
	guest_ioctl(g, VHOST_SET_VRING_KICK, &file);
	file.fd = q->call;
	guest_ioctl(g, VHOST_SET_VRING_CALL, &file);
	file.fd = q->err;
	guest_ioctl(g, VHOST_SET_VRING_ERR, &file);
}

/* Gives a receive buffer to the device. */
static TAP_UNUSED void guest_post(struct guest *g, unsigned int slot)
{
	queue_push(&g->queue[RX], queue_head(&g->queue[RX], slot));
}

/* All of them, as a driver does when it starts. */
static TAP_UNUSED void guest_post_all(struct guest *g)
{
	struct queue *q = &g->queue[RX];

	for (unsigned int slot = 0; slot < q->slot_count; slot++) {
		queue_describe(q, slot, q->slot_size, 0);
		guest_post(g, slot);
	}
}

/* ---- All of it ---- */

static TAP_UNUSED struct guest *guest_create(const struct guest_config *config)
{
	struct guest *g = calloc(1, sizeof(*g));
	uint64_t backend = BIT(VHOST_BACKEND_F_IOTLB_MSG_V2), offered;
	struct queue *tx = &g->queue[TX];

	g->config = *config;
	STAILQ_INIT(&g->packets);
	g->next_port = 1024;
	g->size = config->memory ?: 64 << 20;
	g->memory = mmap(NULL, g->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (g->memory == MAP_FAILED)
		bail_out("no memory for a guest");
	g->bias = GUEST_PHYS + (config->iotlb ? GUEST_IOVA : 0) - (uintptr_t)g->memory;
	g->features = (config->only_features ?: USUAL_FEATURES) | config->features;
	if (config->iotlb)
		g->features |= ACCESS_PLATFORM;

	g->fd = device_open_in(config->ns);
	guest_ioctl(g, VHOST_SET_OWNER, NULL);
	guest_ioctl(g, VHOST_GET_FEATURES, &offered);
	if (g->features & ~offered)
		bail_out("the device does not offer %#llx", (unsigned long long)(g->features & ~offered));
	if (config->iotlb && !config->iotlb_v1)
		guest_ioctl(g, VHOST_SET_BACKEND_FEATURES, &backend);
	guest_ioctl(g, VHOST_SET_FEATURES, &g->features);
	must(-guest_set_memory(g, config->regions ?: 1));
	if (config->iotlb == IOTLB_AT_ONCE)
		must(-guest_map(g, g->memory, g->size));
	guest_setup_queue(g, RX, config->rx_count ?: 64, config->rx_parts ?: 1, config->rx_size ?: HEADER_SIZE + 4096);
	guest_setup_queue(g, TX, config->tx_count ?: 64, config->tx_parts ?: 2, HEADER_SIZE + MAX_PAYLOAD);
	for (unsigned int slot = 0; slot < tx->slot_count; slot++)
		tx->free_slots[tx->free_count++] = slot;
	guest_post_all(g);
	if (config->cid)
		must(-device_set_cid(g->fd, config->cid));
	if (!config->stopped)
		must(-device_run(g->fd, 1));
	queue_kick_always(&g->queue[RX]);

	return g;
}

/* guest_new(.cid = 42, .rx_size = 100) */
#define guest_new(...) guest_create(&(struct guest_config) { __VA_ARGS__ })

/* The VMM is gone; what the guest had received stays. */
static TAP_UNUSED void guest_close_device(struct guest *g)
{
	if (g->fd >= 0)
		close(g->fd);
	g->fd = -1;
}

static TAP_UNUSED void guest_free(struct guest *g)
{
	struct packet *p;

	guest_close_device(g);
	while ((p = STAILQ_FIRST(&g->packets))) {
		STAILQ_REMOVE_HEAD(&g->packets, next);
		free(p);
	}
	for (int i = 0; i < QUEUES; i++) {
		close(g->queue[i].kick);
		close(g->queue[i].call);
		close(g->queue[i].err);
		free(g->queue[i].free_slots);
	}
	munmap(g->memory, g->size);
	free(g);
}

/* ---- Waiting: for a descriptor, while the guest answers what the device asks ---- */

/* True once @fd has one of @events. */
static TAP_UNUSED bool guest_poll(struct guest *g, int fd, int events, int ms)
{
	struct pollfd p[2] = {
		{ .fd = fd, .events = events },
		{ .fd = g->config.iotlb == IOTLB_ON_DEMAND ? g->fd : -1, .events = POLLIN },
	};
	long long end = now_ms() + ms;

	do {
		long long left = end - now_ms();

		must(poll(p, 2, left > 0 ? left : 0));
		if (p[1].revents & POLLIN)
			guest_serve_miss(g);
		if (p[0].revents)
			return true;
	} while (now_ms() < end);
	return false;
}

/* Until something came back on a ring, or a socket has one of @events: false when neither is so. */
static TAP_UNUSED bool guest_wait_either(struct guest *g, int index, int fd, int events, int ms)
{
	struct queue *q = &g->queue[index];
	struct pollfd p[3] = {
		{ .fd = q->call, .events = POLLIN },
		{ .fd = g->config.iotlb == IOTLB_ON_DEMAND ? g->fd : -1, .events = POLLIN },
		{ .fd = fd, .events = events },
	};
	long long end = now_ms() + ms;

	while (!queue_arm(q)) {
		long long left = end - now_ms();

		must(poll(p, ARRAY_SIZE(p), left > 0 ? left : 0));
		if (p[1].revents & POLLIN)
			guest_serve_miss(g);
		if (p[0].revents)
			queue_called(q);
		if (p[2].revents)
			return true;
		if (left <= 0)
			return queue_ready(q);
	}
	return true;
}

/* True once something came back on a ring. */
static TAP_UNUSED bool guest_wait(struct guest *g, int index, int ms)
{
	return guest_wait_either(g, index, -1, 0, ms);
}

#endif
