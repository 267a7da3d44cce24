// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests that send random packets and break their rings at random, while the host's side
 * makes random calls on sockets that talk to them.  RANDOM_SECONDS says how long,
 * RANDOM_SEED repeats a run.
 *
 * What must hold is that the host lives, that a guest that behaves is served all the time,
 * and that all works afterwards.  Whether an answer is right is for other tests.
 */
#include "guest_pump.h"
#include "random.h"

#define GUESTS 4
#define SOCKETS 24
#define PORT 3000
#define PORTS 4

/* Edges of numbers more often than what is between them. */
static uint32_t rnd_number(void)
{
	static const uint32_t edges[] = { 0, 1, 2, 3, 44, 4095, 4096, 65535, 65536, 65537, 0x7fffffff, 0x80000000, 0xffffffff };

	return one_in(3) ? rnd64() : pick(edges);
}

/* ---- The guests ---- */

static struct guest *guests[GUESTS], *good;
static struct conn good_conn;
static int good_fd, listeners[2 * PORTS], sockets[SOCKETS];
/* What was last seen of connections, so that packets often fit one. */
static struct virtio_vsock_hdr seen[GUESTS][16];
static unsigned long packets, replies, restarts, calls, broken, stalls;
static unsigned char data[70000];

static void start(int n)
{
	static const uint64_t features[] = { 0, EVENT_IDX, INDIRECT_DESC, EVENT_IDX | INDIRECT_DESC };
	static const unsigned int sizes[] = { 45, 100, 1000, 4096, 4140, 65580 };
	struct guest_config config = {
		.cid = 100 + n, .ns = n ? ns_fd[rnd(NS_COUNT)] : 0, .features = pick(features), .rx_size = pick(sizes),
		.rx_count = 1 + rnd(32), .rx_parts = 1 + rnd(4), .tx_count = 8, .tx_parts = 1 + rnd(4),
		.iotlb = one_in(4) ? IOTLB_ON_DEMAND : NO_IOTLB, .memory = 8 << 20, .regions = 1 + rnd(4),
	};

	if (guests[n])
		guest_free(guests[n]);
	guests[n] = guest_create(&config);
	memset(seen[n], 0, sizeof(seen[n]));
	restarts++;
}

static struct virtio_vsock_hdr rnd_header(int n)
{
	struct virtio_vsock_hdr hdr = {
		.src_cid = 100 + n, .dst_cid = VMADDR_CID_HOST, .type = 1 + rnd(2), .op = 1 + rnd(7),
		.src_port = 2000 + rnd(6), .dst_port = PORT + rnd(PORTS), .buf_alloc = one_in(4) ? rnd_number() : 65536,
		.len = one_in(3) ? rnd(70000) : rnd(200), .flags = rnd(4),
	};
	const struct virtio_vsock_hdr *old = &pick(seen[n]);

	if (old->src_port && !one_in(4)) {
		hdr.src_port = old->dst_port;
		hdr.dst_port = old->src_port;
		hdr.type = old->type;
		if (old->op == OP_REQUEST && !one_in(4))
			hdr.op = OP_RESPONSE;
	}
	if (hdr.op != OP_RW && !one_in(8))
		hdr.len = 0;
	hdr.fwd_cnt = one_in(2) ? rnd_number() : rnd(1000);
	switch (rnd(40)) {
	case 0:
		hdr.src_cid = rnd64() >> rnd(64);
		break;
	case 1:
		hdr.dst_cid = rnd64() >> rnd(64);
		break;
	case 2:
		hdr.type = rnd_number();
		break;
	case 3:
		hdr.op = rnd_number();
		break;
	case 4:
		hdr.len = rnd_number();
		break;
	case 5:
		hdr.flags = rnd_number();
		break;
	}
	return hdr;
}

/* Anything in its memory that the device reads, or its ring's index. */
static void break_something(int n)
{
	struct queue *q = &guests[n]->queue[rnd(QUEUES)];
	struct vring_desc *desc = queue_descs(q, rnd(q->slot_count)) + rnd(q->parts);

	broken++;
	switch (rnd(7)) {
	case 0:
		desc->addr = one_in(2) ? rnd64() : desc->addr + rnd_number();
		break;
	case 1:
		desc->len = rnd_number();
		break;
	case 2:
		desc->flags ^= 1 << rnd(4);
		break;
	case 3:
		desc->next = rnd_number();
		break;
	case 4:
		q->ring.avail->ring[rnd(q->ring.num)] = rnd_number();
		break;
	case 5:
		q->ring.desc[rnd(q->ring.num)].flags ^= 1 << rnd(4);
		break;
	case 6:
		q->made += rnd(4);
		break;
	}
	queue_kick_always(q);
}

/* As guest_receive(), for a guest that may have broken its ring itself. */
static void listen_to(int n)
{
	struct guest *g = guests[n];
	struct queue *q = &g->queue[RX];
	struct virtio_vsock_hdr hdr;

	while (queue_ready(q)) {
		struct vring_used_elem *used = &q->ring.used->ring[q->seen % q->ring.num];
		unsigned int slot = q->indirect ? used->id : used->id / q->parts;

		q->seen++;
		replies++;
		if (slot >= q->slot_count)
			continue;
		memcpy(&hdr, queue_slot(q, slot), HEADER_SIZE);
		pick(seen[n]) = hdr;
		if (!one_in(50))
			guest_post(g, slot);
	}
	queue_kick(q);
}

static void send_packet(int n)
{
	struct guest *g = guests[n];
	struct queue *q = &g->queue[TX];
	struct virtio_vsock_hdr hdr = rnd_header(n);

	while (queue_ready(q)) {
		struct vring_used_elem *used = &q->ring.used->ring[q->seen % q->ring.num];
		unsigned int slot = q->indirect ? used->id : used->id / q->parts;

		q->seen++;
		if (slot < q->slot_count && q->free_count < q->slot_count)
			q->free_slots[q->free_count++] = slot;
	}
	if (!q->free_count) {
		struct pollfd p[2] = { { .fd = q->call, .events = POLLIN }, { .fd = g->fd, .events = POLLIN } };

		if (queue_arm(q))
			return;
		if (poll(p, g->config.iotlb ? 2 : 1, 100) > 0) {
			if (p[1].revents)
				guest_serve_miss(g);
			if (p[0].revents)
				queue_called(q);
		} else {
			/* Its own fault, or nobody takes what it should be answered. */
			stalls++;
			start(n);
		}
		return;
	}
	guest_enqueue(g, &hdr, data, hdr.len > sizeof(data) || one_in(20) ? rnd(MAX_PAYLOAD) : hdr.len > MAX_PAYLOAD ? 0 : hdr.len);
	queue_kick(q);
	packets++;
}

/* ---- The host's side: nothing waits ---- */

static void host_call(void)
{
	int *fd = &sockets[rnd(SOCKETS)];
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };

	calls++;
	if (*fd < 0) {
		if (one_in(2)) {
			*fd = accept4(listeners[rnd(2 * PORTS)], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		} else {
			*fd = vm_socket_in(ns_fd[rnd(NS_COUNT)], pick(types));
			set_nonblock(*fd, true);
			vm_connect(*fd, 100 + rnd(GUESTS), 2000 + rnd(6));
		}
		return;
	}
	switch (rnd(10)) {
	case 0:
	case 1:
	case 2:
		send(*fd, data, one_in(3) ? rnd(sizeof(data)) : rnd(100), MSG_DONTWAIT | (one_in(4) ? MSG_EOR : 0));
		break;
	case 3:
	case 4:
	case 5:
		recv(*fd, data, rnd(sizeof(data)), MSG_DONTWAIT | (one_in(8) ? MSG_PEEK : 0));
		break;
	case 6:
		set_buffer(*fd, SO_VM_SOCKETS_BUFFER_SIZE, rnd_number());
		break;
	case 7:
		if (one_in(3))
			shutdown(*fd, rnd(3));
		break;
	default:
		if (one_in(3)) {
			close(*fd);
			*fd = -1;
		}
	}
}

static void host_setup(void)
{
	for (int i = 0; i < 2 * PORTS; i++) {
		/* Of both kinds, and in several namespaces. */
		listeners[i] = vm_socket_in(ns_fd[i < PORTS ? NS_INIT : NS_LA], i % 2 ? SOCK_STREAM : SOCK_SEQPACKET);
		set_nonblock(listeners[i], true);
		must(-vm_bind(listeners[i], VMADDR_CID_ANY, PORT + i % PORTS));
		must(listen(listeners[i], 4));
	}
	for (int i = 0; i < SOCKETS; i++)
		sockets[i] = -1;
	data_fill(data, sizeof(data), 0);
}

int main(void)
{
	unsigned int seconds = atoi(getenv("RANDOM_SECONDS") ?: "15");
	uint64_t seed = getenv("RANDOM_SEED") ? strtoull(getenv("RANDOM_SEED"), NULL, 0) : (uint64_t)time(NULL);
	unsigned long turns = 0, bad = 0;
	long long end, before;

	watchdog(seconds + 120);
	printf("# RANDOM_SEED=%llu RANDOM_SECONDS=%u\n", (unsigned long long)seed, seconds);
	rnd_state = seed * 2 + 1;
	ns_setup();
	host_setup();
	good = guest_new(.cid = 3);
	good_fd = conn_from_host(&good_conn, good, 0, SOCK_STREAM);
	for (int n = 0; n < GUESTS; n++)
		start(n);
	before = memory_used();
	for (end = now_ms() + seconds * 1000LL; now_ms() < end && !bad; turns++) {
		int n = rnd(GUESTS);

		for (unsigned int i = rnd(8); i; i--)
			send_packet(n);
		listen_to(n);
		for (unsigned int i = rnd(4); i; i--)
			host_call();
		if (one_in(200))
			break_something(n);
		if (one_in(500))
			start(n);
		if (turns % 256 == 0)
			bad += !!conn_echo(&good_conn, good_fd);
	}
	diag("%lu turns, %lu packets, %lu replies, %lu calls, %lu times broken, %lu guests, %lu stalled", turns, packets,
	     replies, calls, broken, restarts, stalls);
	is_int(bad, 0, "a guest that behaves is served all the time");
	ok(packets > 500 && replies > 100 && calls > 300 && broken > 2, "the others did what they can");
	for (int n = 0; n < GUESTS; n++)
		guest_free(guests[n]);
	for (int i = 0; i < SOCKETS; i++)
		close(sockets[i]);
	before = memory_used() - before;
	ok(before < 32 << 20, "what the host still holds: %lld KiB", before / 1024);
	for (int i = 0; i < NS_COUNT; i++) {
		struct guest *g = guest_new(.cid = 100, .ns = ns_fd[i]);
		struct conn c;
		int fd = conn_from_host(&c, g, ns_fd[i], SOCK_STREAM);

		is_errno(conn_echo(&c, fd), 0, "a new guest works in %s", ns_names[i]);
		close(fd);
		guest_free(g);
	}
	guest_free(good);

	return done();
}
