/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a simulated guest says and hears: packets, and connections with credit.  Packets
 * that a test does not ask for wait in a queue; guest_heard() tells what is in it.
 */
#ifndef GUEST_CONN_H
#define GUEST_CONN_H

#include "guest_sim.h"

enum {
	OP_REQUEST = VIRTIO_VSOCK_OP_REQUEST,
	OP_RESPONSE = VIRTIO_VSOCK_OP_RESPONSE,
	OP_RST = VIRTIO_VSOCK_OP_RST,
	OP_SHUTDOWN = VIRTIO_VSOCK_OP_SHUTDOWN,
	OP_RW = VIRTIO_VSOCK_OP_RW,
	OP_CREDIT_UPDATE = VIRTIO_VSOCK_OP_CREDIT_UPDATE,
	OP_CREDIT_REQUEST = VIRTIO_VSOCK_OP_CREDIT_REQUEST,
};

#define EOM VIRTIO_VSOCK_SEQ_EOM
#define EOR VIRTIO_VSOCK_SEQ_EOR
/* What guests offer; a test that wants another credit sets conn.buf_alloc. */
#define GUEST_BUFFER (256 * 1024)

/* ---- Packets out ---- */

/* Slots whose packets the device has taken are free again. */
static TAP_UNUSED void guest_reap(struct guest *g)
{
	struct queue *q = &g->queue[TX];
	unsigned int slot, len;

	while (queue_take(q, &slot, &len))
		q->free_slots[q->free_count++] = slot;
}

static TAP_UNUSED bool guest_has_room(struct guest *g, int ms)
{
	guest_reap(g);
	if (!g->queue[TX].free_count && guest_wait(g, TX, ms))
		guest_reap(g);
	return g->queue[TX].free_count;
}

/* Puts a packet into the ring, with @described bytes of which @len are payload that is there. */
static TAP_UNUSED void guest_enqueue(struct guest *g, const struct virtio_vsock_hdr *hdr, const void *data, size_t len)
{
	struct queue *q = &g->queue[TX];
	unsigned int slot = q->free_slots[--q->free_count];
	unsigned char *place = queue_slot(q, slot);

	memcpy(place, hdr, HEADER_SIZE);
	if (len)
		memcpy(place + HEADER_SIZE, data, len);
	queue_describe(q, slot, HEADER_SIZE + len, q->parts == 2 ? HEADER_SIZE : 0);
	queue_push(q, queue_head(q, slot));
}

/* False when the device takes no packet for so long. */
static TAP_UNUSED bool guest_send_within(struct guest *g, const struct virtio_vsock_hdr *hdr, const void *data,
					 size_t len, int ms)
{
	if (!guest_has_room(g, ms))
		return false;
	guest_enqueue(g, hdr, data, len);
	queue_kick(&g->queue[TX]);
	return true;
}

static TAP_UNUSED void guest_send(struct guest *g, const struct virtio_vsock_hdr *hdr, const void *data, size_t len)
{
	if (!guest_send_within(g, hdr, data, len, PATIENCE_MS))
		bail_out("the device takes no more packets");
}

/* ---- Packets in ---- */

/* From a buffer that came back, which the device gets again. */
static TAP_UNUSED bool guest_receive(struct guest *g)
{
	struct queue *q = &g->queue[RX];
	unsigned int slot, len;
	struct packet *p;

	if (!queue_take(q, &slot, &len))
		return false;
	if (len < HEADER_SIZE || len > q->slot_size)
		bail_out("a packet of %u bytes in a buffer of %zu", len, q->slot_size);
	p = malloc(sizeof(*p) + len - HEADER_SIZE);
	memcpy(&p->hdr, queue_slot(q, slot), HEADER_SIZE);
	memcpy(p->data, queue_slot(q, slot) + HEADER_SIZE, len - HEADER_SIZE);
	p->written = len;
	if (len != HEADER_SIZE + p->hdr.len)
		bail_out("a packet of %u bytes is said to be %u", p->hdr.len, len);
	STAILQ_INSERT_TAIL(&g->packets, p, next);
	if (!g->hold) {
		guest_post(g, slot);
		queue_kick(q);
	}
	return true;
}

static TAP_UNUSED void guest_receive_all(struct guest *g)
{
	while (guest_receive(g))
		;
}

/* The first that @wanted says yes to; the caller frees it. NULL when none comes. */
static TAP_UNUSED struct packet *guest_expect_within(struct guest *g, bool (*wanted)(const struct packet *, const void *),
						     const void *what, int ms)
{
	long long end = now_ms() + ms;
	struct packet *p;

	for (;;) {
		guest_receive_all(g);
		STAILQ_FOREACH(p, &g->packets, next) {
			if (!wanted || wanted(p, what)) {
				STAILQ_REMOVE(&g->packets, p, packet, next);
				return p;
			}
		}
		if (now_ms() >= end || !guest_wait(g, RX, end - now_ms()))
			return NULL;
	}
}

/* "RW(3)", "SHUTDOWN(1)", "RST"; in a buffer of its own per call, eight of them in turn. */
static TAP_UNUSED const char *packet_name(const struct packet *p)
{
	static const char *const ops[] = {
		"INVALID", "REQUEST", "RESPONSE", "RST", "SHUTDOWN", "RW", "CREDIT_UPDATE", "CREDIT_REQUEST",
	};
	static char names[8][32];
	static unsigned int next;
	char *name = names[next++ % ARRAY_SIZE(names)];

	if (!p)
		return "none";
	if (p->hdr.op >= ARRAY_SIZE(ops))
		snprintf(name, sizeof(names[0]), "op %u", p->hdr.op);
	else if (p->hdr.op == OP_RW)
		snprintf(name, sizeof(names[0]), "RW(%u)", p->hdr.len);
	else if (p->hdr.op == OP_SHUTDOWN)
		snprintf(name, sizeof(names[0]), "SHUTDOWN(%u)", p->hdr.flags);
	else
		snprintf(name, sizeof(names[0]), "%s", ops[p->hdr.op]);
	return name;
}

/* ---- What was heard until now ---- */

/* Ports that no test uses: who talks from there to there is reset. */
#define FENCE_PORT 0xfffffff0u

static TAP_UNUSED bool is_fence(const struct packet *p, const void *unused)
{
	(void)unused;
	return p->hdr.dst_port == FENCE_PORT;
}

/*
 * Comes back when the device has taken all that was sent, and has said all that it had to
 * say of it: two questions after each other, whose answers are resets.
 */
static TAP_UNUSED bool guest_fence(struct guest *g)
{
	struct virtio_vsock_hdr hdr = {
		.src_cid = g->config.cid, .dst_cid = VMADDR_CID_HOST, .src_port = FENCE_PORT, .dst_port = FENCE_PORT,
		.type = VIRTIO_VSOCK_TYPE_STREAM, .op = OP_RW,
	};

	for (int i = 0; i < 2; i++) {
		struct packet *p;

		if (!guest_send_within(g, &hdr, NULL, 0, PATIENCE_MS))
			return false;
		p = guest_expect_within(g, is_fence, NULL, PATIENCE_MS);
		if (!p)
			return false;
		free(p);
	}
	return true;
}

/* The names of all that came and nobody asked for, such as "RW(4),RST"; "none". Empties the queue. */
static TAP_UNUSED const char *guest_said(struct guest *g, bool credit_too)
{
	static char texts[4][512];
	static unsigned int next;
	char *text = texts[next++ % ARRAY_SIZE(texts)];
	struct packet *p;

	*text = '\0';
	if (!guest_fence(g))
		return "the device does not answer";
	while ((p = STAILQ_FIRST(&g->packets))) {
		STAILQ_REMOVE_HEAD(&g->packets, next);
		if ((credit_too || p->hdr.op != OP_CREDIT_UPDATE) && strlen(text) < sizeof(texts[0]) - 40)
			sprintf(text + strlen(text), "%s%s", *text ? "," : "", packet_name(p));
		free(p);
	}
	return *text ? text : "none";
}

/* When to tell of credit is for the host to choose: most tests do not look. */
static TAP_UNUSED const char *guest_heard(struct guest *g)
{
	return guest_said(g, false);
}

static TAP_PRINTF(5, 6) bool check_text(const char *file, int line, const char *got, const char *want,
					const char *format, ...)
{
	if (TAP_CHECK(file, line, !strcmp(got, want), format))
		return true;
	diag("got %s, want %s", got, want);
	return false;
}

#define is_text(got, want, ...) check_text(__FILE__, __LINE__, got, want, __VA_ARGS__)

/* "IN|OUT"; in a buffer of its own. */
static TAP_UNUSED const char *poll_names(int events)
{
	static const struct {
		int bit;
		const char *name;
	} bits[] = {
		{ POLLIN, "IN" }, { POLLOUT, "OUT" }, { POLLERR, "ERR" }, { POLLHUP, "HUP" }, { POLLRDHUP, "RDHUP" },
	};
	static char text[64];

	*text = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		if (events & bits[i].bit)
			sprintf(text + strlen(text), "%s%s", *text ? "|" : "", bits[i].name);
	return *text ? text : "0";
}

/* ---- Connections ---- */

struct conn {
	struct guest *g;
	unsigned int port, host_port;
	int type;
	uint32_t buf_alloc, fwd_cnt, told_fwd;
	uint32_t peer_alloc, peer_fwd, sent;
};

static TAP_UNUSED int wire_type(int type)
{
	return type == SOCK_STREAM ? VIRTIO_VSOCK_TYPE_STREAM : VIRTIO_VSOCK_TYPE_SEQPACKET;
}

static TAP_UNUSED struct virtio_vsock_hdr conn_header(const struct conn *c, int op, unsigned int flags, size_t len)
{
	return (struct virtio_vsock_hdr) {
		.src_cid = c->g->config.cid, .dst_cid = VMADDR_CID_HOST,
		.src_port = c->port, .dst_port = c->host_port,
		.len = len, .type = wire_type(c->type), .op = op, .flags = flags,
		.buf_alloc = c->buf_alloc, .fwd_cnt = c->fwd_cnt,
	};
}

static TAP_UNUSED void conn_send(struct conn *c, int op, unsigned int flags, const void *data, size_t len)
{
	struct virtio_vsock_hdr hdr = conn_header(c, op, flags, len);

	c->told_fwd = c->fwd_cnt;
	if (op == OP_RW)
		c->sent += len;
	guest_send(c->g, &hdr, data, len);
}

static TAP_UNUSED bool conn_owns(const struct packet *p, const void *conn)
{
	const struct conn *c = conn;

	return p->hdr.dst_port == c->port && p->hdr.src_port == c->host_port && p->hdr.type == wire_type(c->type) &&
	       p->hdr.src_cid == VMADDR_CID_HOST && p->hdr.dst_cid == c->g->config.cid;
}

/* The next packet of this connection; the caller frees it. NULL when none comes. */
static TAP_UNUSED struct packet *conn_receive_within(struct conn *c, int ms)
{
	struct packet *p = guest_expect_within(c->g, conn_owns, c, ms);

	if (p) {
		c->peer_alloc = p->hdr.buf_alloc;
		c->peer_fwd = p->hdr.fwd_cnt;
	}
	return p;
}

/* The next packet's name, without those that only tell of credit. */
static TAP_UNUSED const char *conn_next(struct conn *c)
{
	const char *name;
	struct packet *p;

	while ((p = conn_receive_within(c, PATIENCE_MS)) && p->hdr.op == OP_CREDIT_UPDATE)
		free(p);
	name = packet_name(p);
	free(p);
	return name;
}

static TAP_UNUSED struct conn conn_init(struct guest *g, int type, unsigned int host_port)
{
	return (struct conn) {
		.g = g, .type = type, .port = g->next_port++, .host_port = host_port, .buf_alloc = GUEST_BUFFER,
	};
}

/* The guest connects: the answer's name. */
static TAP_UNUSED const char *conn_request(struct conn *c)
{
	struct packet *p;
	const char *name;

	conn_send(c, OP_REQUEST, 0, NULL, 0);
	p = conn_receive_within(c, PATIENCE_MS);
	name = packet_name(p);
	free(p);
	return name;
}

static bool is_request(const struct packet *p, const void *port)
{
	return p->hdr.op == OP_REQUEST && p->hdr.dst_port == *(const unsigned int *)port;
}

/* The host's request to @port is answered with @op; false when none comes. */
static TAP_UNUSED bool conn_answer(struct conn *c, struct guest *g, unsigned int port, int op)
{
	struct packet *p = guest_expect_within(g, is_request, &port, PATIENCE_MS);

	if (!p)
		return false;
	*c = (struct conn) {
		.g = g, .port = port, .host_port = p->hdr.src_port, .buf_alloc = GUEST_BUFFER,
		.type = p->hdr.type == VIRTIO_VSOCK_TYPE_STREAM ? SOCK_STREAM : SOCK_SEQPACKET,
		.peer_alloc = p->hdr.buf_alloc, .peer_fwd = p->hdr.fwd_cnt,
	};
	free(p);
	conn_send(c, op, 0, NULL, 0);
	return true;
}

/* A nonblocking socket that is connecting, in a namespace (0: ours). */
static TAP_UNUSED int host_connecting(int ns, int type, unsigned int cid, unsigned int port, int want)
{
	int fd = ns > 0 ? vm_socket_in(ns, type) : vm_socket(type);
	int err;

	set_nonblock(fd, true);
	err = vm_connect(fd, cid, port);
	if (err != want)
		bail_out("connect to %u:%u: %s", cid, port, err ? strerrorname_np(err) : "success");
	return fd;
}

/* The host connects to the guest; blocking sockets on both sides of the test. */
static TAP_UNUSED int conn_from_host(struct conn *c, struct guest *g, int ns, int type)
{
	unsigned int port = g->next_port++;
	int fd = host_connecting(ns, type, g->config.cid, port, EINPROGRESS);

	if (!conn_answer(c, g, port, OP_RESPONSE))
		bail_out("the guest sees no request");
	if (!guest_poll(g, fd, POLLOUT, PATIENCE_MS) || so_error(fd))
		bail_out("the host's connect does not succeed");
	set_nonblock(fd, false);
	return fd;
}

/* The guest connects to a listener of the host's. */
static TAP_UNUSED int conn_from_guest(struct conn *c, struct guest *g, int listener)
{
	struct packet *p;
	int fd;

	*c = conn_init(g, 0, vm_port(listener));
	must(getsockopt(listener, SOL_SOCKET, SO_TYPE, &c->type, &(socklen_t){ sizeof(c->type) }));
	conn_send(c, OP_REQUEST, 0, NULL, 0);
	p = conn_receive_within(c, PATIENCE_MS);
	if (!p || p->hdr.op != OP_RESPONSE)
		bail_out("the guest's request is answered by %s", packet_name(p));
	free(p);
	fd = must(vm_accept(listener));
	return fd;
}

/* Both ways of making one, by a flag. */
static TAP_UNUSED int conn_new(struct conn *c, struct guest *g, int type, bool from_host)
{
	int listener, fd;

	if (from_host)
		return conn_from_host(c, g, 0, type);
	listener = vm_listen(type);
	fd = conn_from_guest(c, g, listener);
	close(listener);
	return fd;
}

/* ---- Data ---- */

static TAP_UNUSED uint32_t conn_credit(const struct conn *c)
{
	return c->peer_alloc - (c->sent - c->peer_fwd);
}

/* What the host has told meanwhile. */
static TAP_UNUSED bool is_credit(const struct packet *p, const void *conn)
{
	return conn_owns(p, conn) && p->hdr.op == OP_CREDIT_UPDATE;
}

static TAP_UNUSED bool conn_learn_credit(struct conn *c, int ms)
{
	struct packet *p = guest_expect_within(c->g, is_credit, c, ms);

	if (!p)
		return false;
	c->peer_alloc = p->hdr.buf_alloc;
	c->peer_fwd = p->hdr.fwd_cnt;
	free(p);
	return true;
}

/* The bytes that belong at @place, in packets of at most @size, as far as credit goes; how many. */
static TAP_UNUSED size_t conn_write_some(struct conn *c, uint64_t place, size_t len, size_t size)
{
	static unsigned char data[MAX_PAYLOAD];
	size_t done = 0;

	while (conn_learn_credit(c, 0))
		;
	while (done < len && guest_has_room(c->g, 0)) {
		size_t part = len - done < size ? len - done : size;

		if (part > conn_credit(c))
			part = conn_credit(c);
		if (!part)
			break;
		data_fill(data, part, place + done);
		conn_send(c, OP_RW, 0, data, part);
		done += part;
	}
	return done;
}

/* Credit that the guest owes is told when half of its buffer is unknown to the host. */
static TAP_UNUSED void conn_consume(struct conn *c, size_t len)
{
	c->fwd_cnt += len;
	if (c->fwd_cnt - c->told_fwd >= c->buf_alloc / 2)
		conn_send(c, OP_CREDIT_UPDATE, 0, NULL, 0);
}

/* One byte each way. 0 or an error. */
static TAP_UNUSED int conn_echo(struct conn *c, int fd)
{
	unsigned int eom = c->type == SOCK_SEQPACKET ? EOM : 0;
	struct packet *p;
	char byte = 0;

	conn_send(c, OP_RW, eom, "?", 1);
	errno = 0;
	if (!guest_poll(c->g, fd, POLLIN, PATIENCE_MS) || recv(fd, &byte, 1, MSG_DONTWAIT) != 1 || byte != '?')
		return errno ?: EPROTO;
	if (send(fd, "!", 1, MSG_DONTWAIT) != 1)
		return errno ?: EPROTO;
	while ((p = conn_receive_within(c, PATIENCE_MS)) && p->hdr.op == OP_CREDIT_UPDATE)
		free(p);
	byte = p && p->hdr.op == OP_RW && p->hdr.len == 1 ? p->data[0] : 0;
	free(p);
	conn_consume(c, 1);
	return byte == '!' ? 0 : EPROTO;
}

#endif
