// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packet protocol, packet by packet: a table of single packets that a guest may send in
 * each state and what it hears, and the packets that the host's calls make.
 */
#include "guest_conn.h"

#include <sys/ioctl.h>

#define CID 42

static struct guest *g;

/* ---- What the host's socket has to say, in words ---- */

static const char *socket_state(int fd)
{
	static char data[70000];
	ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT);

	if (n > 0)
		return "data";
	return n ? strerrorname_np(errno) : "eof";
}

static const char *send_byte(int fd)
{
	return send(fd, "x", 1, MSG_DONTWAIT) == 1 ? "ok" : strerrorname_np(errno);
}

/* ---- One packet ---- */

enum state { CONNECTED, LISTENING, BOUND, NOBODY };

static const struct single {
	const char *name;
	enum state state;
	int op, flags;
	/* The header's length, and how much is there; -1: as the header says. */
	unsigned int len;
	int there;
	/* 0: as it should be. */
	int type, port_off;
	unsigned int src_cid, dst_cid;
	const char *heard, *socket;
} singles[] = {
	{ "data", CONNECTED, OP_RW, 0, 4, -1, .heard = "none", .socket = "data" },
	{ "data of 64 KiB", CONNECTED, OP_RW, 0, 65536, -1, .heard = "none", .socket = "data" },
	{ "data of no bytes", CONNECTED, OP_RW, 0, 0, -1, .heard = "none", .socket = "EAGAIN" },
	{ "more than 64 KiB", CONNECTED, OP_RW, 0, 65537, 65536, .heard = "none", .socket = "EAGAIN" },
	{ "a length of 4 GiB", CONNECTED, OP_RW, 0, 0xffffffff, 16, .heard = "none", .socket = "EAGAIN" },
	{ "a length beyond the buffer", CONNECTED, OP_RW, 0, 100, 50, .heard = "none", .socket = "EAGAIN" },
	{ "a length short of the buffer", CONNECTED, OP_RW, 0, 4, 50, .heard = "none", .socket = "data" },
	{ "operation 0", CONNECTED, 0, .there = -1, .heard = "none", .socket = "EAGAIN" },
	{ "an unknown operation", CONNECTED, 99, .there = -1, .heard = "none", .socket = "EAGAIN" },
	{ "a second request", CONNECTED, OP_REQUEST, .there = -1, .heard = "none", .socket = "EAGAIN" },
	{ "a response", CONNECTED, OP_RESPONSE, .there = -1, .heard = "none", .socket = "EAGAIN" },
	{ "the wrong type", CONNECTED, OP_RW, 0, 4, -1, VIRTIO_VSOCK_TYPE_SEQPACKET, .heard = "RST", .socket = "EAGAIN" },
	{ "no type", CONNECTED, OP_RW, 0, 4, -1, 9, .heard = "RST", .socket = "EAGAIN" },
	{ "the wrong port", CONNECTED, OP_RW, 0, 4, -1, .port_off = 1, .heard = "RST", .socket = "EAGAIN" },
	{ "another source", CONNECTED, OP_RW, 0, 4, -1, .src_cid = 43, .heard = "none", .socket = "EAGAIN" },
	{ "the host as the source", CONNECTED, OP_RW, 0, 4, -1, .src_cid = 2, .heard = "none", .socket = "EAGAIN" },
	{ "another destination", CONNECTED, OP_RW, 0, 4, -1, .dst_cid = 43, .heard = "none", .socket = "EAGAIN" },
	{ "loopback as the destination", CONNECTED, OP_RW, 0, 4, -1, .dst_cid = 1, .heard = "none", .socket = "EAGAIN" },
	{ "shutdown of nothing", CONNECTED, OP_SHUTDOWN, 0, .there = -1, .heard = "none", .socket = "EAGAIN" },
	{ "shutdown of receiving", CONNECTED, OP_SHUTDOWN, 1, .there = -1, .heard = "none", .socket = "EAGAIN" },
	{ "shutdown of sending", CONNECTED, OP_SHUTDOWN, 2, .there = -1, .heard = "none", .socket = "eof" },
	{ "shutdown of both", CONNECTED, OP_SHUTDOWN, 3, .there = -1, .heard = "RST", .socket = "eof" },
	{ "shutdown with unknown flags", CONNECTED, OP_SHUTDOWN, 0xfc, .there = -1, .heard = "none", .socket = "EAGAIN" },
	{ "a reset", CONNECTED, OP_RST, .there = -1, .heard = "none", .socket = "eof" },
	{ "a question for credit", CONNECTED, OP_CREDIT_REQUEST, .there = -1, .heard = "none", .socket = "EAGAIN" },
	{ "a request with payload", LISTENING, OP_REQUEST, 0, 4, -1, .heard = "RESPONSE", .socket = "EAGAIN" },
	{ "a request of the wrong type", LISTENING, OP_REQUEST, .there = -1, .type = 2, .heard = "RST" },
	{ "a request of no type", LISTENING, OP_REQUEST, .there = -1, .type = 9, .heard = "RST" },
	{ "a request of another source", LISTENING, OP_REQUEST, .there = -1, .src_cid = 43, .heard = "none" },
	{ "a request to another destination", LISTENING, OP_REQUEST, .there = -1, .dst_cid = 43, .heard = "none" },
	{ "data to a listener", LISTENING, OP_RW, 0, 4, -1, .heard = "RST" },
	{ "a reset to a listener", LISTENING, OP_RST, .there = -1, .heard = "none" },
	{ "a reset of no type to a listener", LISTENING, OP_RST, .there = -1, .type = 9, .heard = "none" },
	{ "a request to who does not listen", BOUND, OP_REQUEST, .there = -1, .heard = "RST", .socket = "ENOTCONN" },
	{ "data to who does not listen", BOUND, OP_RW, 0, 4, -1, .heard = "RST", .socket = "ENOTCONN" },
	{ "a request to nobody", NOBODY, OP_REQUEST, .there = -1, .heard = "RST" },
	{ "data to nobody", NOBODY, OP_RW, 0, 4, -1, .heard = "RST" },
	{ "a response to nobody", NOBODY, OP_RESPONSE, .there = -1, .heard = "RST" },
	{ "a shutdown to nobody", NOBODY, OP_SHUTDOWN, 3, .there = -1, .heard = "RST" },
	{ "a question to nobody", NOBODY, OP_CREDIT_REQUEST, .there = -1, .heard = "RST" },
	{ "a reset to nobody", NOBODY, OP_RST, .there = -1, .heard = "none" },
};

static void check_single(const struct single *s)
{
	static char payload[MAX_PAYLOAD];
	struct virtio_vsock_hdr hdr;
	struct conn c = conn_init(g, SOCK_STREAM, 4000);
	int fd = -1, socket = -1;

	if (s->state == CONNECTED) {
		socket = conn_from_host(&c, g, 0, SOCK_STREAM);
	} else if (s->state != NOBODY) {
		fd = vm_socket(SOCK_STREAM);
		must(-vm_bind(fd, VMADDR_CID_ANY, VMADDR_PORT_ANY));
		c.host_port = vm_port(fd);
		if (s->state == LISTENING)
			must(listen(fd, 8));
	}
	hdr = conn_header(&c, s->op, s->flags, s->len);
	hdr.type = s->type ?: hdr.type;
	hdr.src_port += s->port_off;
	hdr.src_cid = s->src_cid ?: hdr.src_cid;
	hdr.dst_cid = s->dst_cid ?: hdr.dst_cid;
	guest_send(g, &hdr, payload, s->there < 0 ? s->len : (size_t)s->there);
	is_text(guest_heard(g), s->heard, "%s: %s", s->name, s->heard);
	if (s->state == LISTENING && s->socket)
		socket = vm_accept(fd);
	else if (s->state == LISTENING)
		is_int(poll_now(fd), 0, "%s: the listener did not hear of it", s->name);
	if (s->socket)
		is_text(socket_state(socket >= 0 ? socket : fd), s->socket, "%s: the socket: %s", s->name, s->socket);
	if (socket >= 0) {
		close(socket);
		conn_send(&c, OP_RST, 0, NULL, 0);
		guest_heard(g);
	}
	close(fd);
}

/* ---- Packets that are too short, and headers in pieces ---- */

static void check_short(void)
{
	struct conn c;
	int fd = conn_from_host(&c, g, 0, SOCK_STREAM);
	struct queue *q = &g->queue[TX];

	for (unsigned int len = 0; len < HEADER_SIZE; len += 7) {
		struct virtio_vsock_hdr hdr = conn_header(&c, OP_RST, 0, 0);
		unsigned int slot;

		guest_has_room(g, PATIENCE_MS);
		slot = q->free_slots[--q->free_count];
		memcpy(queue_slot(q, slot), &hdr, HEADER_SIZE);
		queue_describe(q, slot, len, len);
		queue_push(q, queue_head(q, slot));
		queue_kick(q);
	}
	is_text(guest_heard(g), "none", "packets shorter than a header are dropped");
	is_errno(conn_echo(&c, fd), 0, "and the guest lives on");
	close(fd);
	guest_heard(g);
}

/* ---- What the host sends ---- */

static bool any_packet(const struct packet *p, const void *unused)
{
	(void)unused;
	return p;
}

/* The next packet in full; the ports as the test knows them. */
static void check_header(const struct conn *c, int op, unsigned int flags, unsigned int len, unsigned int alloc,
			 unsigned int fwd, const char *name)
{
	struct packet *p = guest_expect_within(g, any_packet, NULL, PATIENCE_MS);

	if (!ok(p, "%s: a packet", name))
		return;
	is_int(p->hdr.op, op, "%s: its operation", name);
	is_int(p->hdr.src_cid, VMADDR_CID_HOST, "%s: from the host", name);
	is_int(p->hdr.dst_cid, CID, "%s: to the guest", name);
	is_int(p->hdr.src_port, c->host_port, "%s: from its port", name);
	is_int(p->hdr.dst_port, c->port, "%s: to the guest's port", name);
	is_int(p->hdr.type, wire_type(c->type), "%s: its type", name);
	is_int(p->hdr.flags, flags, "%s: its flags", name);
	is_int(p->hdr.len, len, "%s: its length", name);
	is_int(p->hdr.buf_alloc, alloc, "%s: the buffer's size", name);
	is_int(p->hdr.fwd_cnt, fwd, "%s: what was read", name);
	free(p);
}

static void check_packets(int type)
{
	struct conn c = { .g = g, .type = type, .port = g->next_port++, .buf_alloc = GUEST_BUFFER };
	unsigned int eom = type == SOCK_SEQPACKET ? EOM : 0;
	int fd = host_connecting(0, type, CID, c.port, EINPROGRESS), listener;
	char data[64];

	c.host_port = vm_port(fd);
	check_header(&c, OP_REQUEST, 0, 0, 262144, 0, "connect");
	conn_send(&c, OP_RESPONSE, 0, NULL, 0);
	must(poll_for(fd, POLLOUT));
	must(send(fd, "hello!", 6, 0));
	check_header(&c, OP_RW, eom, 6, 262144, 0, "send");
	conn_send(&c, OP_CREDIT_REQUEST, 0, NULL, 0);
	check_header(&c, OP_CREDIT_UPDATE, 0, 0, 262144, 0, "asked for credit");
	conn_send(&c, OP_RW, eom, "0123456789", 10);
	must(guest_poll(g, fd, POLLIN, PATIENCE_MS));
	is_int(recv(fd, data, sizeof(data), 0), 10, "ten bytes arrive");
	guest_heard(g);
	conn_send(&c, OP_CREDIT_REQUEST, 0, NULL, 0);
	check_header(&c, OP_CREDIT_UPDATE, 0, 0, 262144, 10, "asked for credit after that");
	must(shutdown(fd, SHUT_RD));
	check_header(&c, OP_SHUTDOWN, 1, 0, 262144, 10, "shutdown of receiving");
	close(fd);
	check_header(&c, OP_SHUTDOWN, 3, 0, 262144, 10, "close");
	conn_send(&c, OP_RST, 0, NULL, 0);
	is_text(guest_heard(g), "none", "the guest's reset ends it");

	listener = vm_listen(type);
	c = conn_init(g, type, vm_port(listener));
	conn_send(&c, OP_REQUEST, 0, NULL, 0);
	check_header(&c, OP_RESPONSE, 0, 0, 262144, 0, "the answer to a request");
	close(must(vm_accept(listener)));
	is_text(conn_next(&c), "SHUTDOWN(3)", "closed");
	conn_send(&c, OP_RST, 0, NULL, 0);
	close(listener);
}

/* ---- Answers to the host's request ---- */

static const struct answer {
	const char *name;
	int op, type, port_off;
	const char *heard, *poll;
	int err;
} answers[] = {
	{ "a response", OP_RESPONSE, 0, 0, "none", "OUT", 0 },
	{ "a reset", OP_RST, 0, 0, "none", "OUT|ERR", ECONNRESET },
	{ "a shutdown", OP_SHUTDOWN, 0, 0, "RST", "OUT|ERR", EPROTO },
	{ "a request", OP_REQUEST, 0, 0, "RST", "OUT|ERR", EPROTO },
	{ "data", OP_RW, 0, 0, "RST", "OUT|ERR", EPROTO },
	{ "credit", OP_CREDIT_UPDATE, 0, 0, "RST", "OUT|ERR", EPROTO },
	{ "a response of another type", OP_RESPONSE, 2, 0, "RST", "0", 0 },
	{ "a response of another port", OP_RESPONSE, 0, 1, "RST", "0", 0 },
};

static void check_answer(const struct answer *a)
{
	struct conn c = { .g = g, .type = SOCK_STREAM, .port = g->next_port++, .buf_alloc = GUEST_BUFFER };
	int fd = host_connecting(0, SOCK_STREAM, CID, c.port, EINPROGRESS);
	struct virtio_vsock_hdr hdr;

	g->next_port++;
	c.host_port = vm_port(fd);
	is_text(conn_next(&c), "REQUEST", "%s: a request comes", a->name);
	hdr = conn_header(&c, a->op, 0, 0);
	hdr.type = a->type ?: hdr.type;
	hdr.src_port += a->port_off;
	guest_send(g, &hdr, NULL, 0);
	is_text(guest_heard(g), a->heard, "%s: the guest hears %s", a->name, a->heard);
	if (strcmp(a->poll, "0"))
		poll_for(fd, POLLOUT);
	is_text(poll_names(poll_now(fd)), a->poll, "%s: poll: %s", a->name, a->poll);
	is_errno(so_error(fd), a->err, "%s: the error", a->name);
	close(fd);
	guest_heard(g);
}

/* ---- Ends ---- */

static void check_half_close(void)
{
	struct conn c;
	int fd = conn_from_host(&c, g, 0, SOCK_STREAM);
	char data[16];

	must(shutdown(fd, SHUT_WR));
	is_text(conn_next(&c), "SHUTDOWN(2)", "the host ends sending");
	is_text(send_byte(fd), "EPIPE", "it sends no more");
	conn_send(&c, OP_RW, 0, "more", 4);
	must(guest_poll(g, fd, POLLIN, PATIENCE_MS));
	is_int(recv(fd, data, sizeof(data), 0), 4, "but receives");
	conn_send(&c, OP_RW, 0, "last", 4);
	conn_send(&c, OP_SHUTDOWN, 3, NULL, 0);
	must(guest_poll(g, fd, POLLIN, PATIENCE_MS));
	is_int(recv(fd, data, sizeof(data), 0), 4, "also what came before the guest's end");
	guest_fence(g);
	is_text(socket_state(fd), "eof", "then the end");
	close(fd);

	fd = conn_from_host(&c, g, 0, SOCK_STREAM);
	conn_send(&c, OP_SHUTDOWN, 1, NULL, 0);
	guest_fence(g);
	is_text(poll_names(poll_now(fd)), "OUT", "a guest that receives no more: poll");
	is_text(send_byte(fd), "EPIPE", "sending");
	conn_send(&c, OP_SHUTDOWN, 2, NULL, 0);
	guest_fence(g);
	is_text(poll_names(poll_now(fd)), "IN|OUT|RDHUP", "and sends no more: poll");
	close(fd);
	guest_heard(g);
}

/* What ends a connection at once says what the host has received of it; a connection that is not known has nothing to say. */
static void check_reset_credit(int type)
{
	struct conn c = { .g = g, .type = type, .port = g->next_port++, .buf_alloc = GUEST_BUFFER };
	unsigned int eom = type == SOCK_SEQPACKET ? EOM : 0;
	int fd = host_connecting(0, type, CID, c.port, EINPROGRESS);
	char data[16];

	c.host_port = vm_port(fd);
	check_header(&c, OP_REQUEST, 0, 0, 262144, 0, "connect");
	conn_send(&c, OP_SHUTDOWN, 3, NULL, 0);
	check_header(&c, OP_RST, 0, 0, 262144, 0, "a wrong answer is reset");
	close(fd);
	conn_send(&c, OP_RW, eom, NULL, 0);
	check_header(&c, OP_RST, 0, 0, 0, 0, "what comes after it");

	fd = conn_from_host(&c, g, 0, type);
	conn_send(&c, OP_RW, eom, "hello", 5);
	must(guest_poll(g, fd, POLLIN, PATIENCE_MS));
	is_int(recv(fd, data, sizeof(data), 0), 5, "five bytes arrive");
	guest_heard(g);
	conn_send(&c, OP_SHUTDOWN, 3, NULL, 0);
	check_header(&c, OP_RST, 0, 0, 262144, 5, "the guest's end is answered");
	close(fd);
	check_header(&c, OP_RST, 0, 0, 262144, 5, "and once more by the host's");
}

/* Each end is told once, and at once. */
static void check_ends_once(void)
{
	struct conn c = { .g = g, .type = SOCK_STREAM, .port = g->next_port++, .buf_alloc = GUEST_BUFFER };
	int fd = host_connecting(0, SOCK_STREAM, CID, c.port, EINPROGRESS);

	c.host_port = vm_port(fd);
	is_text(conn_next(&c), "REQUEST", "a connect");
	must(shutdown(fd, SHUT_WR));
	is_text(conn_next(&c), "SHUTDOWN(2)", "is told at once what it is shut down for");
	conn_send(&c, OP_RESPONSE, 0, NULL, 0);
	is_text(guest_heard(g), "none", "and not again when it stands");
	must(shutdown(fd, SHUT_RD));
	is_text(conn_next(&c), "SHUTDOWN(1)", "the rest of it");
	close(fd);
	is_text(guest_heard(g), "none", "close has nothing to add");
	conn_send(&c, OP_SHUTDOWN, 1, NULL, 0);
	is_text(guest_heard(g), "none", "the guest receives no more");
	conn_send(&c, OP_SHUTDOWN, 2, NULL, 0);
	is_text(guest_heard(g), "RST", "and sends no more: it is over");

	fd = conn_from_host(&c, g, 0, SOCK_STREAM);
	conn_send(&c, OP_RST, 0, NULL, 0);
	is_text(guest_heard(g), "none", "the guest's reset");
	close(fd);
	is_text(guest_heard(g), "RST", "is answered when the socket is closed");
}

static void check_late_data(void)
{
	struct conn c;
	int fd = conn_from_host(&c, g, 0, SOCK_STREAM);

	must(shutdown(fd, SHUT_RD));
	is_text(conn_next(&c), "SHUTDOWN(1)", "the host ends receiving");
	conn_send(&c, OP_RW, 0, "late", 4);
	is_text(guest_heard(g), "none", "data after that is dropped");
	is_text(socket_state(fd), "eof", "the host reads the end");
	close(fd);
	is_text(conn_next(&c), "SHUTDOWN(3)", "closed");
	conn_send(&c, OP_RW, 0, "late", 4);
	is_text(guest_heard(g), "none", "data after that too");
	conn_send(&c, OP_RST, 0, NULL, 0);
	is_text(guest_heard(g), "none", "the guest's reset is the last word");
	conn_send(&c, OP_RW, 0, "late", 4);
	is_text(guest_heard(g), "RST", "after it the connection is unknown");
}

/* The ports of a connection that both ends have done with serve for a new one at once. */
static void check_ports_again(void)
{
	int listener = vm_listen(SOCK_STREAM), fd, again;
	struct conn c;

	fd = conn_from_guest(&c, g, listener);
	conn_send(&c, OP_SHUTDOWN, 3, NULL, 0);
	is_text(guest_heard(g), "RST", "the guest ends a connection");
	is_text(socket_state(fd), "eof", "the host's socket is at its end");
	is_text(conn_request(&c), "RESPONSE", "and connects again, same ports");
	again = vm_accept(listener);
	call_ok(again, "the listener has it");
	c.sent = c.fwd_cnt = 0;
	is_errno(conn_echo(&c, again), 0, "it works");
	close(again);
	close(fd);
	close(listener);
	guest_heard(g);
}

static void check_resize(void)
{
	struct conn c;
	int fd = conn_from_host(&c, g, 0, SOCK_STREAM);

	guest_heard(g);
	is_errno(set_buffer(fd, SO_VM_SOCKETS_BUFFER_SIZE, 4096), 0, "a smaller buffer");
	check_header(&c, OP_CREDIT_UPDATE, 0, 0, 4096, 0, "is announced");
	is_errno(set_buffer(fd, SO_VM_SOCKETS_BUFFER_SIZE, 4096), 0, "the same size again");
	is_text(guest_said(g, true), "none", "is not");
	close(fd);
	guest_heard(g);
}

static void check_eom_eor(void)
{
	struct conn c;
	int fd = conn_from_host(&c, g, 0, SOCK_SEQPACKET);
	struct msghdr msg = {};
	char data[64];
	struct iovec iov = { data, sizeof(data) };

	must(send(fd, "a", 1, 0));
	check_header(&c, OP_RW, EOM, 1, 262144, 0, "a message");
	must(send(fd, "b", 1, MSG_EOR));
	check_header(&c, OP_RW, EOM | EOR, 1, 262144, 0, "the end of a record");
	conn_send(&c, OP_RW, 0, "pa", 2);
	guest_fence(g);
	is_text(socket_state(fd), "EAGAIN", "part of a message cannot be received");
	conn_send(&c, OP_RW, EOM | EOR, "rt", 2);
	must(guest_poll(g, fd, POLLIN, PATIENCE_MS));
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	is_int(recvmsg(fd, &msg, 0), 4, "the rest makes it whole");
	is_int(msg.msg_flags & MSG_EOR, MSG_EOR, "and it ends the record");
	conn_send(&c, OP_RW, EOM, NULL, 0);
	conn_send(&c, OP_RW, EOM, "x", 1);
	must(guest_poll(g, fd, POLLIN, PATIENCE_MS));
	is_int(recv(fd, data, sizeof(data), MSG_DONTWAIT), 0, "an empty message is one");
	guest_fence(g);
	is_int(recv(fd, data, sizeof(data), MSG_DONTWAIT), 1, "and the next one comes");
	close(fd);
	guest_heard(g);
}

int main(void)
{
	watchdog(120);
	g = guest_new(.cid = CID);
	for (size_t i = 0; i < ARRAY_SIZE(singles); i++)
		check_single(&singles[i]);
	check_short();
	check_packets(SOCK_STREAM);
	check_packets(SOCK_SEQPACKET);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		check_answer(&answers[i]);
	check_half_close();
	check_reset_credit(SOCK_STREAM);
	check_reset_credit(SOCK_SEQPACKET);
	check_ends_once();
	check_late_data();
	check_ports_again();
	check_resize();
	check_eom_eor();
	guest_free(g);

	return done();
}
