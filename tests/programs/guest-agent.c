// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs in a virtual machine inside the test machine, and does there what the other end of a connection orders, in a
 * line of text (see guest-traffic.c for that end):
 *	cid			answers with the machine's own CID
 *	name TEXT		is the machine's name from now on
 *	echo			everything comes back
 *	sink BYTES		receives; answers ok or an error
 *	source BYTES		sends, and shuts down its side
 *	sink-source BYTES	receives to the end, then sends
 *	source-sink BYTES	sends and shuts down, then receives
 *	sink-messages COUNT, source-messages COUNT
 *	drop			closes at once
 *	call TYPE PORT ORDER…	connects to the host, and does the order there; answers ok or an error
 * Whoever connects to TRAFFIC_NAME_PORT is told the name.
 */
#include "traffic.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/time.h>

struct listener {
	int type;
	unsigned int port;
	void (*serve)(int fd);
	int fd;
};

static void answer(int fd, const char *text)
{
	char line[TRAFFIC_ORDER_MAX];
	int len = snprintf(line, sizeof(line), "%s\n", text);

	/* A peer that is gone does not read it. */
	if (send(fd, line, len, MSG_NOSIGNAL) < 0)
		return;
}

static void answer_error(int fd, int err)
{
	answer(fd, err ? strerrorname_np(err) : "ok");
}

static void drain(int fd)
{
	char buffer[256];

	while (recv(fd, buffer, sizeof(buffer), 0) > 0)
		;
}

static int shut(int fd)
{
	return shutdown(fd, SHUT_WR) ? errno : 0;
}

static int echo(int fd)
{
	char buffer[4096];
	ssize_t n;

	while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0)
		if (send(fd, buffer, n, MSG_NOSIGNAL) != n)
			return errno;
	return n < 0 ? errno : 0;
}

static void answer_cid(int fd)
{
	int device = open("/dev/vsock", O_RDONLY);
	unsigned int cid = VMADDR_CID_ANY;
	char text[16];

	if (device < 0 || ioctl(device, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid)) {
		answer_error(fd, errno);
		return;
	}
	close(device);
	snprintf(text, sizeof(text), "%u", cid);
	answer(fd, text);
}

static void serve_name(int fd)
{
	char text[80] = "here is ";

	gethostname(text + strlen(text), sizeof(text) - strlen(text) - 1);
	answer(fd, text);
	shut(fd);
	drain(fd);
}

static int carry_out(int fd, const char *order);

static int call(const char *rest)
{
	/* The two seconds that connect() waits by itself are short for an emulated processor. */
	const struct timeval patience = { .tv_sec = 20 };
	char type[16], order[TRAFFIC_ORDER_MAX];
	struct sockaddr_vm addr;
	unsigned int port;
	int fd, err;

	if (sscanf(rest, "%15s %u %127[^\n]", type, &port, order) != 3)
		return EINVAL;
	fd = socket(AF_VSOCK, !strcmp(type, "stream") ? SOCK_STREAM : SOCK_SEQPACKET, 0);
	if (fd < 0)
		return errno;
	setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &patience, sizeof(patience));
	addr = traffic_address(VMADDR_CID_HOST, port);
	err = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ? errno : carry_out(fd, order);
	close(fd);
	return err;
}

/* What it says into the connection is part of the order; the error is for whoever had it called. */
static int carry_out(int fd, const char *order)
{
	char verb[32] = "", rest[TRAFFIC_ORDER_MAX] = "";
	uint64_t number;
	int err = 0;

	sscanf(order, "%31s %127[^\n]", verb, rest);
	number = strtoull(rest, NULL, 0);
	if (!strcmp(verb, "cid")) {
		answer_cid(fd);
	} else if (!strcmp(verb, "name")) {
		answer_error(fd, sethostname(rest, strlen(rest)) ? errno : 0);
	} else if (!strcmp(verb, "echo")) {
		err = echo(fd);
	} else if (!strcmp(verb, "sink")) {
		err = traffic_receive(fd, number);
		answer_error(fd, err);
	} else if (!strcmp(verb, "source")) {
		err = traffic_send(fd, number) ?: shut(fd);
		drain(fd);
	} else if (!strcmp(verb, "sink-source")) {
		err = traffic_receive(fd, number) ?: traffic_send(fd, number);
	} else if (!strcmp(verb, "source-sink")) {
		err = traffic_send(fd, number) ?: shut(fd) ?: traffic_receive(fd, number);
	} else if (!strcmp(verb, "sink-messages")) {
		err = traffic_receive_messages(fd, number);
		answer_error(fd, err);
	} else if (!strcmp(verb, "source-messages")) {
		err = traffic_send_messages(fd, number) ?: shut(fd);
		drain(fd);
	} else if (!strcmp(verb, "call")) {
		answer_error(fd, call(rest));
	} else if (strcmp(verb, "drop")) {
		answer_error(fd, EINVAL);
	}
	return err;
}

static void serve_order(int fd)
{
	char order[TRAFFIC_ORDER_MAX];

	if (!traffic_read_line(fd, order, sizeof(order)))
		carry_out(fd, order);
}

struct visit {
	int fd;
	void (*serve)(int fd);
};

static void *visit_main(void *arg)
{
	struct visit *visit = arg;

	visit->serve(visit->fd);
	close(visit->fd);
	free(visit);
	return NULL;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void *listener_main(void *arg)
{
	const struct listener *listener = arg;
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 << 10);
	pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
	for (;;) {
		struct visit *visit = malloc(sizeof(*visit));
		pthread_t thread;

		if (!visit)
			fail("guest-agent: malloc");
		visit->serve = listener->serve;
		visit->fd = accept(listener->fd, NULL, NULL);
		if (visit->fd < 0)
			fail("guest-agent: accept");
		if (pthread_create(&thread, &small, visit_main, visit))
			fail("guest-agent: pthread_create");
	}
	return NULL;
}

static void start_listening(struct listener *listener)
{
	struct sockaddr_vm addr = traffic_address(VMADDR_CID_ANY, listener->port);

	listener->fd = socket(AF_VSOCK, listener->type, 0);
	if (listener->fd < 0 || bind(listener->fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(listener->fd, 512))
		fail("guest-agent: listen");
}

int main(void)
{
	static struct listener listeners[] = {
		{ SOCK_STREAM, TRAFFIC_STREAM_PORT, serve_order, -1 },
		{ SOCK_SEQPACKET, TRAFFIC_MESSAGE_PORT, serve_order, -1 },
		{ SOCK_STREAM, TRAFFIC_NAME_PORT, serve_name, -1 },
	};
	const size_t count = sizeof(listeners) / sizeof(listeners[0]);
	pthread_t thread;
	size_t i;

	traffic_prepare();
	for (i = 0; i < count; i++)
		start_listening(&listeners[i]);
	/* Whoever started this machine looks for it on the serial line. */
	puts("guest-agent: ready");
	fflush(stdout);
	for (i = 0; i < count; i++)
		if (pthread_create(&thread, NULL, listener_main, &listeners[i]))
			fail("guest-agent: pthread_create");
	pthread_join(thread, NULL);
	return 0;
}
