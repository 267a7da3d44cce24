// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that floods the host: with requests, tiny packets, messages of no bytes, questions,
 * and that never takes what it is sent.  What the host keeps for it stays below a stated
 * bound, and another guest is served meanwhile.
 */
#include "guest_pump.h"

#include <sys/resource.h>

#define CID 666
#define KIB 1024LL
#define MIB (1024 * KIB)

static struct guest *good;
static struct conn good_conn;
static int good_fd;

static unsigned char data[MAX_PAYLOAD];

/*
 * Floods with @count packets that @make makes of their number, as far as the device takes
 * them; how many it took. A device that takes no more for a while has had enough.
 */
static unsigned int flood(struct guest *g, unsigned int count, size_t len,
			  void (*make)(struct virtio_vsock_hdr *hdr, unsigned int number), struct virtio_vsock_hdr hdr)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (!guest_has_room(g, 500))
			break;
		make(&hdr, i);
		guest_enqueue(g, &hdr, data, len);
		if (!g->queue[TX].free_count)
			queue_kick(&g->queue[TX]);
		if (!g->hold)
			guest_receive_all(g);
	}
	queue_kick(&g->queue[TX]);
	return i;
}

static void same(struct virtio_vsock_hdr *hdr, unsigned int number)
{
	(void)hdr;
	(void)number;
}

static void next_port(struct virtio_vsock_hdr *hdr, unsigned int number)
{
	hdr->src_port = 100000 + number;
}

/* ---- Each flood: what is measured is what the host holds when it is over ---- */

static struct virtio_vsock_hdr from_nobody(struct guest *g, int op)
{
	struct conn c = conn_init(g, SOCK_STREAM, 4000);

	return conn_header(&c, op, 0, 0);
}

static unsigned int requests_to_a_listener(struct guest *g)
{
	static int listener = -1;
	struct virtio_vsock_hdr hdr = from_nobody(g, OP_REQUEST);

	if (listener < 0)
		listener = vm_listen(SOCK_STREAM);
	hdr.dst_port = vm_port(listener);
	return flood(g, 30000, 0, next_port, hdr);
}

static unsigned int requests_to_nobody(struct guest *g)
{
	return flood(g, 30000, 0, next_port, from_nobody(g, OP_REQUEST));
}

static unsigned int data_to_nobody(struct guest *g)
{
	struct virtio_vsock_hdr hdr = from_nobody(g, OP_RW);

	hdr.len = 1000;
	return flood(g, 30000, 1000, next_port, hdr);
}

static struct conn conn;
static int conn_fd;

static unsigned int questions(struct guest *g)
{
	return flood(g, 100000, 0, same, conn_header(&conn, OP_CREDIT_REQUEST, 0, 0));
}

static unsigned int tiny_packets(struct guest *g)
{
	return flood(g, 200000, 1, same, conn_header(&conn, OP_RW, 0, 1));
}

/* Far beyond the credit: the connection ends. */
static unsigned int ignores_credit(struct guest *g)
{
	return flood(g, 3000, 60000, same, conn_header(&conn, OP_RW, 0, 60000));
}

static unsigned int empty_messages(struct guest *g)
{
	return flood(g, 100000, 0, same, conn_header(&conn, OP_RW, EOM, 0));
}

static unsigned int tiny_messages(struct guest *g)
{
	return flood(g, 200000, 1, same, conn_header(&conn, OP_RW, EOM, 1));
}

static unsigned int empty_data(struct guest *g)
{
	return flood(g, 100000, 0, same, conn_header(&conn, OP_RW, 0, 0));
}

static const struct flood {
	const char *name;
	unsigned int (*make)(struct guest *g);
	/* Of the connection that there is. */
	int type;
	/* The guest never gives a buffer back. */
	bool hold;
	/* So much may the host hold for it. */
	long long bound;
	/* The stock modules do not promise it. */
	bool ours;
} floods[] = {
	{ "requests to a listener", requests_to_a_listener, SOCK_STREAM, false, 4 * MIB, false },
	{ "requests to a listener, answers not taken", requests_to_a_listener, SOCK_STREAM, true, 4 * MIB, false },
	{ "requests to nobody, answers not taken", requests_to_nobody, SOCK_STREAM, true, 4 * MIB, false },
	{ "data to nobody, answers not taken", data_to_nobody, SOCK_STREAM, true, 4 * MIB, false },
	{ "questions, answers not taken", questions, SOCK_STREAM, true, 4 * MIB, true },
	{ "1-byte packets", tiny_packets, SOCK_STREAM, false, 4 * MIB, false },
	{ "1-byte messages", tiny_messages, SOCK_SEQPACKET, false, 8 * MIB, true },
	{ "messages of no bytes", empty_messages, SOCK_SEQPACKET, false, 8 * MIB, true },
	{ "packets of no bytes", empty_data, SOCK_STREAM, false, 4 * MIB, false },
	{ "data beyond its credit", ignores_credit, SOCK_STREAM, false, 4 * MIB, false },
};

static void check_flood(const struct flood *f)
{
	struct guest *g;
	unsigned int taken;
	long long before, held, started, bound = MEMORY_FACTOR * f->bound;

	if (native() && f->ours) {
		skip(f->name, "this kernel has no bound");
		return;
	}
	g = guest_new(.cid = CID, .tx_count = 128, .memory = 16 << 20);
	conn_fd = conn_from_host(&conn, g, 0, f->type);
	g->hold = f->hold;
	/* Memory of the guest itself is touched now. */
	for (unsigned int q = 0; q < QUEUES; q++)
		for (unsigned int i = 0; i < g->queue[q].slot_count; i++)
			memset(queue_slot(&g->queue[q], i), 0, g->queue[q].slot_size);
	before = memory_used();
	started = now_ms();
	taken = f->make(g);
	is_errno(conn_echo(&good_conn, good_fd), 0, "%s: another guest is served", f->name);
	held = memory_used() - before;
	ok(held < bound, "%s: the host holds %lld KiB after %u of them, at most %lld", f->name, held / KIB, taken, bound / KIB);
	diag("%lld ms", now_ms() - started);
	close(conn_fd);
	guest_free(g);
}

/* Those that linger at most, of one guest. */
#define LINGERING_MAX 1024

/* The guest opens, the host closes, the guest never says that it knows: each lingers for 8 s, or until there are too many. */
static void check_lingering(void)
{
	struct guest *g = guest_new(.cid = CID, .tx_count = 128);
	int listener = vm_listen(SOCK_STREAM), count = 4000, resets = 0, in_order = 0;
	unsigned int first_port = g->next_port;
	long long before, held;
	struct conn c;

	before = memory_used();
	for (int i = 0; i < count; i++) {
		struct packet *p;

		close(conn_from_guest(&c, g, listener));
		guest_receive_all(g);
		while ((p = STAILQ_FIRST(&g->packets))) {
			STAILQ_REMOVE_HEAD(&g->packets, next);
			if (p->hdr.op == OP_RST) {
				in_order += p->hdr.dst_port == first_port + resets;
				resets++;
			}
			free(p);
		}
	}
	held = memory_used() - before;
	if (native()) {
		skip("connections that linger are bounded", "this kernel has no bound");
	} else {
		ok(held < 8 * MIB, "%d connections that linger: %lld KiB", count, held / KIB);
		/* The last reset may be on its way. */
		ok(resets >= count - LINGERING_MAX - 1, "of more than %d the oldest are reset: %d", LINGERING_MAX, resets);
		is_int(in_order, resets, "in the order in which they were closed");
	}
	is_errno(conn_echo(&good_conn, good_fd), 0, "another guest is served");
	close(listener);
	guest_free(g);
}

/* Connections to a guest that takes nothing: what the host's own processes wrote is bounded by their buffers. */
static void check_unread(void)
{
	struct guest *g = guest_new(.cid = CID, .tx_count = 128);
	struct conn c[50];
	int fd[50];
	long long before = memory_used(), held, wrote = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = conn_from_host(&c[i], g, 0, SOCK_STREAM);
		c[i].buf_alloc = 0xffffffff;
		conn_send(&c[i], OP_CREDIT_UPDATE, 0, NULL, 0);
	}
	guest_heard(g);
	g->hold = true;
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) {
		ssize_t n;

		while ((n = send(fd[i], data, 1, MSG_DONTWAIT)) > 0 && wrote < (long long)(i + 1) * 20000)
			wrote += n;
		while ((n = send(fd[i], data, sizeof(data), MSG_DONTWAIT)) > 0)
			wrote += n;
	}
	held = memory_used() - before;
	if (native())
		skip("what nobody takes is bounded", "this kernel keeps a whole packet for each byte");
	else
		ok(held < 50 * 2 * 256 * KIB + 4 * MIB, "50 connections whose guest takes nothing: %lld KiB for %lld KiB",
		   held / KIB, wrote / KIB);
	is_errno(conn_echo(&good_conn, good_fd), 0, "another guest is served");
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
	guest_free(g);
}

/* ---- While a guest floods with all it has ---- */

static struct guest *flooder;
static _Atomic bool stop;

static long long flood_on(void *unused)
{
	struct virtio_vsock_hdr hdr = from_nobody(flooder, OP_RW);
	long long sum = 0;

	(void)unused;
	while (!stop)
		sum += flood(flooder, 1000, 0, next_port, hdr);
	return sum;
}

static void check_fair(void)
{
	struct task task;
	int bad = 0;

	flooder = guest_new(.cid = CID, .tx_count = 256, .features = EVENT_IDX);
	task_start(&task, flood_on, NULL);
	for (int i = 0; i < 200; i++)
		bad += !!conn_echo(&good_conn, good_fd);
	stop = true;
	if (!task_ends(&task))
		bail_out("the flood does not end");
	is_int(bad, 0, "200 round trips of a guest while another one floods");
	ok(task.result < 200 * 1000, "each of them took less time than 1000 packets of the flood: %lld in all",
	   task.result);
	guest_free(flooder);
}

int main(void)
{
	struct rlimit files = { 10000, 10000 };

	watchdog(250);
	must(setrlimit(RLIMIT_NOFILE, &files));
	good = guest_new(.cid = 3);
	good_fd = conn_from_host(&good_conn, good, 0, SOCK_STREAM);
	for (size_t i = 0; i < ARRAY_SIZE(floods); i++)
		check_flood(&floods[i]);
	check_lingering();
	check_unread();
	check_fair();
	close(good_fd);
	guest_free(good);

	return done();
}
