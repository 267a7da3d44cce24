// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one program of machine B in the sibling test bed, its process 1: listens at
 * the ports of sibling.h.
 */
#include "sibling.h"

static int listen_at(unsigned int port)
{
	int fd = vm_socket(SOCK_STREAM);

	must(-vm_bind(fd, VMADDR_CID_ANY, port));
	must(listen(fd, 16));
	set_timeout(fd, SO_RCVTIMEO, 0);
	return fd;
}

static void serve_take(int fd)
{
	write_line(fd, "%ld\n", take(fd));
}

static void serve_give(int fd)
{
	give(fd);
}

static void serve_call(int fd)
{
	char line[64], words[128];
	int call = vm_socket(SOCK_STREAM);

	read_line(fd, line, sizeof(line));
	meet(call, vm_connect(call, CID_A, atoi(line)), words, sizeof(words));
	close(call);
	write_line(fd, "%s\n", words);
}

struct service {
	unsigned int port;
	void (*serve)(int fd);
};

static void *serve_thread(void *arg)
{
	struct service *service = arg;
	int listener = listen_at(service->port), fd;

	for (;;) {
		fd = vm_accept(listener);
		if (fd < 0)
			continue;
		service->serve(fd);
		close(fd);
	}
	return NULL;
}

int main(void)
{
	static struct service services[] = {
		{ PORT_TAKE, serve_take }, { PORT_GIVE, serve_give }, { PORT_CALL, serve_call },
	};
	static struct listener talk = { .name = "B" };
	pthread_t thread;

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		must(-pthread_create(&thread, NULL, serve_thread, &services[i]));
	listener_start(&talk, ns_here(), PORT_TALK);
	puts("sibling: listens");
	fflush(stdout);
	for (;;)
		pause();
}
