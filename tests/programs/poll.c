// SPDX-License-Identifier: GPL-2.0-only
/* What poll() and epoll tell in each state of a socket, and that no change of state is missed. */
#include "vsock_test.h"

#include <sys/epoll.h>

#define BUFFER_SIZE (256 * 1024)

static int type;
#define T type_name(type)

static int a, b;

/* What poll tells, once it is what it should be: a packet transport needs a moment. */
static int settles(int fd, int want)
{
	long long end = now_ms() + 3000;
	int got = poll_now(fd);

	while (got != want && now_ms() < end) {
		poll(NULL, 0, 1);
		got = poll_now(fd);
	}
	return got;
}

#define is_polled(fd, want, ...) is_int(settles(fd, want), want, __VA_ARGS__)

static size_t filled;

static void fill(int fd)
{
	static char buffer[4096];
	ssize_t n;

	filled = 0;
	while ((n = send(fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0)
		filled += n;
}

/* Receives all that fill() sent: a packet transport may still carry a part of it. */
static size_t drain(int fd)
{
	static char buffer[BUFFER_SIZE];
	size_t sum = 0;
	ssize_t n;

	while (sum < filled && settles(fd, POLLIN | POLLOUT) & POLLIN &&
	       (n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0)
		sum += n;
	return sum;
}

static void check_states(void)
{
	struct pollfd p;
	int listener = vm_socket(type);
	char byte;

	is_int(poll_now(listener), POLLOUT, "%s: new socket", T);
	must(-vm_bind(listener, VMADDR_CID_ANY, VMADDR_PORT_ANY));
	is_int(poll_now(listener), POLLOUT, "%s: bound socket", T);
	must(listen(listener, 1));
	is_int(poll_now(listener), 0, "%s: listener", T);
	a = vm_socket(type);
	must(-vm_connect(a, VMADDR_CID_LOCAL, vm_port(listener)));
	is_int(poll_now(a), POLLOUT, "%s: connected socket", T);
	is_polled(listener, POLLIN, "%s: listener with a connection", T);
	b = must(vm_accept(listener));
	is_int(poll_now(b), POLLOUT, "%s: accepted socket", T);
	is_int(poll_now(listener), 0, "%s: listener again", T);
	close(listener);

	must(send(a, "x", 1, 0));
	is_polled(b, POLLIN | POLLOUT, "%s: data", T);
	is_int(poll_now(a), POLLOUT, "%s: the sender", T);
	p = (struct pollfd) { .fd = b, .events = -1 };
	must(poll(&p, 1, 0));
	is_int(p.revents & (POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP | POLLERR | POLLHUP),
	       POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM, "%s: with the bits for normal data", T);
	must(recv(b, &byte, 1, 0));
	is_int(poll_now(b), POLLOUT, "%s: data received", T);

	fill(a);
	is_polled(a, 0, "%s: full", T);
	is_polled(b, POLLIN | POLLOUT, "%s: the receiver of that", T);
	drain(b);
	is_polled(a, POLLOUT, "%s: room again", T);
	is_int(poll_now(b), POLLOUT, "%s: nothing left", T);
	close(a);
	is_polled(b, POLLIN | POLLOUT | POLLRDHUP, "%s: the peer closed", T);
	close(b);
}

static void check_shutdowns(void)
{
	vm_pair(type, &a, &b);
	must(shutdown(a, SHUT_WR));
	is_int(poll_for(b, POLLRDHUP), POLLIN | POLLOUT | POLLRDHUP, "%s: peer of SHUT_WR", T);
	is_int(poll_now(a), 0, "%s: SHUT_WR", T);
	must(shutdown(b, SHUT_WR));
	is_polled(a, POLLIN | POLLRDHUP | POLLHUP, "%s: both sides SHUT_WR", T);
	is_polled(b, POLLIN | POLLRDHUP | POLLHUP, "%s: and the other of both", T);
	close(a);
	close(b);

	vm_pair(type, &a, &b);
	must(shutdown(a, SHUT_RD));
	is_int(poll_now(a), POLLIN | POLLOUT | POLLRDHUP, "%s: SHUT_RD", T);
	is_polled(b, POLLOUT, "%s: peer of SHUT_RD", T);
	close(a);
	close(b);

	vm_pair(type, &a, &b);
	must(shutdown(a, SHUT_RDWR));
	is_int(poll_now(a), POLLIN | POLLRDHUP | POLLHUP, "%s: SHUT_RDWR", T);
	is_polled(b, POLLIN | POLLOUT | POLLRDHUP, "%s: peer of SHUT_RDWR", T);
	close(a);
	close(b);
}

static void check_rcvlowat(void)
{
	int four = 4;

	vm_pair(type, &a, &b);
	must(setsockopt(b, SOL_SOCKET, SO_RCVLOWAT, &four, sizeof(four)));
	must(send(a, "abc", 3, 0));
	is_polled(b, POLLOUT, "%s: less data than SO_RCVLOWAT", T);
	must(send(a, "d", 1, 0));
	is_polled(b, POLLIN | POLLOUT, "%s: as much data as SO_RCVLOWAT", T);
	close(a);
	close(b);
}

/* ---- What wakes who waits in poll() ---- */

struct waiter {
	int fd, events;
};

static long long wait_in_poll(void *arg)
{
	struct waiter *waiter = arg;

	return poll_for(waiter->fd, waiter->events);
}

static void check_wakeup(int fd, int events, void (*cause)(void), int want, const char *name)
{
	struct waiter waiter = { fd, events };
	struct task task;

	task_start(&task, wait_in_poll, &waiter);
	ok(task_sleeps(&task), "%s: one waits for %s", T, name);
	cause();
	if (ok(task_ends(&task), "%s: and is woken", T))
		is_int(task.result & want, want, "%s: with the event", T);
}

static void send_one(void) { must(send(b, "x", 1, 0)); }
static void send_many(void) { fill(b); }
static void receive_all(void) { drain(b); }
static void close_peer(void) { close(b); }
static void peer_stops_sending(void) { must(shutdown(b, SHUT_WR)); }
static void peer_stops_receiving(void) { must(shutdown(b, SHUT_RD)); }
static void stop_receiving(void) { must(shutdown(a, SHUT_RD)); }
static void stop_everything(void) { must(shutdown(a, SHUT_RDWR)); }

static int listener;
static void connect_one(void)
{
	int fd = vm_socket(type);

	must(-vm_connect(fd, VMADDR_CID_LOCAL, vm_port(listener)));
	close(fd);
}

static void check_wakeups(void)
{
	static const struct {
		bool full;
		int events;
		void (*cause)(void);
		int want;
		const char *name;
	} cases[] = {
		{ false, POLLIN, send_one, POLLIN, "data" },
		{ false, POLLIN, send_many, POLLIN, "much data" },
		{ false, POLLIN, close_peer, POLLIN, "the peer's close to receive" },
		{ false, POLLRDHUP, close_peer, POLLRDHUP, "the peer's close" },
		{ false, POLLRDHUP, peer_stops_sending, POLLRDHUP, "the peer's shutdown" },
		{ false, POLLIN, stop_receiving, POLLIN, "its own SHUT_RD" },
		{ false, 0, stop_everything, POLLHUP, "its own SHUT_RDWR" },
		{ true, POLLOUT, receive_all, POLLOUT, "room" },
		{ true, POLLOUT, close_peer, POLLOUT, "the peer's close to send" },
		{ true, POLLOUT, peer_stops_receiving, POLLOUT, "the peer's end of receiving" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (native() && cases[i].cause == peer_stops_receiving) {
			skip(cases[i].name, "this kernel does not wake for it");
			continue;
		}
		vm_pair(type, &a, &b);
		if (cases[i].full) {
			fill(a);
			is_polled(a, 0, "%s: full", T);
		}
		check_wakeup(a, cases[i].events, cases[i].cause, cases[i].want, cases[i].name);
		close(a);
		if (cases[i].cause != close_peer)
			close(b);
	}
	listener = vm_listen(type);
	check_wakeup(listener, POLLIN, connect_one, POLLIN, "a connection");
	close(listener);
}

/* ---- epoll with edges ---- */

static int watch(int epoll, int fd, unsigned int events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	return errno_of(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

static int edge(int epoll, int ms)
{
	struct epoll_event event = {};

	return must(epoll_wait(epoll, &event, 1, ms)) ? (int)event.events : 0;
}

static void check_edges(void)
{
	int epoll = must(epoll_create1(EPOLL_CLOEXEC));
	char byte;

	listener = vm_listen(type);
	must(-watch(epoll, listener, EPOLLIN | EPOLLET));
	connect_one();
	is_int(edge(epoll, PATIENCE_MS), EPOLLIN, "%s: edge of a connection", T);
	is_int(edge(epoll, 0), 0, "%s: one only", T);
	connect_one();
	is_int(edge(epoll, PATIENCE_MS), EPOLLIN, "%s: edge of the next connection", T);
	close(listener);

	vm_pair(type, &a, &b);
	must(-watch(epoll, a, EPOLLIN | EPOLLRDHUP | EPOLLET));
	is_int(edge(epoll, 0), 0, "%s: nothing to receive", T);
	send_one();
	is_int(edge(epoll, PATIENCE_MS), EPOLLIN, "%s: edge of data", T);
	is_int(edge(epoll, 0), 0, "%s: one only", T);
	send_one();
	is_int(edge(epoll, PATIENCE_MS), EPOLLIN, "%s: edge of more data", T);
	must(recv(a, &byte, 1, 0));
	must(recv(a, &byte, 1, 0));
	is_int(edge(epoll, 100), 0, "%s: none of receiving", T);
	close(b);
	is_int(edge(epoll, PATIENCE_MS), EPOLLIN | EPOLLRDHUP, "%s: edge of the end", T);
	close(a);

	vm_pair(type, &a, &b);
	must(-watch(epoll, a, EPOLLIN | EPOLLRDHUP | EPOLLET));
	must(shutdown(b, SHUT_RDWR));
	is_int(edge(epoll, PATIENCE_MS), EPOLLIN | EPOLLRDHUP, "%s: edge of a shutdown", T);
	close(b);
	if (native())
		skip("none of a close behind it", "the kernel's packets wake twice of a shutdown");
	else
		is_int(edge(epoll, 100), 0, "%s: none of a close behind it", T);
	close(a);

	vm_pair(type, &a, &b);
	fill(a);
	is_polled(a, 0, "%s: full", T);
	must(-watch(epoll, a, EPOLLOUT | EPOLLET));
	is_int(edge(epoll, 100), 0, "%s: no room", T);
	is_int(drain(b), BUFFER_SIZE, "%s: all is received", T);
	is_int(edge(epoll, PATIENCE_MS), EPOLLOUT, "%s: edge of room", T);
	fill(a);
	is_polled(a, 0, "%s: full", T);
	while (edge(epoll, 0))
		;
	drain(b);
	is_int(edge(epoll, PATIENCE_MS), EPOLLOUT, "%s: edge of room again", T);
	close(a);
	close(b);
	close(epoll);
}

/* Who watches a socket from its birth on hears how its nonblocking connect() ends. */
static void check_connect_edges(void)
{
	int epoll = must(epoll_create1(EPOLL_CLOEXEC)), accepting;
	unsigned int port;

	for (accepting = 1; accepting >= 0; accepting--) {
		listener = vm_listen(type);
		port = vm_port(listener);
		if (!accepting)
			close(listener);
		a = vm_socket(type);
		set_nonblock(a, true);
		must(-watch(epoll, a, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET));
		while (edge(epoll, 0))
			;
		is_errno(vm_connect(a, VMADDR_CID_LOCAL, port), EINPROGRESS, "%s: connect of a watched socket", T);
		is_int(edge(epoll, PATIENCE_MS), accepting ? EPOLLOUT : EPOLLOUT | EPOLLERR,
		       "%s: edge of its %s", T, accepting ? "success" : "failure");
		close(a);
		if (accepting)
			close(listener);
	}
	close(epoll);
}

/* ---- One thread, both ends, both directions, edges only: one that is missed stops it ---- */

struct end {
	int fd;
	size_t sent, received;
	bool wrong;
};

static void serve(struct end *end, size_t total, size_t chunk)
{
	static char buffer[BUFFER_SIZE];
	size_t size;
	ssize_t n;

	while (end->sent < total) {
		size = chunk < total - end->sent ? chunk : total - end->sent;
		data_fill(buffer, size, end->sent);
		n = send(end->fd, buffer, size, 0);
		if (n <= 0)
			break;
		end->sent += n;
	}
	while ((n = recv(end->fd, buffer, sizeof(buffer), 0)) > 0) {
		end->wrong |= data_check(buffer, n, end->received) >= 0;
		end->received += n;
	}
}

static void check_event_loop(unsigned long long size, unsigned long long other_size, size_t total,
			     size_t chunk)
{
	int epoll = must(epoll_create1(EPOLL_CLOEXEC)), i;
	struct epoll_event event;
	struct end end[2] = {};

	vm_pair(type, &end[0].fd, &end[1].fd);
	for (i = 0; i < 2; i++) {
		must(-set_buffer(end[i].fd, SO_VM_SOCKETS_BUFFER_SIZE, i ? other_size : size));
		set_nonblock(end[i].fd, true);
		must(-watch(epoll, end[i].fd, EPOLLIN | EPOLLOUT | EPOLLET));
	}
	while (end[0].received < total || end[1].received < total) {
		if (must(epoll_wait(epoll, &event, 1, 5000)) != 1)
			break;
		serve(&end[event.data.fd == end[1].fd], total, chunk);
	}
	for (i = 0; i < 2; i++) {
		is_int(end[i].received, total, "%s: edges move all by %zu through buffers of %llu and %llu, side %d",
		       T, chunk, size, other_size, i);
		ok(!end[i].wrong, "%s: and all right", T);
		close(end[i].fd);
	}
	close(epoll);
}

int main(void)
{
	watchdog(90);
	for_each_type(type) {
		check_states();
		check_shutdowns();
		if (type == SOCK_STREAM)
			check_rcvlowat();
		check_wakeups();
		check_edges();
		check_connect_edges();
		if (native()) {
			skip("event loop", "this kernel sends parts of messages, and forgets credit at times");
			continue;
		}
		check_event_loop(BUFFER_SIZE, BUFFER_SIZE, 2000000, 50000);
		check_event_loop(4000, 4000, 300000, 3000);
		check_event_loop(BUFFER_SIZE, 4096, 300000, type == SOCK_STREAM ? BUFFER_SIZE : 4096);
		check_event_loop(200, 200, 20000, 130);
	}
	return done();
}
