// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data between guest and host, each byte checked: a table of how a guest may lay out its
 * buffers, rings and memory, in both directions and both kinds of socket.
 */
#include "guest_pump.h"

#include <linux/errqueue.h>

#define CID 42
#define KIB 1024
#define MIB (1024 * 1024)

static const struct layout {
	const char *name;
	struct guest_config config;
	/* How much is sent each way. */
	unsigned int total;
} layouts[] = {
	{ "buffers of a page and a header", {}, 300 * KIB },
	{ "buffers of a page", { .rx_size = 4096 }, 300 * KIB },
	{ "buffers for 1 byte", { .rx_size = HEADER_SIZE + 1 }, 2000 },
	{ "buffers of 100 bytes", { .rx_size = 100 }, 20000 },
	{ "buffers of 64 KiB and a header", { .rx_size = HEADER_SIZE + 65536 }, 1 * MIB },
	{ "buffers larger than any packet", { .rx_size = 200000, .rx_count = 8 }, 1 * MIB },
	{ "buffers of 16 pieces", { .rx_size = 4096, .rx_parts = 16 }, 300 * KIB },
	{ "headers in pieces", { .rx_size = 90, .rx_parts = 9 }, 20000 },
	{ "a byte each piece", { .rx_size = 60, .rx_parts = 60, .rx_count = 4 }, 2000 },
	{ "one buffer only", { .rx_count = 1, .tx_count = 1 }, 300 * KIB },
	{ "packets in one piece", { .tx_parts = 1 }, 300 * KIB },
	{ "packets in 7 pieces", { .tx_parts = 7 }, 300 * KIB },
	{ "event index", { .features = EVENT_IDX }, 300 * KIB },
	{ "indirect descriptors", { .features = INDIRECT_DESC, .rx_parts = 4, .tx_parts = 3 }, 300 * KIB },
	{ "both", { .features = EVENT_IDX | INDIRECT_DESC, .rx_parts = 3 }, 300 * KIB },
	{ "memory in 7 regions", { .regions = 7, .memory = 16 * MIB }, 300 * KIB },
	{ "memory in 60 regions", { .regions = 60, .memory = 16 * MIB }, 300 * KIB },
	{ "translated memory", { .iotlb = IOTLB_AT_ONCE }, 300 * KIB },
	{ "translated page by page", { .iotlb = IOTLB_ON_DEMAND, .rx_count = 16, .tx_count = 16 }, 300 * KIB },
	{ "translated page by page, old messages", { .iotlb = IOTLB_ON_DEMAND, .iotlb_v1 = true, .rx_count = 4, .tx_count = 4 }, 100 * KIB },
	{ "translated, indirect, event index",
	  { .iotlb = IOTLB_ON_DEMAND, .features = EVENT_IDX | INDIRECT_DESC, .rx_count = 4, .tx_count = 4 }, 100 * KIB },
	{ "a legacy guest", { .only_features = SEQPACKET_FEATURE }, 100 * KIB },
};

/* As many calls as make chunks of all sizes meet buffers of all sizes. */
static size_t chunk_of(const struct layout *layout)
{
	return layout->total < 30000 ? 333 : 10007;
}

static void check_layout(const struct layout *layout, int type)
{
	struct guest_config config = layout->config;
	struct guest *g;
	struct conn c;
	struct pump p = { .conn = &c, .total = layout->total, .chunk = chunk_of(layout) };

	config.cid = CID;
	g = guest_create(&config);
	p.fd = conn_new(&c, g, type, true);
	ok(pump_to_guest(&p), "%s, %s: to the guest", layout->name, type_name(type));
	diag("%llu bytes in %llu packets%s%s", (unsigned long long)p.arrived, (unsigned long long)p.packets,
	     p.wrong ? ", " : "", p.wrong ?: "");
	p.wrong = NULL;
	ok(pump_to_host(&p), "%s, %s: to the host", layout->name, type_name(type));
	if (p.wrong)
		diag("%s after %llu bytes", p.wrong, (unsigned long long)p.arrived);
	is_errno(conn_echo(&c, p.fd), 0, "%s, %s: it still works", layout->name, type_name(type));
	if (config.iotlb == IOTLB_ON_DEMAND)
		ok(g->misses > 4, "%s: the device asked for %u pages", layout->name, g->misses);
	close(p.fd);
	guest_free(g);
}

/* Much, with the sizes that are usual. */
static void check_much(int type, bool to_guest, size_t chunk, unsigned int features)
{
	struct guest *g = guest_new(.cid = CID, .features = features, .rx_size = to_guest ? HEADER_SIZE + 65536 : 4096,
				    .rx_count = 32);
	struct conn c;
	struct pump p = { .conn = &c, .total = 16 * MIB, .chunk = chunk };
	long long started = now_ms();

	p.fd = conn_new(&c, g, type, false);
	ok(to_guest ? pump_to_guest(&p) : pump_to_host(&p), "16 MiB to the %s, %s", to_guest ? "guest" : "host",
	   type_name(type));
	diag("%s; %llu packets, %lu kicks, %lu calls, %lld ms", p.wrong ?: "all right", (unsigned long long)p.packets,
	     g->queue[!to_guest].kicks, g->queue[!to_guest].calls, now_ms() - started);
	close(p.fd);
	guest_free(g);
}

/* Without a copy: the pages are the sender's until it is told so. */
static void check_zerocopy(void)
{
	struct guest *g = guest_new(.cid = CID);
	struct conn c;
	struct pump p = { .conn = &c, .total = 200 * KIB, .chunk = 200 * KIB, .flags = MSG_ZEROCOPY };
	char control[256];
	struct msghdr msg = { .msg_control = control, .msg_controllen = sizeof(control) };
	struct sock_extended_err *report;
	struct cmsghdr *cmsg;
	int one = 1, err;

	p.fd = conn_new(&c, g, SOCK_STREAM, true);
	c.buf_alloc = MIB;
	conn_send(&c, OP_CREDIT_UPDATE, 0, NULL, 0);
	guest_fence(g);
	err = errno_of(setsockopt(p.fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)));
	/* The latter is the kernel's own ENOTSUPP. */
	if (err == EOPNOTSUPP || err == 524) {
		skip("without a copy", "setsockopt() of this kernel has no SO_ZEROCOPY for other families");
		goto out;
	}
	is_errno(err, 0, "SO_ZEROCOPY");
	ok(pump_to_guest(&p), "sent without a copy: it arrives");
	diag("%s", p.wrong ?: "all right");
	must(guest_poll(g, p.fd, POLLERR, PATIENCE_MS));
	is_int(recvmsg(p.fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT), 0, "the sender hears of it");
	cmsg = CMSG_FIRSTHDR(&msg);
	if (ok(cmsg && cmsg->cmsg_level == SOL_VSOCK, "in a control message of AF_VSOCK")) {
		report = (void *)CMSG_DATA(cmsg);
		is_int(report->ee_origin, SO_EE_ORIGIN_ZEROCOPY, "about zero copy");
		is_int(report->ee_info, 0, "of the first call");
	}
out:
	close(p.fd);
	guest_free(g);
}

/* ---- What was logged as written, for live migration ---- */

/* What the device was told of translation is forgotten then. */
static void set_features(struct guest *g, uint64_t features, const char *name)
{
	is_errno(device_ioctl(g->fd, VHOST_SET_FEATURES, &features), 0, "%s", name);
	if (g->config.iotlb)
		must(-guest_map(g, g->memory, g->size));
}

static bool logged(const uint64_t *log, struct guest *g, const void *pointer)
{
	uint64_t page = guest_phys(g, pointer) / GUEST_PAGE;

	return log[page / 64] >> page % 64 & 1;
}

static void check_dirty_log(enum guest_translation iotlb)
{
	static uint64_t log[1024];
	struct guest *g = guest_new(.cid = CID, .iotlb = iotlb, .memory = 32 * MIB);
	const char *name = iotlb ? "translated memory" : "memory";
	uint64_t base = (uintptr_t)log, none;
	struct queue *rx = &g->queue[RX], *tx = &g->queue[TX];
	unsigned int slot;
	struct conn c;
	int fd;

	memset(log, 0, sizeof(log));
	fd = conn_new(&c, g, SOCK_STREAM, true);
	guest_heard(g);
	is_errno(device_ioctl(g->fd, VHOST_SET_LOG_BASE, &base), 0, "%s: a log", name);
	set_features(g, g->features | LOG_ALL, "logging on while it runs");
	for (int i = 0; i < QUEUES; i++)
		is_errno(guest_set_ring_addresses(g, i, BIT(VHOST_VRING_F_LOG)), 0, "%s: ring %d is logged", name, i);
	is_int(logged(log, g, rx->ring.used), 0, "%s: nothing is logged yet", name);
	slot = rx->ring.avail->ring[rx->seen % rx->ring.num];
	memset(pump_buffer, 'x', 4000);
	must(send(fd, pump_buffer, 4000, 0));
	is_text(conn_next(&c), "RW(4000)", "%s: data to the guest", name);
	if (native()) {
		skip("the buffer's pages are logged", "this kernel logs the ring alone");
	} else {
		is_int(logged(log, g, queue_slot(rx, slot)), 1, "%s: the buffer's first page is logged", name);
		is_int(logged(log, g, queue_slot(rx, slot) + HEADER_SIZE + 3999), 1, "%s: and its last", name);
	}
	is_int(logged(log, g, rx->ring.used), 1, "%s: and the ring's used part", name);
	is_int(logged(log, g, queue_slot(rx, (slot + 8) % rx->slot_count)), 0, "%s: no buffer that was not used", name);
	guest_fence(g);
	is_int(logged(log, g, tx->ring.used), 1, "%s: the other ring's used part", name);
	is_int(logged(log, g, queue_slot(tx, 0)), 0, "%s: nothing that is only read", name);
	is_int(logged(log, g, tx->ring.desc) && tx->ring.num * sizeof(struct vring_desc) >= GUEST_PAGE, 0,
	       "%s: nor descriptors", name);

	set_features(g, g->features, "logging off");
	for (int i = 0; i < QUEUES; i++)
		must(-guest_set_ring_addresses(g, i, 0));
	guest_fence(g);
	memset(log, 0, sizeof(log));
	is_errno(conn_echo(&c, fd), 0, "%s: talks on", name);
	none = 0;
	for (size_t i = 0; i < ARRAY_SIZE(log); i++)
		none |= log[i];
	is_int(none, 0, "%s: without a log", name);
	close(fd);
	guest_free(g);
}

/* ---- Translation that ends, and is denied ---- */

static void check_unmapped(void)
{
	struct guest *g = guest_new(.cid = CID, .iotlb = IOTLB_ON_DEMAND, .rx_count = 4, .tx_count = 4);
	struct conn c;
	int fd = conn_new(&c, g, SOCK_STREAM, true);
	unsigned int before;

	is_errno(conn_echo(&c, fd), 0, "translation: talks");
	before = g->misses;
	is_errno(guest_unmap(g, g->queue[TX].slots, g->queue[TX].slot_count * g->queue[TX].slot_size & ~4095UL), 0,
		 "what was told is taken back");
	is_errno(conn_echo(&c, fd), 0, "it still talks");
	ok(g->misses > before, "and asked again");
	ok(guest_iotlb(g, VHOST_IOTLB_UPDATE, 0, 0, 0, VHOST_ACCESS_RW), "no mapping of no bytes");
	ok(guest_iotlb(g, 99, 0, 4096, 0, VHOST_ACCESS_RW), "no unknown message");
	is_errno(guest_iotlb(g, VHOST_IOTLB_UPDATE, 1, UINT64_MAX, (uintptr_t)g->memory, VHOST_ACCESS_RW), EFAULT,
		 "more than there is memory");
	is_errno(guest_iotlb(g, VHOST_IOTLB_UPDATE, 0, 4096, 0xffff888000000000, VHOST_ACCESS_RW), EFAULT,
		 "the kernel's memory");
	is_errno(errno_of(write(g->fd, "short", 5)), EINVAL, "a message that is too short");
	close(fd);
	guest_free(g);
}

static long long read_question(void *arg)
{
	struct vhost_msg_v2 message;

	return read(((struct guest *)arg)->fd, &message, sizeof(message));
}

static void check_no_question(void)
{
	struct guest *g = guest_new(.cid = CID, .iotlb = IOTLB_AT_ONCE, .stopped = true);
	uint64_t features = g->features & ~ACCESS_PLATFORM;
	struct task task;

	task_start(&task, read_question, g);
	ok(task_sleeps(&task), "who reads a question waits for one");
	guest_ioctl(g, VHOST_SET_FEATURES, &features);
	ok(task_ends(&task) && task.result < 0 && task.error == EBADFD, "and is told when there will be none");
	guest_free(g);
}

static unsigned int ring_base(struct guest *g, unsigned int index)
{
	struct vhost_vring_state state = { .index = index };

	guest_ioctl(g, VHOST_GET_VRING_BASE, &state);
	return state.num;
}

/* Until the device asks for a translation, which it gets no answer to. */
static bool device_asks(struct guest *g)
{
	struct pollfd p = { .fd = g->fd, .events = POLLIN };

	return must(poll(&p, 1, PATIENCE_MS));
}

/* Stopped while it cannot give a buffer back: each comes back once, before or after, and what was in it too. */
static void check_stopped_while_missing(int index)
{
	struct guest *g = guest_new(.cid = CID, .iotlb = IOTLB_ON_DEMAND, .features = EVENT_IDX,
				    .rx_count = 8, .tx_count = 8);
	struct queue *q = &g->queue[index];
	size_t driver_part = (unsigned char *)q->ring.used - (unsigned char *)q->ring.desc;
	const char *name = index == RX ? "receive ring" : "transmit ring";
	struct vhost_vring_state state = { .index = index };
	struct virtio_vsock_hdr hdr;
	struct conn c;
	int fd = conn_new(&c, g, SOCK_STREAM, true);

	is_errno(conn_echo(&c, fd), 0, "%s: talks", name);
	guest_heard(g);
	for (int i = 0; i < QUEUES; i++)
		must(-guest_map(g, g->queue[i].slots,
				(g->queue[i].slot_count * g->queue[i].slot_size + GUEST_PAGE - 1) & ~(GUEST_PAGE - 1)));
	must(-guest_unmap(g, q->ring.desc, driver_part));
	must(-guest_map(g, q->ring.desc, driver_part));
	if (index == TX) {
		hdr = conn_header(&c, OP_RW, 0, 4);
		if (!guest_has_room(g, PATIENCE_MS))
			bail_out("no buffer is free");
		guest_enqueue(g, &hdr, "once", 4);
		queue_kick_always(q);
	} else {
		must(send(fd, "once", 4, 0));
	}
	ok(device_asks(g), "%s: no translation of its used part", name);
	is_errno(device_run(g->fd, 0), 0, "%s: stopped meanwhile", name);
	state.num = ring_base(g, index);
	is_int(state.num, q->ring.used->idx, "%s: what was taken was given back", name);
	is_errno(device_ioctl(g->fd, VHOST_SET_VRING_BASE, &state), 0, "%s: which is where it goes on", name);
	must(-guest_map(g, q->ring.used, GUEST_PAGE));
	is_errno(device_run(g->fd, 1), 0, "%s: it runs again", name);
	if (index == TX) {
		guest_fence(g);
		is_int(recv(fd, pump_buffer, 100, MSG_DONTWAIT), 4, "%s: the host received it once", name);
		guest_reap(g);
		is_int(g->queue[TX].free_count, g->queue[TX].slot_count, "%s: all buffers are back", name);
	} else {
		is_text(guest_heard(g), "RW(4)", "%s: the guest received it once", name);
	}
	is_errno(device_run(g->fd, 0), 0, "%s: stopped", name);
	for (int i = 0; i < QUEUES; i++)
		is_int(ring_base(g, i), g->queue[i].ring.used->idx, "%s: all is given back, ring %d", name, i);
	close(fd);
	guest_free(g);
}

/* ---- Memory and log change while data flows ---- */

struct changes {
	struct guest *g;
	uint64_t log[1024];
	_Atomic bool stop;
	const char *failed;
};

static long long change_all(void *arg)
{
	struct changes *changes = arg;
	struct guest *g = changes->g;
	long long n;

	for (n = 0; !changes->stop && !changes->failed; n++) {
		/* The stock module takes an address of 0 for a log. */
		uint64_t base = native() || n % 5 ? (uintptr_t)changes->log : 0;
		uint64_t features = g->features | (n % 3 ? LOG_ALL : 0);

		if (guest_set_memory(g, 1 + n % 60))
			changes->failed = "memory";
		if (device_ioctl(g->fd, VHOST_SET_LOG_BASE, &base))
			changes->failed = "log";
		if (device_ioctl(g->fd, VHOST_SET_FEATURES, &features))
			changes->failed = "features";
		for (int i = 0; i < QUEUES; i++)
			if (guest_set_ring_addresses(g, i, n % 2 ? BIT(VHOST_VRING_F_LOG) : 0))
				changes->failed = "rings";
	}
	return n;
}

static void check_changes(int type)
{
	static struct changes changes;
	struct guest *g = guest_new(.cid = CID, .memory = 16 * MIB);
	struct conn c;
	struct pump p = { .conn = &c, .total = 2 * MIB, .chunk = 20000, .fd = conn_new(&c, g, type, true) };
	uint64_t logged_pages = 0;
	struct task task;

	memset(&changes, 0, sizeof(changes));
	changes.g = g;
	task_start(&task, change_all, &changes);
	ok(pump_to_guest(&p), "%s to the guest while its memory and log change: %s", type_name(type), p.wrong ?: "all right");
	p.wrong = NULL;
	ok(pump_to_host(&p), "%s to the host meanwhile: %s", type_name(type), p.wrong ?: "all right");
	changes.stop = true;
	if (!task_ends(&task))
		bail_out("the changes do not end");
	is_text(changes.failed ?: "none", "none", "%s: no change failed", type_name(type));
	for (size_t i = 0; i < ARRAY_SIZE(changes.log); i++)
		logged_pages += __builtin_popcountll(changes.log[i]);
	ok(logged_pages, "%s: %lld changes, %llu pages in the log", type_name(type), task.result,
	   (unsigned long long)logged_pages);
	is_errno(conn_echo(&c, p.fd), 0, "%s: it still works", type_name(type));
	close(p.fd);
	guest_free(g);
}

int main(void)
{
	watchdog(300);
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		check_layout(&layouts[i], SOCK_STREAM);
		check_layout(&layouts[i], SOCK_SEQPACKET);
	}
	check_much(SOCK_STREAM, true, 65536, 0);
	check_much(SOCK_STREAM, false, 65536, 0);
	check_much(SOCK_STREAM, true, 100000, EVENT_IDX);
	check_much(SOCK_STREAM, false, 3000, EVENT_IDX);
	check_much(SOCK_SEQPACKET, true, 50000, EVENT_IDX);
	check_much(SOCK_SEQPACKET, false, 50000, EVENT_IDX);
	check_zerocopy();
	check_dirty_log(NO_IOTLB);
	check_dirty_log(IOTLB_AT_ONCE);
	check_unmapped();
	if (native())
		skip("who reads a question is told when there will be none", "this kernel lets it wait");
	else
		check_no_question();
	check_stopped_while_missing(RX);
	check_stopped_while_missing(TX);
	check_changes(SOCK_STREAM);
	check_changes(SOCK_SEQPACKET);

	return done();
}
