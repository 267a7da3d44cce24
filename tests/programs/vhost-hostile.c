// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest whose rings are broken in every way, before and while it runs: its device may stop
 * or drop what it cannot read, and nothing else happens.  Another guest is served all the
 * time, and the CID is free for a good guest afterwards.
 */
#include "guest_pump.h"

#include <stddef.h>

#define CID 666
#define PAGE 4096

/* One guest that behaves, and a connection to it. */
static struct guest *good;
static struct conn good_conn;
static int good_fd;

static unsigned char page[PAGE];

/* ---- Ways to break a ring ---- */

/* The next slot of a ring, described as it should be: what is to be broken. */
struct broken {
	struct guest *g;
	struct queue *q;
	unsigned int slot, head;
	struct vring_desc *desc;
};

static void idx_jumps(struct broken *b)
{
	b->q->made += b->q->ring.num + 1;
}

static void idx_jumps_far(struct broken *b)
{
	b->q->made += 32768;
}

static void idx_goes_back(struct broken *b)
{
	b->q->made -= 2;
}

static void head_too_large(struct broken *b)
{
	b->head = b->q->ring.num;
}

static void head_far_too_large(struct broken *b)
{
	b->head = 0xffff;
}

static void next_too_large(struct broken *b)
{
	b->desc[0].flags |= VRING_DESC_F_NEXT;
	b->desc[0].next = b->q->ring.num;
}

static void next_is_itself(struct broken *b)
{
	b->desc[0].flags |= VRING_DESC_F_NEXT;
	b->desc[0].next = b->head;
}

static void next_goes_round(struct broken *b)
{
	b->desc[0].flags |= VRING_DESC_F_NEXT;
	b->desc[0].next = b->head + 1;
	b->q->ring.desc[b->head + 1] = b->desc[0];
	b->q->ring.desc[b->head + 1].next = b->head;
}

static void address_unmapped(struct broken *b)
{
	b->desc[0].addr = 0xdead00000000;
}

static void address_zero(struct broken *b)
{
	b->desc[0].addr = 0;
}

static void address_wraps(struct broken *b)
{
	b->desc[0].addr = UINT64_MAX - 10;
}

static void address_of_the_kernel(struct broken *b)
{
	b->desc[0].addr = 0xffff888000001000;
}

static void crosses_the_end(struct broken *b)
{
	b->desc[0].addr = GUEST_PHYS + b->g->size - 20;
}

static void length_zero(struct broken *b)
{
	b->desc[0].len = 0;
}

static void length_huge(struct broken *b)
{
	b->desc[0].len = 0xffffffff;
}

static void wrong_direction(struct broken *b)
{
	b->desc[0].flags ^= VRING_DESC_F_WRITE;
}

/* Both directions in one chain, in the order that is forbidden. */
static void mixed_direction(struct broken *b)
{
	b->desc[0].flags = VRING_DESC_F_WRITE | VRING_DESC_F_NEXT;
	b->desc[0].next = b->head + 1;
	b->q->ring.desc[b->head + 1] = b->desc[0];
	b->q->ring.desc[b->head + 1].flags = 0;
}

static void shorter_than_a_header(struct broken *b)
{
	b->desc[0].len = 10;
	b->desc[0].flags &= ~VRING_DESC_F_NEXT;
}

static void only_a_header(struct broken *b)
{
	b->desc[0].len = HEADER_SIZE;
	b->desc[0].flags &= ~VRING_DESC_F_NEXT;
}

/* Indirect tables, in the first page of a slot. */
static struct vring_desc *table(struct broken *b, unsigned int len)
{
	struct vring_desc *in = (void *)queue_slot(b->q, (b->slot + 1) % b->q->slot_count);

	memset(in, 0, HEADER_SIZE + PAGE);
	in[0] = b->desc[0];
	in[0].flags &= ~VRING_DESC_F_NEXT;
	b->desc[0] = (struct vring_desc) {
		.addr = queue_address(b->q, in), .len = len, .flags = VRING_DESC_F_INDIRECT,
	};
	return in;
}

static void table_of_nothing(struct broken *b)
{
	table(b, 0);
}

static void table_of_odd_size(struct broken *b)
{
	table(b, 17);
}

static void table_huge(struct broken *b)
{
	table(b, 16u * 65537);
}

static void table_unmapped(struct broken *b)
{
	table(b, 16);
	b->desc[0].addr = 0xdead00000000;
}

static void table_in_table(struct broken *b)
{
	struct vring_desc *in = table(b, 32);

	in[1] = in[0];
	in[0] = b->desc[0];
}

static void table_and_next(struct broken *b)
{
	table(b, 16);
	b->desc[0].flags |= VRING_DESC_F_NEXT;
}

static void table_loops(struct broken *b)
{
	struct vring_desc *in = table(b, 32);

	in[0].flags |= VRING_DESC_F_NEXT;
	in[0].next = 0;
}

static void table_next_outside(struct broken *b)
{
	struct vring_desc *in = table(b, 32);

	in[0].flags |= VRING_DESC_F_NEXT;
	in[0].next = 1000;
}

static void used_read_only(struct broken *b)
{
	unsigned char *used = (void *)((uintptr_t)b->q->ring.used & ~(PAGE - 1UL));

	must(mprotect(used, PAGE, PROT_READ));
}

static void descriptors_gone(struct broken *b)
{
	must(mprotect(b->q->ring.desc, PAGE, PROT_NONE));
}

static void table_of_memory_empty(struct broken *b)
{
	struct vhost_memory none = {};

	device_ioctl(b->g->fd, VHOST_SET_MEM_TABLE, &none);
}

static void slots_gone(struct broken *b)
{
	must(mprotect(b->q->slots, b->q->slot_count * b->q->slot_size & ~(PAGE - 1UL), PROT_NONE));
}

static const struct breakage {
	const char *name;
	void (*make)(struct broken *b);
	/* Done to a ring whose buffer is available already, and which the guest itself cannot use any more. */
	bool last;
} breakages[] = {
	{ "the index jumps past the ring", idx_jumps, false },
	{ "the index jumps by half of all numbers", idx_jumps_far, false },
	{ "the index goes back", idx_goes_back, false },
	{ "a head beyond the ring", head_too_large, false },
	{ "a head of 65535", head_far_too_large, false },
	{ "a chain that leaves the ring", next_too_large, false },
	{ "a descriptor that follows itself", next_is_itself, false },
	{ "a chain that goes round", next_goes_round, false },
	{ "an address that is not mapped", address_unmapped, false },
	{ "address 0", address_zero, false },
	{ "an address that wraps", address_wraps, false },
	{ "an address of the kernel's", address_of_the_kernel, false },
	{ "a buffer across the end of memory", crosses_the_end, false },
	{ "no length", length_zero, false },
	{ "4 GiB of length", length_huge, false },
	{ "the wrong direction", wrong_direction, false },
	{ "both directions", mixed_direction, false },
	{ "shorter than a header", shorter_than_a_header, false },
	{ "no room but for a header", only_a_header, false },
	{ "an empty indirect table", table_of_nothing, false },
	{ "an indirect table of 17 bytes", table_of_odd_size, false },
	{ "an indirect table of 65537", table_huge, false },
	{ "an indirect table that is not mapped", table_unmapped, false },
	{ "an indirect table in itself", table_in_table, false },
	{ "an indirect table in a chain", table_and_next, false },
	{ "an indirect table that loops", table_loops, false },
	{ "an indirect table that is left", table_next_outside, false },
	{ "a used ring that cannot be written", used_read_only, false },
	{ "descriptors that cannot be read", descriptors_gone, true },
	{ "buffers that are gone", slots_gone, true },
	{ "all memory taken back", table_of_memory_empty, true },
};

/* Of all processors, in percent, while this process does nothing for a moment. */
static int busy(void)
{
	unsigned long long before[5], after[5], *now = before, all = 0;

	for (int i = 0; i < 2; i++, now = after) {
		FILE *file = fopen("/proc/stat", "re");

		if (!file || fscanf(file, "cpu %llu %llu %llu %llu %llu", &now[0], &now[1], &now[2], &now[3], &now[4]) != 5)
			bail_out("/proc/stat");
		fclose(file);
		if (!i)
			poll(NULL, 0, 60);
	}
	for (int i = 0; i < 5; i++)
		all += after[i] - before[i];
	return all ? 100 - 100 * (after[3] + after[4] - before[3] - before[4]) / all : 0;
}

/* Of two processors one that works all the time, and not for some other reason that soon ends. */
static bool spins(void)
{
	for (int i = 0; i < 8; i++)
		if (busy() < 45)
			return false;
	return true;
}

/* Breaks one ring of a guest that has a connection, and has both sides use it. */
static void check_broken(const struct breakage *breakage, int index)
{
	/* The receive ring has no buffers but the broken ones. */
	struct guest *g = guest_new(.cid = CID, .rx_count = 4, .tx_count = 4, .memory = 4 << 20);
	struct broken b = { .g = g, .q = &g->queue[index] };
	const char *ring = index == RX ? "receiving" : "sending";
	struct virtio_vsock_hdr hdr;
	struct conn c;
	int fd = conn_from_host(&c, g, 0, SOCK_STREAM);

	guest_heard(g);
	hdr = conn_header(&c, OP_RW, 0, 100);
	if (index == RX) {
		/* All good ones are used up first. */
		g->hold = true;
		for (int i = 0; i < 4; i++) {
			must(send(fd, page, 10, 0));
			free(conn_receive_within(&c, PATIENCE_MS));
		}
	}
	for (int i = 0; i < 3; i++) {
		b.slot = b.q->ring.avail->ring[b.q->made % b.q->ring.num] / b.q->parts % b.q->slot_count;
		if (index == TX)
			memcpy(queue_slot(b.q, b.slot), &hdr, HEADER_SIZE);
		queue_describe(b.q, b.slot, index == TX ? HEADER_SIZE + 100 : b.q->slot_size, 0);
		b.head = queue_head(b.q, b.slot);
		b.desc = queue_descs(b.q, b.slot);
		if (!i && !breakage->last)
			breakage->make(&b);
		b.q->ring.avail->ring[b.q->made % b.q->ring.num] = b.head;
		b.q->made++;
		*(volatile uint16_t *)&b.q->ring.avail->idx = b.q->made;
		if (breakage->last)
			breakage->make(&b);
		queue_kick_always(b.q);
		if (breakage->last)
			break;
	}
	for (int i = 0; i < 10; i++)
		send(fd, page, sizeof(page), MSG_DONTWAIT);
	queue_kick_always(&g->queue[TX]);
	is_errno(conn_echo(&good_conn, good_fd), 0, "%s, %s: another guest is served", ring, breakage->name);
	ok(!spins(), "%s, %s: no processor is kept busy", ring, breakage->name);
	close(fd);
	guest_free(g);

	g = guest_new(.cid = CID, .memory = 8 << 20);
	fd = conn_from_host(&c, g, 0, SOCK_STREAM);
	is_errno(conn_echo(&c, fd), 0, "%s, %s: the next guest with this CID works", ring, breakage->name);
	close(fd);
	guest_free(g);
}

/* ---- Memory that changes while the device looks at it ---- */

struct changer {
	struct guest *g;
	_Atomic bool stop;
};

static long long change_memory(void *arg)
{
	static const uint32_t lengths[] = { 100, 0, 65536, 65537, 0xffffffff, 50 };
	static const uint16_t flags[] = { 0, VRING_DESC_F_NEXT, VRING_DESC_F_INDIRECT, VRING_DESC_F_WRITE };
	struct changer *changer = arg;
	struct queue *q = &changer->g->queue[TX];
	uint64_t n = 0;

	while (!changer->stop) {
		struct virtio_vsock_hdr *hdr = (void *)queue_slot(q, n % q->slot_count);
		struct vring_desc *desc = queue_descs(q, n % q->slot_count);

		__atomic_store_n((uint32_t *)((char *)hdr + offsetof(struct virtio_vsock_hdr, len)),
				 lengths[n % ARRAY_SIZE(lengths)], __ATOMIC_RELAXED);
		if (n % 3 == 0)
			__atomic_store_n(&desc[0].len, lengths[n / 3 % ARRAY_SIZE(lengths)], __ATOMIC_RELAXED);
		if (n % 64 == 0)
			__atomic_store_n(&desc[0].flags, flags[n / 64 % ARRAY_SIZE(flags)], __ATOMIC_RELAXED);
		n++;
	}
	return n;
}

static void check_changing(void)
{
	struct task task;
	struct changer changer = {};
	unsigned long sent = 0;
	int restarts = 0;

	for (int round = 0; round < 10; round++) {
		struct guest *g = guest_new(.cid = CID, .tx_count = 8, .tx_parts = 2, .memory = 4 << 20);
		struct virtio_vsock_hdr hdr;
		struct conn c;
		int fd = conn_from_host(&c, g, 0, SOCK_STREAM);

		hdr = conn_header(&c, OP_RW, 0, 100);
		changer.g = g;
		changer.stop = false;
		task_start(&task, change_memory, &changer);
		/* Until the device does not go on with what it was given. */
		for (int i = 0; i < 2000; i++, sent++) {
			if (!guest_send_within(g, &hdr, page, 100, 100))
				break;
			recv(fd, pump_buffer, sizeof(pump_buffer), MSG_DONTWAIT);
			send(fd, page, 100, MSG_DONTWAIT);
		}
		changer.stop = true;
		if (!task_ends(&task))
			bail_out("the thread does not end");
		close(fd);
		guest_free(g);
		restarts++;
	}
	diag("%lu packets whose header or descriptor changed", sent);
	is_int(restarts, 10, "headers and descriptors that change while they are read");
	is_errno(conn_echo(&good_conn, good_fd), 0, "another guest is served");
}

/* ---- Who is told of it ---- */

static bool signalled(int event, int ms)
{
	struct pollfd p = { .fd = event, .events = POLLIN };

	return must(poll(&p, 1, ms));
}

/* The eventfd of VHOST_SET_VRING_ERR, and who talks to the guest; the VMM may start it again. */
static void check_told(int index)
{
	struct guest *g = guest_new(.cid = CID, .rx_count = 4, .memory = 8 << 20);
	const char *ring = index == RX ? "receiving" : "sending";
	struct vhost_vring_state state = { .index = index };
	struct queue *q = &g->queue[index];
	struct conn c;
	int fd = conn_from_host(&c, g, 0, SOCK_STREAM), err;

	is_errno(conn_echo(&c, fd), 0, "%s: talks", ring);
	guest_heard(g);
	if (index == RX) {
		/* The device looks for more when it has none left. */
		g->hold = true;
		for (int i = 0; i < 4; i++) {
			must(send(fd, page, 1, 0));
			free(conn_receive_within(&c, PATIENCE_MS));
		}
	}
	ok(!signalled(q->err, 0), "%s: no error", ring);
	*(volatile uint16_t *)&q->ring.avail->idx = q->made + 32768;
	queue_kick_always(q);
	err = errno_of(send(fd, page, 1, MSG_DONTWAIT));
	ok(signalled(q->err, PATIENCE_MS), "%s: a ring that breaks signals its eventfd", ring);
	ok(!signalled(g->queue[!index].err, 0), "%s: and not the other ring's", ring);
	if (native()) {
		skip("the guest is stopped", "this kernel lets it run");
		goto out;
	}
	ok(poll_for(fd, POLLRDHUP) & POLLRDHUP, "%s: the connection ends", ring);
	/* One of the two calls hears of it. */
	is_errno(err == ECONNRESET ? err : so_error(fd), ECONNRESET, "%s: by a reset", ring);
	close(fd);
	fd = vm_socket(SOCK_STREAM);
	is_errno(vm_connect(fd, CID, 1), EHOSTUNREACH, "%s: the guest is stopped", ring);
	close(fd);

	*(volatile uint16_t *)&q->ring.avail->idx = q->made;
	if (index == RX) {
		g->hold = false;
		guest_post_all(g);
	}
	is_errno(device_ioctl(g->fd, VHOST_GET_VRING_BASE, &state), 0, "%s: where it got to", ring);
	is_int(state.num, q->ring.used->idx, "%s: is what came back", ring);
	is_errno(device_run(g->fd, 1), 0, "%s: it is started again", ring);
	fd = conn_from_host(&c, g, 0, SOCK_STREAM);
	is_errno(conn_echo(&c, fd), 0, "%s: and works", ring);
out:
	close(fd);
	guest_free(g);
}

/* ---- What the kernel's log says of it ---- */

static int log_open(void)
{
	int log = must(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));

	must(lseek(log, 0, SEEK_END));
	return log;
}

static int log_count(int log, const char *text)
{
	char record[8192];
	int count = 0;
	ssize_t n;

	/* EPIPE: some were overwritten before they were read. */
	while ((n = read(log, record, sizeof(record) - 1)) > 0 || errno == EPIPE) {
		record[n > 0 ? n : 0] = '\0';
		count += !!strstr(record, text);
	}
	return count;
}

/* A packet without a header is worth a message, for each guest; a guest may come again and again. */
static void check_log(void)
{
	const int devices = 100;
	long long started = now_ms(), most;
	int log = log_open(), lines;

	for (int i = 0; i < devices; i++) {
		struct guest *g = guest_new(.cid = CID, .memory = 8 << 20);
		struct queue *q = &g->queue[TX];

		queue_describe(q, 0, HEADER_SIZE - 1, 0);
		queue_push(q, queue_head(q, 0));
		queue_kick_always(q);
		if (!guest_wait(g, TX, PATIENCE_MS))
			bail_out("a packet without a header does not come back");
		guest_free(g);
	}
	lines = log_count(log, "packet dropped");
	/* The kernel's usual limit: ten in five seconds. */
	most = 10 * ((now_ms() - started) / 5000 + 2);
	ok(lines <= most, "%d lines in the log for %d devices with a bad packet each, at most %lld", lines, devices, most);
	close(log);
}

int main(void)
{
	watchdog(400);
	good = guest_new(.cid = 3);
	good_fd = conn_from_host(&good_conn, good, 0, SOCK_STREAM);
	for (int index = 0; index < QUEUES; index++)
		for (size_t i = 0; i < ARRAY_SIZE(breakages); i++)
			check_broken(&breakages[i], index);
	check_changing();
	check_told(RX);
	check_told(TX);
	check_log();
	close(good_fd);
	guest_free(good);

	return done();
}
