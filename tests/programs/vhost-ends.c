// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections that end: closed sockets that linger, devices that close under connections in
 * every state, many connections at once, and guests that come back.
 */
#include "guest_pump.h"
#include "ns_alive.h"

#include <sys/resource.h>

#define CID 42
#define LINGER_MS 8000

static char data[200000];

static const char *state(int fd)
{
	char byte[16];
	ssize_t n = recv(fd, byte, sizeof(byte), MSG_DONTWAIT);

	return n > 0 ? "data" : n ? strerrorname_np(errno) : "eof";
}

/* ---- Closing lingers ---- */

struct lingering {
	struct guest *g;
	struct conn silent, next, refused, late;
	struct task watch;
	long long closed, between;
};

static long long watch_for_reset(void *arg)
{
	struct lingering *l = arg;
	struct packet *p = conn_receive_within(&l->silent, LINGER_MS + PATIENCE_MS);
	bool reset = p && p->hdr.op == OP_RST;
	long long when = now_ms();

	free(p);
	p = conn_receive_within(&l->next, LINGER_MS + PATIENCE_MS);
	l->between = p && p->hdr.op == OP_RST ? now_ms() - when : -1;
	free(p);
	return reset ? when - l->closed : 0;
}

/* Their RSTs are due eight seconds from here: what else there is to test is tested meanwhile. */
static void linger_begin(struct lingering *l)
{
	int fd;

	l->g = guest_new(.cid = 50);
	fd = conn_from_host(&l->silent, l->g, 0, SOCK_STREAM);
	must(send(fd, "bye", 3, 0));
	close(fd);
	l->closed = now_ms();
	is_text(conn_next(&l->silent), "RW(3)", "close: what was sent before goes first");
	is_text(conn_next(&l->silent), "SHUTDOWN(3)", "close: then the end is told");
	close(conn_from_host(&l->next, l->g, 0, SOCK_STREAM));
	is_text(conn_next(&l->next), "SHUTDOWN(3)", "close: another one that the guest will say nothing to");

	fd = conn_from_host(&l->refused, l->g, 0, SOCK_STREAM);
	l->refused.buf_alloc = 2;
	conn_send(&l->refused, OP_CREDIT_UPDATE, 0, NULL, 0);
	guest_fence(l->g);
	is_int(send(fd, "bye", 3, MSG_DONTWAIT), 2, "close: a guest with credit for 2 bytes");
	close(fd);
	is_text(conn_next(&l->refused), "RW(2)", "close: gets 2");
	is_text(conn_next(&l->refused), "SHUTDOWN(3)", "close: and the end");

	fd = conn_from_host(&l->late, l->g, 0, SOCK_STREAM);
	close(fd);
	is_text(conn_next(&l->late), "SHUTDOWN(3)", "close: told");
	conn_send(&l->late, OP_SHUTDOWN, 3, NULL, 0);
	is_text(conn_next(&l->late), "RST", "close: a guest that ends as well gets the reset at once");
	conn_send(&l->refused, OP_RST, 0, NULL, 0);
	is_text(guest_heard(l->g), "none", "close: the guest's reset needs no answer");
	task_start(&l->watch, watch_for_reset, l);
}

static void linger_end(struct lingering *l)
{
	ok(task_ends(&l->watch), "close: a guest that says nothing is reset");
	ok(l->watch.result >= LINGER_MS - 500 && l->watch.result < LINGER_MS + PATIENCE_MS / 2, "close: after 8 s: %lld ms",
	   l->watch.result);
	if (native())
		skip("close: and the next one then", "this kernel was not asked");
	else
		ok(l->between >= 0 && l->between < LINGER_MS / 2, "close: and the next one then: %lld ms later", l->between);
	is_text(guest_heard(l->g), "none", "close: others ended before");
	guest_free(l->g);
}

/* ---- The device is closed, connections in every state ---- */

static void nothing(int signal)
{
	(void)signal;
}

static long long connect_to_guest(void *fd)
{
	return -vm_connect(*(int *)fd, CID, 9999);
}

static void check_device_closed(int type)
{
	struct guest *g = guest_new(.cid = CID), *other = guest_new(.cid = CID + 1);
	struct conn idle, unread, untaken, ended, kept;
	int fd[5], pending, blocked, listener = vm_listen(type), new;
	struct task connecting;

	fd[0] = conn_from_host(&idle, g, 0, type);
	fd[1] = conn_from_host(&unread, g, 0, type);
	conn_send(&unread, OP_RW, EOM, "left", 4);
	fd[2] = conn_from_guest(&ended, g, listener);
	must(shutdown(fd[2], SHUT_WR));
	fd[3] = conn_from_host(&kept, other, 0, type);
	untaken = conn_init(g, type, vm_port(listener));
	is_text(conn_request(&untaken), "RESPONSE", "%s: one that is not accepted yet", type_name(type));
	pending = host_connecting(0, type, CID, 9998, EINPROGRESS);
	blocked = vm_socket(type);
	task_start(&connecting, connect_to_guest, &blocked);
	ok(task_sleeps(&connecting), "%s: a connect waits for the guest", type_name(type));
	guest_fence(g);

	guest_close_device(g);
	is_text(poll_names(poll_for(fd[0], POLLERR)), "IN|OUT|ERR|RDHUP", "%s: device closed: poll", type_name(type));
	is_errno(so_error(fd[0]), ECONNRESET, "%s: ECONNRESET", type_name(type));
	is_text(state(fd[0]), "eof", "%s: then the end", type_name(type));
	is_errno(errno_of(send(fd[0], "x", 1, 0)), EPIPE, "%s: nothing more is sent", type_name(type));
	if (type == SOCK_STREAM) {
		is_text(state(fd[1]), "data", "what had arrived can be read");
		is_text(state(fd[1]), "ECONNRESET", "before the reset");
	}
	is_errno(so_error(fd[2]), ECONNRESET, "%s: one that ended sending", type_name(type));
	new = vm_accept(listener);
	if (new >= 0) {
		is_text(state(new), so_error(new) ? "eof" : "ECONNRESET", "%s: one that was not accepted is reset too",
			type_name(type));
		close(new);
	} else {
		is_errno(errno, ECONNRESET, "%s: one that was not accepted is reset too", type_name(type));
	}
	if (native()) {
		skip("connects that wait end at once", "this kernel lets them time out");
		must(pthread_kill(connecting.thread, SIGUSR1));
	} else {
		is_int(poll_for(pending, POLLOUT) & (POLLOUT | POLLERR), POLLOUT | POLLERR,
		       "%s: a nonblocking connect ends at once", type_name(type));
		is_errno(so_error(pending), ECONNRESET, "%s: with ECONNRESET", type_name(type));
	}
	ok(task_ends(&connecting), "%s: a connect that waits comes back", type_name(type));
	if (!native())
		is_int(connecting.result, -ECONNRESET, "%s: with ECONNRESET, too", type_name(type));
	is_errno(conn_echo(&kept, fd[3]), 0, "%s: another guest's connection lives on", type_name(type));

	guest_free(g);
	g = guest_new(.cid = CID);
	fd[4] = conn_from_host(&idle, g, 0, type);
	is_errno(conn_echo(&idle, fd[4]), 0, "%s: a new guest with that CID", type_name(type));
	is_text(guest_heard(g), "none", "%s: which hears nothing of the old ones", type_name(type));
	for (int i = 0; i < 5; i++)
		close(fd[i]);
	close(pending);
	close(blocked);
	close(listener);
	guest_free(g);
	guest_free(other);
}

/* ---- A guest that does not run, stops, and restarts ---- */

static void check_not_running(void)
{
	struct guest *g = guest_new(.cid = CID, .stopped = true);
	int fd = vm_socket(SOCK_STREAM);
	struct packet *p;
	struct conn c;

	is_errno(vm_connect(fd, CID, 1), EHOSTUNREACH, "a guest that does not run is not reached");
	is_errno(device_run(g->fd, 1), 0, "it starts");
	close(fd);
	fd = host_connecting(0, SOCK_STREAM, CID, 77, EINPROGRESS);
	ok(conn_answer(&c, g, 77, OP_RESPONSE), "then it is");
	must(poll_for(fd, POLLOUT));
	set_nonblock(fd, false);
	is_errno(device_run(g->fd, 0), 0, "it stops");
	is_errno(errno_of(send(fd, "now", 3, MSG_DONTWAIT)), EHOSTUNREACH, "nothing is sent to it");
	is_errno(device_run(g->fd, 1), 0, "it runs again");
	is_int(send(fd, "later", 5, MSG_DONTWAIT), 5, "then it is");
	p = conn_receive_within(&c, PATIENCE_MS);
	is_text(packet_name(p), "RW(5)", "and arrives");
	free(p);
	close(fd);
	guest_free(g);
}

/* ---- It refuses who waits, and has ended receiving already ---- */

static void check_refused(void)
{
	struct guest *g = guest_new(.cid = CID);
	int fd = vm_socket(SOCK_STREAM);
	struct task connecting;
	struct conn c;

	task_start(&connecting, connect_to_guest, &fd);
	ok(task_sleeps(&connecting), "a connect waits for the guest");
	is_errno(errno_of(shutdown(fd, SHUT_RD)), 0, "its socket ends receiving");
	ok(conn_answer(&c, g, 9999, OP_RST), "the guest refuses");
	ok(task_ends(&connecting), "and it comes back");
	is_int(connecting.result, -ECONNRESET, "with ECONNRESET");
	is_errno(errno_of(listen(fd, 1)), 0, "nothing of it is left");
	close(fd);
	guest_free(g);
}

/* ---- Its CID changes: it is another guest now, and nobody waits for the one before ---- */

static long long receive_byte(void *fd)
{
	char byte;

	return recv(*(int *)fd, &byte, 1, 0);
}

static long long send_byte(void *fd)
{
	return send(*(int *)fd, "x", 1, 0);
}

static void check_cid_changes(int type)
{
	struct guest *g = guest_new(.cid = CID);
	struct task receiver, sender, connecting;
	struct conn idle, silent, full, unread;
	int fd[4], blocked = vm_socket(type), new;

	fd[0] = conn_from_host(&idle, g, 0, type);
	fd[1] = conn_from_host(&silent, g, 0, type);
	fd[2] = conn_from_host(&full, g, 0, type);
	full.buf_alloc = 1;
	conn_send(&full, OP_CREDIT_UPDATE, 0, NULL, 0);
	guest_fence(g);
	is_int(send(fd[2], "x", 1, MSG_DONTWAIT), 1, "%s: a guest whose buffer is full", type_name(type));
	fd[3] = conn_from_host(&unread, g, 0, type);
	conn_send(&unread, OP_RW, EOM, "left", 4);
	guest_heard(g);
	task_start(&receiver, receive_byte, &fd[1]);
	task_start(&sender, send_byte, &fd[2]);
	task_start(&connecting, connect_to_guest, &blocked);
	ok(task_sleeps(&receiver) && task_sleeps(&sender) && task_sleeps(&connecting),
	   "%s: who receives, sends and connects waits", type_name(type));
	guest_heard(g);

	is_errno(device_set_cid(g->fd, CID), 0, "%s: the CID that it has", type_name(type));
	is_errno(conn_echo(&idle, fd[0]), 0, "%s: changes nothing", type_name(type));
	is_errno(device_set_cid(g->fd, CID + 1), 0, "%s: another CID", type_name(type));
	ok(task_ends(&receiver), "%s: the receiver comes back", type_name(type));
	is_errno(receiver.error, ENODEV, "%s: nobody is there", type_name(type));
	ok(task_ends(&sender), "%s: the sender, too", type_name(type));
	is_errno(sender.error, ENODEV, "%s: nobody is there", type_name(type));
	ok(task_ends(&connecting), "%s: and who connects", type_name(type));
	is_int(connecting.result, -ENODEV, "%s: nobody is there", type_name(type));
	is_text(poll_names(poll_now(fd[0])), "IN|OUT|ERR|RDHUP", "%s: poll tells it", type_name(type));
	is_text(state(fd[3]), "data", "%s: what had arrived can be read", type_name(type));
	is_text(state(fd[3]), "ENODEV", "%s: before the end", type_name(type));

	g->config.cid = CID + 1;
	is_text(guest_heard(g), "none", "%s: the guest hears nothing of it", type_name(type));
	new = conn_from_host(&idle, g, 0, type);
	is_errno(conn_echo(&idle, new), 0, "%s: it is reached by its new CID", type_name(type));
	close(blocked);
	blocked = vm_socket(type);
	is_errno(vm_connect(blocked, CID, 1), type == SOCK_STREAM ? ENODEV : ESOCKTNOSUPPORT, "%s: and not by the old one",
		 type_name(type));
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
	is_text(guest_heard(g), "none", "%s: closing the old ones is no news, either", type_name(type));
	close(blocked);
	close(new);
	guest_free(g);
}

/* What any kernel says. */
static void check_cid_changed(void)
{
	struct guest *g = guest_new(.cid = CID);
	struct conn c;
	int fd = conn_from_host(&c, g, 0, SOCK_STREAM);

	is_errno(device_set_cid(g->fd, CID + 1), 0, "its CID changes");
	is_errno(errno_of(send(fd, "x", 1, 0)), ENODEV, "nothing is sent to the old one");
	close(fd);
	guest_free(g);
}

/* ---- Many at once ---- */

#define MANY 200

static void check_many(int type)
{
	struct guest *g = guest_new(.cid = CID, .tx_count = 256);
	struct pump p[2];
	struct conn c[MANY];
	int fd[MANY], listener = vm_listen(type), good = 0;

	for (int i = 0; i < MANY; i++)
		fd[i] = i % 2 ? conn_from_host(&c[i], g, 0, type) : conn_from_guest(&c[i], g, listener);
	/* All have something to say at once, and each its own. */
	for (int i = 0; i < MANY; i++) {
		data_fill(data, 1000, i * 10007);
		must(send(fd[i], data, 1000, 0));
		conn_send(&c[i], OP_RW, EOM, data, 1000);
	}
	for (int i = 0; i < MANY; i++) {
		struct packet *packet = conn_receive_within(&c[i], PATIENCE_MS);

		while (packet && packet->hdr.op != OP_RW) {
			free(packet);
			packet = conn_receive_within(&c[i], PATIENCE_MS);
		}
		good += packet && packet->hdr.len == 1000 && data_check(packet->data, 1000, i * 10007) < 0;
		free(packet);
		conn_consume(&c[i], 1000);
		good += recv(fd[i], data, sizeof(data), 0) == 1000 && data_check(data, 1000, i * 10007) < 0;
	}
	is_int(good, 2 * MANY, "%s: %d connections at once, each with its own data both ways", type_name(type), MANY);
	for (int i = 0; i < 2; i++) {
		p[i] = (struct pump) { .conn = &c[i * 101], .fd = fd[i * 101], .total = 300000, .chunk = 20000 };
		ok(i ? pump_to_host(&p[i]) : pump_to_guest(&p[i]), "%s: much data through one of them: %s", type_name(type),
		   p[i].wrong ?: "all right");
	}
	for (int i = 0; i < MANY; i += 2)
		close(fd[i]);
	good = 0;
	for (int i = 0; i < MANY; i++) {
		if (i % 2)
			good += !conn_echo(&c[i], fd[i]);
		else
			good += !strcmp(conn_next(&c[i]), "SHUTDOWN(3)");
	}
	is_int(good, MANY, "%s: half of them end, the others live on", type_name(type));
	guest_close_device(g);
	good = 0;
	for (int i = 1; i < MANY; i += 2) {
		good += so_error(fd[i]) == ECONNRESET;
		close(fd[i]);
	}
	is_int(good, MANY / 2, "%s: until the guest does not", type_name(type));
	close(listener);
	guest_free(g);
}

#define GUESTS 40

static void check_many_guests(void)
{
	struct guest *g[GUESTS];
	struct conn c[GUESTS];
	int fd[GUESTS], good = 0;

	for (int i = 0; i < GUESTS; i++) {
		g[i] = guest_new(.cid = 100 + i, .memory = 8 << 20, .rx_count = 4, .tx_count = 4);
		fd[i] = conn_from_host(&c[i], g[i], 0, SOCK_STREAM);
	}
	for (int i = 0; i < GUESTS; i++)
		good += !conn_echo(&c[i], fd[i]);
	for (int i = 0; i < GUESTS; i += 2)
		guest_free(g[i]);
	for (int i = 1; i < GUESTS; i += 2) {
		good += !conn_echo(&c[i], fd[i]);
		guest_free(g[i]);
	}
	for (int i = 0; i < GUESTS; i++)
		close(fd[i]);
	is_int(good, GUESTS * 3 / 2, "%d guests, of which half end while the others talk", GUESTS);
}

/* A listener whose backlog is full refuses, and takes the next when there is room. */
static void check_backlog(void)
{
	struct guest *g = guest_new(.cid = CID);
	int here = ns_here();
	int listener = vm_listen_in(here, SOCK_STREAM, VMADDR_CID_ANY, 2), taken = 0, fd;
	const char *answer = "none";
	struct conn c;

	while (taken < 10) {
		c = conn_init(g, SOCK_STREAM, vm_port(listener));
		answer = conn_request(&c);
		if (strcmp(answer, "RESPONSE"))
			break;
		taken++;
	}
	is_text(answer, "RST", "a full backlog refuses");
	ok(taken >= 2 && taken <= 3, "after %d", taken);
	fd = must(vm_accept(listener));
	c = conn_init(g, SOCK_STREAM, vm_port(listener));
	is_text(conn_request(&c), "RESPONSE", "one accepted makes room");
	close(fd);
	close(listener);
	close(here);
	guest_heard(g);
	guest_free(g);
}

/* A socket whose guest has ended does not keep the guest's namespace. */
static void check_namespace_goes(void)
{
	int ns = ns_new_global(), number = ns_tag(ns);
	struct guest *g = guest_new(.cid = CID, .ns = ns);
	struct conn c;
	int fd = conn_from_host(&c, g, 0, SOCK_STREAM);

	close(ns);
	ok(ns_alive(number), "a device holds its namespace");
	guest_free(g);
	if (native())
		skip("its sockets do not", "this kernel was not asked");
	else
		ok(ns_dies(number), "its sockets do not");
	close(fd);
}

int main(void)
{
	struct sigaction interrupt = { .sa_handler = nothing };
	struct lingering l;

	watchdog(150);
	must(sigaction(SIGUSR1, &interrupt, NULL));
	linger_begin(&l);
	check_device_closed(SOCK_STREAM);
	check_device_closed(SOCK_SEQPACKET);
	check_not_running();
	check_refused();
	check_cid_changed();
	if (native()) {
		skip("a CID that changes wakes who waits", "this kernel lets them wait");
	} else {
		check_cid_changes(SOCK_STREAM);
		check_cid_changes(SOCK_SEQPACKET);
	}
	check_many(SOCK_STREAM);
	check_many(SOCK_SEQPACKET);
	check_many_guests();
	check_namespace_goes();
	check_backlog();
	linger_end(&l);

	return done();
}
