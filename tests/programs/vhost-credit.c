// SPDX-License-Identifier: GPL-2.0-only
/* Credit in both directions: who has none waits, who keeps to it is never reset, who does not is. */
#include "guest_pump.h"

#define CID 42

static struct guest *g;
static char data[300000];

static int connected(struct conn *c, int type, unsigned int credit)
{
	int fd;

	fd = conn_from_host(c, g, 0, type);
	c->buf_alloc = credit;
	conn_send(c, OP_CREDIT_UPDATE, 0, NULL, 0);
	guest_heard(g);
	return fd;
}

/* What was read is told as read; what is heard of it. */
static void consume(struct conn *c, unsigned int len)
{
	c->fwd_cnt += len;
	conn_send(c, OP_CREDIT_UPDATE, 0, NULL, 0);
}

static void disconnect(struct conn *c, int fd)
{
	close(fd);
	conn_send(c, OP_RST, 0, NULL, 0);
	guest_heard(g);
}

static long long send_some(void *fd)
{
	return send(*(int *)fd, data, 100, 0);
}

/* ---- Credit that the guest gives ---- */

static void check_stream(void)
{
	struct conn c;
	int fd = connected(&c, SOCK_STREAM, 16);

	is_int(send(fd, data, 50, MSG_DONTWAIT), 16, "credit for 16 of 50 bytes");
	is_errno(errno_of(send(fd, data, 1, MSG_DONTWAIT)), EAGAIN, "and for no more");
	is_int(poll_now(fd), 0, "poll agrees");
	is_text(guest_heard(g), "RW(16)", "the guest has 16");
	consume(&c, 10);
	is_int(poll_for(fd, POLLOUT), POLLOUT, "room for 10: poll wakes");
	is_int(send(fd, data, 50, MSG_DONTWAIT), 10, "10 are sent");
	is_text(guest_heard(g), "RW(10)", "the guest has them");
	consume(&c, 16);
	guest_fence(g);
	is_int(send(fd, data, 50, MSG_DONTWAIT), 16, "and again 16");
	is_text(guest_heard(g), "RW(16)", "which the guest has");
	/* Less than is on its way: none is left, and not 4 GiB. */
	c.buf_alloc = 4;
	conn_send(&c, OP_CREDIT_UPDATE, 0, NULL, 0);
	guest_fence(g);
	is_errno(errno_of(send(fd, data, 1, MSG_DONTWAIT)), EAGAIN, "a guest that shrinks its buffer below what is there");
	c.buf_alloc = 26;
	conn_send(&c, OP_CREDIT_UPDATE, 0, NULL, 0);
	guest_fence(g);
	is_int(send(fd, data, 50, MSG_DONTWAIT), 10, "and grows it");
	c.buf_alloc = 0;
	conn_send(&c, OP_CREDIT_UPDATE, 0, NULL, 0);
	guest_fence(g);
	is_errno(errno_of(send(fd, data, 1, MSG_DONTWAIT)), EAGAIN, "no buffer at all");
	disconnect(&c, fd);
}

static void check_messages(void)
{
	struct conn c;
	int fd = connected(&c, SOCK_SEQPACKET, 100);
	struct task sender;

	is_int(send(fd, data, 60, MSG_DONTWAIT), 60, "messages: credit for 60 of 100");
	is_int(send(fd, data, 40, MSG_DONTWAIT), 40, "and for 40");
	is_errno(errno_of(send(fd, data, 1, MSG_DONTWAIT)), EAGAIN, "then for none");
	is_int(poll_now(fd) & POLLOUT, 0, "poll agrees");
	is_text(guest_heard(g), "RW(60),RW(40)", "the guest has both");
	task_start(&sender, send_some, &fd);
	ok(task_sleeps(&sender), "who has no credit waits");
	consume(&c, 100);
	ok(task_ends(&sender), "until there is some");
	is_int(sender.result, 100, "and sends all");
	is_text(guest_heard(g), "RW(100)", "in one message");
	is_errno(errno_of(send(fd, data, 101, MSG_DONTWAIT)), EAGAIN, "a message that never fits waits for room as others do");
	consume(&c, 100);
	is_int(poll_for(fd, POLLOUT), POLLOUT, "there is some");
	is_errno(errno_of(send(fd, data, 101, MSG_DONTWAIT)), EMSGSIZE, "then that is told");
	c.buf_alloc = 0;
	conn_send(&c, OP_CREDIT_UPDATE, 0, NULL, 0);
	guest_fence(g);
	is_errno(errno_of(send(fd, data, 1, MSG_DONTWAIT)), EAGAIN, "no buffer at all");
	is_int(poll_now(fd), 0, "poll agrees");
	disconnect(&c, fd);
}

static long long receive_some(void *fd)
{
	return recv(*(int *)fd, data, 100, 0);
}

static long long poll_out(void *fd)
{
	struct pollfd p = { .fd = *(int *)fd, .events = POLLOUT };

	return poll(&p, 1, PATIENCE_MS) ? p.revents : 0;
}

/* Each kind of waiting, and each way that it may end. */
static void check_blocked(void)
{
	static const struct {
		const char *name;
		long long (*wait)(void *fd);
		enum { CREDIT, RESET, SHUTDOWN_ALL, DEVICE } end;
		long long result;
		int error;
	} cases[] = {
		{ "send, credit comes", send_some, CREDIT, 100, 0 },
		{ "send, a reset comes", send_some, RESET, -1, EPIPE },
		{ "send, the guest shuts down", send_some, SHUTDOWN_ALL, -1, EPIPE },
		{ "send, the device is closed", send_some, DEVICE, -1, ECONNRESET },
		{ "poll, credit comes", poll_out, CREDIT, POLLOUT, 0 },
		{ "poll, a reset comes", poll_out, RESET, POLLOUT, 0 },
		{ "recv, a reset comes", receive_some, RESET, 0, 0 },
		{ "recv, the guest shuts down", receive_some, SHUTDOWN_ALL, 0, 0 },
		{ "recv, the device is closed", receive_some, DEVICE, -1, ECONNRESET },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct task waiter;
		struct conn c;
		int fd = connected(&c, SOCK_STREAM, 0);

		task_start(&waiter, cases[i].wait, &fd);
		ok(task_sleeps(&waiter), "%s: it waits", cases[i].name);
		c.buf_alloc = 100;
		if (cases[i].end == CREDIT)
			conn_send(&c, OP_CREDIT_UPDATE, 0, NULL, 0);
		else if (cases[i].end == RESET)
			conn_send(&c, OP_RST, 0, NULL, 0);
		else if (cases[i].end == SHUTDOWN_ALL)
			conn_send(&c, OP_SHUTDOWN, 3, NULL, 0);
		else
			guest_close_device(g);
		ok(task_ends(&waiter), "%s: and comes back", cases[i].name);
		is_int(waiter.result, cases[i].result, "%s: the result", cases[i].name);
		if (cases[i].result < 0)
			is_errno(waiter.error, cases[i].error, "%s: the error", cases[i].name);
		if (cases[i].end == DEVICE) {
			close(fd);
			guest_free(g);
			g = guest_new(.cid = CID);
		} else {
			disconnect(&c, fd);
		}
	}
}

/* ---- Credit that the host gives ---- */

static void check_over_credit(int type)
{
	unsigned int port = g->next_port++;
	int fd = vm_socket(type);
	struct conn c;

	/* From the start: credit that was given once is not taken back. */
	must(-set_buffer(fd, SO_VM_SOCKETS_BUFFER_SIZE, 1024));
	set_nonblock(fd, true);
	is_errno(vm_connect(fd, CID, port), EINPROGRESS, "%s: a small buffer", type_name(type));
	conn_answer(&c, g, port, OP_RESPONSE);
	is_int(c.peer_alloc, 1024, "%s: which the request tells", type_name(type));
	must(poll_for(fd, POLLOUT));
	guest_heard(g);
	conn_send(&c, OP_RW, 0, data, 1024);
	is_text(guest_heard(g), "none", "%s: as much as the host's buffer takes", type_name(type));
	conn_send(&c, OP_RW, 0, data, 1);
	is_text(guest_heard(g), "RST", "%s: a byte more resets", type_name(type));
	is_int(poll_for(fd, POLLRDHUP) & (POLLERR | POLLRDHUP), POLLERR | POLLRDHUP, "%s: the host sees it", type_name(type));
	is_errno(so_error(fd), ENOBUFS, "%s: and why", type_name(type));
	disconnect(&c, fd);
}

/* In pieces of @size up to what the host allows, again and again. */
static void check_within_credit(int type, unsigned int buffer, unsigned int size, unsigned int rounds)
{
	char name[128];
	unsigned int sent = 0, heard = 0;
	const char *said = "none";
	struct packet *p;
	struct conn c;
	int fd;

	snprintf(name, sizeof(name), "%s, buffer of %u, pieces of %u", type_name(type), buffer, size);
	if (native()) {
		skip(name, "this kernel resets a guest that keeps to its credit");
		return;
	}
	fd = connected(&c, type, GUEST_BUFFER);
	must(-set_buffer(fd, SO_VM_SOCKETS_BUFFER_SIZE, buffer));
	if (buffer != c.peer_alloc) {
		p = conn_receive_within(&c, PATIENCE_MS);
		is_int(p ? p->hdr.buf_alloc : 0, buffer, "%s: told of", name);
		free(p);
	}
	for (unsigned int i = 0; i < rounds; i++) {
		while (conn_credit(&c) >= size) {
			conn_send(&c, OP_RW, type == SOCK_SEQPACKET ? EOM : 0, data, size);
			sent += size;
		}
		guest_fence(g);
		while ((p = conn_receive_within(&c, 0))) {
			if (p->hdr.op != OP_CREDIT_UPDATE)
				said = packet_name(p);
			free(p);
		}
		while (heard < sent) {
			ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT);

			if (n <= 0)
				break;
			heard += n;
		}
		guest_fence(g);
		while ((p = conn_receive_within(&c, 0)))
			free(p);
	}
	is_text(said, "none", "%s: nobody complains", name);
	is_int(heard, sent, "%s: all arrives", name);
	ok(sent >= rounds * (buffer / size / 2) * size, "%s: and credit comes back", name);
	disconnect(&c, fd);
}

/* The host tells of room in time, also when its reader reads little by little. */
static void check_updates(void)
{
	struct conn c;
	int fd = connected(&c, SOCK_STREAM, GUEST_BUFFER);
	unsigned int total = 0, stuck = 0;

	must(-set_buffer(fd, SO_VM_SOCKETS_BUFFER_SIZE, 65536));
	conn_learn_credit(&c, PATIENCE_MS);
	while (total < 2000000 && !stuck) {
		size_t n = conn_write_some(&c, 0, 65536, 5000);
		ssize_t got;

		total += n;
		while ((got = recv(fd, data, 1000, MSG_DONTWAIT)) > 0)
			;
		if (!n && !guest_wait_either(g, RX, fd, POLLIN, PATIENCE_MS))
			stuck = total;
	}
	is_int(stuck, 0, "a guest that fills the buffer gets credit when it is read");

	/* A reader that wants more than was left when the guest ran out of credit. */
	guest_fence(g);
	while (recv(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	must(setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &(int){ 65536 }, sizeof(int)));
	guest_fence(g);
	while (conn_learn_credit(&c, 0))
		;
	total = 0;
	while (total < 65536) {
		size_t n = conn_write_some(&c, 0, 65536 - total, 5000);

		total += n;
		if (!n && !conn_learn_credit(&c, 2000))
			break;
	}
	is_int(total, 65536, "who asks to be woken for a full buffer gets it filled");
	is_int(poll_for(fd, POLLIN) & POLLIN, POLLIN, "and is woken");
	disconnect(&c, fd);
}

/* ---- Counters of bytes have 32 bits, connections do not ---- */

#define GIB (1u << 30)

/* As much as there is credit for, of no content: what counts is how much. */
static void use_credit(struct conn *c)
{
	const struct virtio_vsock_hdr hdr = conn_header(c, OP_RW, 0, MAX_PAYLOAD);
	struct queue *q = &g->queue[TX];

	while (conn_credit(c) >= MAX_PAYLOAD && guest_has_room(g, PATIENCE_MS)) {
		unsigned int slot = q->free_slots[--q->free_count];

		memcpy(queue_slot(q, slot), &hdr, HEADER_SIZE);
		queue_describe(q, slot, HEADER_SIZE + MAX_PAYLOAD, HEADER_SIZE);
		queue_push(q, queue_head(q, slot));
		queue_kick(q);
		c->sent += MAX_PAYLOAD;
	}
}

static void ask_for_credit(struct conn *c)
{
	conn_send(c, OP_CREDIT_REQUEST, 0, NULL, 0);
	guest_fence(g);
	while (conn_learn_credit(c, 0))
		;
}

/* To who does not read any more, so that nothing has to be copied for it to be received. */
static void check_wrap(void)
{
	unsigned int port = g->next_port++;
	int fd = vm_socket(SOCK_STREAM);
	struct conn c;

	if (native()) {
		skip("more than 4 GiB", "this kernel keeps what nobody reads");
		return;
	}
	must(-set_buffer(fd, SO_VM_SOCKETS_BUFFER_MAX_SIZE, GIB));
	must(-set_buffer(fd, SO_VM_SOCKETS_BUFFER_SIZE, GIB));
	set_nonblock(fd, true);
	is_errno(vm_connect(fd, CID, port), EINPROGRESS, "a buffer of 1 GiB");
	conn_answer(&c, g, port, OP_RESPONSE);
	must(poll_for(fd, POLLOUT));
	must(shutdown(fd, SHUT_RD));
	is_text(guest_heard(g), "SHUTDOWN(1)", "nobody reads from it");
	for (int i = 1; i <= 5; i++) {
		use_credit(&c);
		ask_for_credit(&c);
		is_int(c.peer_fwd, (uint32_t)(i * (uint64_t)GIB), "%d GiB were received", i);
		is_int(conn_credit(&c), GIB, "and as much as before may come");
	}
	is_int(send(fd, data, 3, MSG_DONTWAIT), 3, "the other direction goes on");
	is_text(guest_heard(g), "RW(3)", "as ever");
	use_credit(&c);
	conn_send(&c, OP_RW, 0, data, 1);
	is_text(guest_heard(g), "RST", "a byte more than is allowed resets");
	is_errno(so_error(fd), ENOBUFS, "and the host knows why");
	disconnect(&c, fd);
}

/* Its buffer is as large as a guest can say: what the host keeps for it is bounded by the host's own. */
static void check_cap(void)
{
	struct conn c;
	int fd = connected(&c, SOCK_STREAM, 0xffffffff);
	size_t total = 0;
	ssize_t n;

	g->hold = true;
	while ((n = send(fd, data, sizeof(data), MSG_DONTWAIT)) > 0 && total < 64 << 20)
		total += n;
	g->hold = false;
	ok(total <= 262144 + 65536, "a guest that offers 4 GiB gets what the host's own buffer is: %zu", total);
	disconnect(&c, fd);
}

int main(void)
{
	watchdog(250);
	g = guest_new(.cid = CID, .tx_count = 256);
	check_stream();
	check_messages();
	check_blocked();
	check_over_credit(SOCK_STREAM);
	check_over_credit(SOCK_SEQPACKET);
	check_within_credit(SOCK_STREAM, 256, 1, 4);
	check_within_credit(SOCK_STREAM, 4096, 1, 4);
	check_within_credit(SOCK_SEQPACKET, 4096, 1, 4);
	check_within_credit(SOCK_STREAM, 65536, 45, 4);
	check_within_credit(SOCK_SEQPACKET, 65536, 45, 4);
	check_within_credit(SOCK_STREAM, 262144, 4096, 4);
	check_updates();
	check_wrap();
	check_cap();
	guest_free(g);

	return done();
}
