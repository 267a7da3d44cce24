// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hundred thousand sockets: all are there, and what a call costs does not depend on
 * them. Costs are compared within one run, the least of many tries each, so that a
 * busy machine does not decide; a list instead of a table would be dear by orders.
 */
#include "vsock_test.h"

#include <sys/resource.h>

#define FIRST_PORT 100000
#define CALLS 20

static int sockets = 100000;
static int tries = 40;
static int *fds;
static int listener;
static unsigned int port;
static int client, server;

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* ---- The calls whose costs are compared ---- */

static void bind_port(void)
{
	int fd = must(socket(AF_VSOCK, SOCK_STREAM, 0));

	must(-vm_bind(fd, VMADDR_CID_ANY, 7));
	close(fd);
}

static void bind_any_port(void)
{
	int fd = must(socket(AF_VSOCK, SOCK_STREAM, 0));

	must(-vm_bind(fd, VMADDR_CID_ANY, VMADDR_PORT_ANY));
	close(fd);
}

static void connect_refused(void)
{
	int fd = must(socket(AF_VSOCK, SOCK_STREAM, 0));

	if (vm_connect(fd, VMADDR_CID_LOCAL, 8) != ECONNRESET)
		bail_out("somebody listens");
	close(fd);
}

static void connect_accepted(void)
{
	int fd = must(socket(AF_VSOCK, SOCK_STREAM, 0));

	must(-vm_connect(fd, VMADDR_CID_LOCAL, port));
	close(must(accept(listener, NULL, NULL)));
	close(fd);
}

static void round_trip(void)
{
	must(-vm_echo(client, server));
}

static const struct {
	const char *name;
	void (*call)(void);
} calls[] = {
	{ "bind to a port", bind_port },
	{ "bind to any port", bind_any_port },
	{ "a refused connect", connect_refused },
	{ "connect, accept, close", connect_accepted },
	{ "a round trip", round_trip },
};
static long long alone[ARRAY_SIZE(calls)];

/* The least that some calls cost, in nanoseconds. */
static long long cost(void (*call)(void))
{
	long long least = LLONG_MAX;

	for (int i = 0; i < tries; i++) {
		long long start = now_ns();

		for (int j = 0; j < CALLS; j++)
			call();
		start = now_ns() - start;
		if (start < least)
			least = start;
	}
	return least / CALLS;
}

static void compare(const char *beside)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		long long now = cost(calls[i].call);

		/* Caches of the machine make some difference, however the kernel is made. */
		ok(now < 2 * alone[i], "beside %s %s costs %.2f times as much (%lld ns)", beside,
		   calls[i].name, (double)now / alone[i], now);
	}
}

static void close_all(void)
{
	for (int i = 0; i < sockets; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void bind_all(void)
{
	int bad = 0, found = 0;

	for (int i = 0; i < sockets; i++) {
		fds[i] = must(socket(AF_VSOCK, SOCK_STREAM, 0));
		bad += vm_bind(fds[i], VMADDR_CID_ANY, FIRST_PORT + i) != 0;
	}
	is_int(bad, 0, "%d sockets are bound", sockets);
	compare("them");
	for (int i = 0; i < sockets; i += sockets / 100)
		found += vm_bind(client, VMADDR_CID_ANY, FIRST_PORT + i) != 0;
	is_int(found, 100, "each has its port");
	must(listen(fds[sockets - 1], 1));
	is_errno(vm_connect(must(socket(AF_VSOCK, SOCK_STREAM, 0)), VMADDR_CID_LOCAL, FIRST_PORT + sockets - 1), 0,
		 "the last of them is found");
	close_all();
}

static void connect_all(void)
{
	int bad = 0;

	for (int i = 0; i < sockets; i += 2) {
		fds[i] = must(socket(AF_VSOCK, SOCK_STREAM, 0));
		bad += vm_connect(fds[i], VMADDR_CID_LOCAL, port) != 0;
		fds[i + 1] = must(accept(listener, NULL, NULL));
	}
	is_int(bad, 0, "%d sockets are connected, half of them to one listener", sockets);
	compare("them");
	for (int i = 0; i < sockets; i += sockets / 100 * 2)
		bad += vm_echo(fds[i], fds[i + 1]) != 0;
	is_int(bad, 0, "they talk");
	close_all();
}

int main(void)
{
	struct rlimit files;

	watchdog(280);
	/* Checkers need several times the memory for each, and twenty times as long. */
	if (is_slow_kernel()) {
		sockets = 5000;
		tries = 10;
	}
	files.rlim_cur = files.rlim_max = sockets + 1000;
	must(setrlimit(RLIMIT_NOFILE, &files));
	fds = calloc(sockets, sizeof(*fds));
	listener = vm_listen(SOCK_STREAM);
	port = vm_port(listener);
	vm_pair(SOCK_STREAM, &client, &server);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		alone[i] = cost(calls[i].call);
	bind_all();
	connect_all();
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		ok(cost(calls[i].call) < 2 * alone[i], "%s: cheap again without them", calls[i].name);

	return done();
}
