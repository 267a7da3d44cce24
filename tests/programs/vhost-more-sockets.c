// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets that talk to a guest, as far as no other program asks: in a sockmap, with messages of no bytes, without a copy from
 * another namespace; and a guest that starts anew while answers for it wait.
 */
#include "guest_pump.h"
#include "bpf_map.h"

#include <linux/errqueue.h>

#define CID 42
#define KIB 1024

static int type;

/* ---- In a sockmap: a program sees what the guest sends ---- */

/* Does a map of this kernel take such a socket? Some do not know programs of this kind either. */
static bool maps_take_us(void)
{
	int map = map_new(), client, server, err;

	vm_pair(SOCK_STREAM, &client, &server);
	err = map_put(map, 0, server);
	close(client);
	close(server);
	close(map);

	return !err;
}

static void check_map(bool from_host)
{
	struct guest *g = guest_new(.cid = CID);
	struct conn c;
	struct pump p = { .conn = &c, .total = 1024 * KIB, .chunk = 10007 };
	int map = map_passing();
	char data[16];

	p.fd = conn_new(&c, g, type, from_host);
	is_errno(map_put(map, 0, p.fd), 0, "%s: into a sockmap", type_name(type));
	is_errno(conn_echo(&c, p.fd), 0, "%s: it talks", type_name(type));
	ok(pump_to_host(&p), "%s: much passes the program, and is credited", type_name(type));
	if (p.wrong)
		diag("%s after %llu bytes", p.wrong, (unsigned long long)p.arrived);
	conn_send(&c, OP_RW, type == SOCK_SEQPACKET ? EOM : 0, "bye", 3);
	conn_send(&c, OP_SHUTDOWN, VIRTIO_VSOCK_SHUTDOWN_SEND, NULL, 0);
	is_int(recv(p.fd, data, sizeof(data), 0), 3, "%s: the last words are received", type_name(type));
	is_int(recv(p.fd, data, sizeof(data), 0), 0, "%s: then the end", type_name(type));
	close(p.fd);
	close(map);
	guest_free(g);
}

/* ---- Messages of no bytes ---- */

static void check_nothing_sent(void)
{
	struct guest *g = guest_new(.cid = CID);
	struct conn c;
	int fd = conn_new(&c, g, SOCK_SEQPACKET, true);

	is_int(send(fd, "", 0, 0), 0, "to send nothing is no error");
	is_text(guest_heard(g), "none", "and the guest hears of no message, as on every kernel");
	is_errno(conn_echo(&c, fd), 0, "it talks on");
	close(fd);
	guest_free(g);
}

static void check_empty_in_map(void)
{
	struct guest *g = guest_new(.cid = CID);
	struct conn c;
	int fd = conn_new(&c, g, SOCK_SEQPACKET, true), map = map_passing();
	char data[16];

	is_errno(map_put(map, 0, fd), 0, "messages: into a sockmap");
	for (int i = 0; i < 100; i++)
		conn_send(&c, OP_RW, EOM, NULL, 0);
	conn_send(&c, OP_RW, EOM, "x", 1);
	is_int(recv(fd, data, sizeof(data), 0), 1, "messages: only what has bytes is received there");
	is_errno(conn_echo(&c, fd), 0, "messages: and it talks on");
	close(map);
	close(fd);
	guest_free(g);
}

/* ---- MSG_ZEROCOPY: what a guest does not take must not hold somebody else's namespace ---- */

/* What the notification says about a send from a namespace, -1 without one. The guest takes nothing until @held ends. */
static int zerocopy_code(struct guest *g, struct conn *c, int fd, bool held)
{
	static char data[100 * KIB];
	struct pump p = { .conn = c, .fd = fd, .total = sizeof(data), .chunk = sizeof(data), .flags = MSG_ZEROCOPY };
	char control[256];
	struct msghdr msg = { .msg_control = control, .msg_controllen = sizeof(control) };
	struct sock_extended_err *report;
	struct cmsghdr *cmsg;

	if (held)
		is_int(send(fd, data, sizeof(data), MSG_ZEROCOPY | MSG_DONTWAIT), sizeof(data), "sent");
	else
		ok(pump_to_guest(&p), "sent, and it arrives");
	if (!guest_poll(g, fd, POLLERR, PATIENCE_MS) || recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT))
		return -1;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg)
		return -1;
	report = (void *)CMSG_DATA(cmsg);
	return report->ee_origin == SO_EE_ORIGIN_ZEROCOPY ? report->ee_code : -1;
}

static void check_zerocopy(bool elsewhere)
{
	/* With a buffer that is taken by the first packet. */
	struct guest *g = guest_new(.cid = CID, .rx_count = elsewhere ? 1 : 64);
	int ns = elsewhere ? ns_new_global() : 0, one = 1, fd, err;
	struct conn c;

	fd = conn_from_host(&c, g, ns, SOCK_STREAM);
	err = errno_of(setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)));
	/* The latter is the kernel's own ENOTSUPP. */
	if (err == EOPNOTSUPP || err == 524) {
		skip("without a copy", "setsockopt() of this kernel has no SO_ZEROCOPY for other families");
	} else if (elsewhere) {
		g->hold = true;
		is_int(zerocopy_code(g, &c, fd, true), SO_EE_CODE_ZEROCOPY_COPIED,
		       "from another namespace: copied, and told so at once, though the guest takes nothing");
	} else {
		is_int(zerocopy_code(g, &c, fd, false), 0, "from the guest's own namespace: in place");
	}
	close(fd);
	if (ns)
		close(ns);
	guest_free(g);
}

/* ---- A guest that starts anew ---- */

/* The device has taken all packets but so many. */
static bool taken_but(struct guest *g, unsigned int left)
{
	struct queue *tx = &g->queue[TX];

	for (guest_reap(g); tx->free_count + left < tx->slot_count; guest_reap(g))
		if (!guest_wait(g, TX, PATIENCE_MS))
			return false;
	return true;
}

static bool all_taken(struct guest *g)
{
	return taken_but(g, 0);
}

/* New rings in the same device, as after a reset of the machine. */
static void start_again(struct guest *g)
{
	struct queue *tx = &g->queue[TX];

	must(-device_run(g->fd, 0));
	for (int i = 0; i < QUEUES; i++) {
		struct queue old = g->queue[i];

		close(old.kick);
		close(old.call);
		close(old.err);
		free(old.free_slots);
		memset(&g->queue[i], 0, sizeof(old));
		guest_setup_queue(g, i, old.slot_count, old.parts, old.slot_size);
	}
	for (unsigned int slot = 0; slot < tx->slot_count; slot++)
		tx->free_slots[tx->free_count++] = slot;
	guest_post_all(g);
	must(-device_run(g->fd, 1));
	queue_kick_always(&g->queue[RX]);
}

/* Resets that had no room are not for the driver that comes after one that broke its ring. */
static void check_refusals(void)
{
	struct guest *g = guest_new(.cid = CID, .rx_count = 1);
	struct conn nobody = conn_init(g, SOCK_STREAM, FENCE_PORT - 1);
	struct queue *tx = &g->queue[TX];

	g->hold = true;
	for (int i = 0; i < 20; i++) {
		nobody.port++;
		conn_send(&nobody, OP_RW, 0, "x", 1);
	}
	ok(all_taken(g), "refusals: the device takes packets of no connection");
	queue_push(tx, tx->ring.num);
	queue_kick(tx);
	ok(guest_poll(g, tx->err, POLLIN, PATIENCE_MS), "refusals: and stops at a broken ring");
	g->hold = false;
	start_again(g);
	is_text(guest_heard(g), "none", "refusals: none for the next driver");
	guest_free(g);
}

/* Packets wait behind resets that nobody takes; with another CID they need not any more. */
static void check_new_cid(void)
{
	struct guest *g = guest_new(.cid = CID, .rx_count = 1, .tx_count = 128);
	struct conn nobody = conn_init(g, SOCK_STREAM, FENCE_PORT - 1);

	g->hold = true;
	for (int i = 0; i < 100; i++) {
		nobody.port++;
		conn_send(&nobody, OP_RW, 0, "x", 1);
	}
	ok(taken_but(g, 100 - 64), "another CID: the device takes packets of no connection");
	is_errno(device_set_cid(g->fd, CID + 1), 0, "another CID: is set");
	ok(all_taken(g), "another CID: it takes the others");
	guest_free(g);
}

int main(void)
{
	watchdog(120);
	if (maps_take_us()) {
		for_each_type(type) {
			check_map(false);
			check_map(true);
		}
		check_empty_in_map();
	} else {
		skip("in a sockmap", "this kernel's sockmaps take no such sockets");
	}
	check_nothing_sent();
	check_zerocopy(false);
	check_zerocopy(true);
	check_refusals();
	check_new_cid();

	return done();
}
