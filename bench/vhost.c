// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures what a simulated guest and the host cost each other and prints one operation's
 * nanoseconds of the machine's clock.  Usage:
 *
 *	vhost to-guest SIZE		one send() of SIZE bytes until the guest has it
 *	vhost to-host SIZE		one packet of SIZE bytes until the host has read it
 *	vhost round-trip OPEN		1 byte to the guest and back, OPEN connections
 *					being open from one guest to one host port
 *	vhost close-device OPEN		work of closing one of 100 devices, while another
 *					has OPEN connections open
 */
#include "../tests/lib/guest_conn.h"

#include <sys/resource.h>

#define BATCH 32
#define LARGE (60 * 1024)

static struct guest *g;
static char data[1 << 20];

static double clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static double now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* A guest whose driver does what guests' drivers do: large buffers or pages, event index. */
static struct guest *usual_guest(unsigned int cid, size_t rx_size)
{
	return guest_new(.cid = cid, .features = EVENT_IDX, .rx_size = rx_size, .rx_count = 128, .tx_count = 128,
			 .memory = 32 << 20);
}

/* Without looking at it, and without a copy: what the guest itself costs is not the subject. */
static size_t take_packets(struct conn *c)
{
	struct queue *q = &g->queue[RX];
	unsigned int slot, len;
	size_t sum = 0;

	while (queue_take(q, &slot, &len)) {
		const struct virtio_vsock_hdr *hdr = (void *)queue_slot(q, slot);

		c->peer_alloc = hdr->buf_alloc;
		c->peer_fwd = hdr->fwd_cnt;
		if (hdr->op == OP_RW)
			sum += len - HEADER_SIZE;
		guest_post(g, slot);
	}
	queue_kick(q);
	return sum;
}

static void must_wait(int index, int fd, int events)
{
	if (!guest_wait_either(g, index, fd, events, PATIENCE_MS))
		bail_out("nothing comes any more");
}

/* The host writes a batch, then the guest takes all of it; the first tenth warms up. */
static double to_guest(size_t size, unsigned int count)
{
	struct conn c;
	int fd = conn_from_host(&c, g, 0, SOCK_STREAM);
	unsigned int done = 0, warm = 0, batch = size == 1 ? BATCH : 2;
	double start = 0;
	size_t got;

	while (done < count + warm) {
		if (done >= count / 10 && !warm) {
			start = now();
			warm = done;
		}
		for (unsigned int i = 0; i < batch; i++)
			if (send(fd, data, size, 0) != (ssize_t)size)
				bail_out("send");
		for (got = 0; got < batch * size;) {
			size_t n = take_packets(&c);

			got += n;
			if (!n)
				must_wait(RX, -1, 0);
		}
		done += batch;
		c.fwd_cnt += got;
		if (c.fwd_cnt - c.told_fwd > GUEST_BUFFER / 4)
			conn_send(&c, OP_CREDIT_UPDATE, 0, NULL, 0);
	}
	close(fd);
	return (now() - start) / (done - warm);
}

/* The guest makes a batch available and kicks once; the host reads all of it. */
static double to_host(size_t size, unsigned int count)
{
	struct conn c;
	int fd = conn_from_host(&c, g, 0, SOCK_STREAM);
	struct queue *q = &g->queue[TX];
	unsigned int done = 0, warm = 0, batch = size == 1 ? BATCH : 2;
	double start = 0;

	while (done < count + warm) {
		size_t got = 0;

		if (done >= count / 10 && !warm) {
			start = now();
			warm = done;
		}
		guest_reap(g);
		while (q->free_count < batch) {
			must_wait(TX, -1, 0);
			guest_reap(g);
		}
		for (unsigned int i = 0; i < batch; i++) {
			unsigned int slot = q->free_slots[--q->free_count];
			struct virtio_vsock_hdr *hdr = (void *)queue_slot(q, slot);

			*hdr = conn_header(&c, OP_RW, 0, size);
			queue_describe(q, slot, HEADER_SIZE + size, HEADER_SIZE);
			queue_push(q, queue_head(q, slot));
		}
		queue_kick(q);
		while (got < batch * size) {
			ssize_t n = recv(fd, data, sizeof(data), 0);

			if (n <= 0)
				bail_out("recv");
			got += n;
			take_packets(&c);
		}
		done += batch;
	}
	close(fd);
	return (now() - start) / (done - warm);
}

/* Connections of the guest to one listener, which the host has accepted. */
static void open_many(struct conn *c, int *fd, unsigned int count)
{
	int here = ns_here();
	int listener = vm_listen_in(here, SOCK_STREAM, VMADDR_CID_ANY, 128);

	close(here);
	for (unsigned int i = 0; i < count; i++)
		fd[i] = conn_from_guest(&c[i], g, listener);
	close(listener);
}

/* The measured one is in the middle of those there are. */
static double round_trip(unsigned int open)
{
	struct conn *c = calloc(open, sizeof(*c));
	int *fd = calloc(open, sizeof(*fd));
	const unsigned int count = 2000;
	double start = 0;

	open_many(c, fd, open);
	for (unsigned int i = 0; i < count + count / 10; i++) {
		char byte;

		if (i == count / 10)
			start = now();
		if (send(fd[open / 2], "x", 1, 0) != 1)
			bail_out("send");
		while (!take_packets(&c[open / 2]))
			must_wait(RX, -1, 0);
		c[open / 2].fwd_cnt++;
		conn_send(&c[open / 2], OP_RW, 0, "y", 1);
		if (recv(fd[open / 2], &byte, 1, 0) != 1)
			bail_out("recv");
		guest_reap(g);
		take_packets(&c[open / 2]);
	}
	return (now() - start) / count;
}

#define DEVICES 100

/*
 * Each closed device has one connection; those that stay open belong to another one. What
 * close() works counts, not what it waits: grace periods end with the timer's tick.
 */
static double close_device(unsigned int open)
{
	struct conn *c = calloc(open, sizeof(*c)), other;
	int *fd = calloc(open, sizeof(*fd));
	struct guest *devices[DEVICES];
	double start, sum = 0;

	open_many(c, fd, open);
	for (int i = 0; i < DEVICES; i++) {
		devices[i] = guest_new(.cid = 1000 + i, .rx_count = 4, .tx_count = 4, .memory = 2 << 20);
		conn_from_host(&other, devices[i], 0, SOCK_STREAM);
	}
	for (int i = 0; i < DEVICES; i++) {
		start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		guest_close_device(devices[i]);
		sum += clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
	}
	return sum / DEVICES;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 300000, 300000 };
	unsigned int number = argc > 2 ? atoi(argv[2]) : 0;
	double result;

	if (!number)
		bail_out("usage: vhost to-guest|to-host|round-trip|close-device NUMBER");
	must(setrlimit(RLIMIT_NOFILE, &files));
	g = usual_guest(42, HEADER_SIZE + (number == LARGE ? LARGE : 4096));
	if (!strcmp(argv[1], "to-guest"))
		result = to_guest(number, number == 1 ? 20000 : 1000);
	else if (!strcmp(argv[1], "to-host"))
		result = to_host(number, number == 1 ? 20000 : 1000);
	else if (!strcmp(argv[1], "round-trip"))
		result = round_trip(number);
	else
		result = close_device(number);
	printf("%.0f\n", result);
	return 0;
}
