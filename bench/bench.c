// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures one operation on a pair of sockets and prints nanoseconds per
 * operation (or per MiB) of the machine's clock.  Usage:
 *
 *	bench unix|vsock rtt [OPEN]	1-byte round trip of two threads, with OPEN
 *					other connections to the listener
 *	bench unix|vsock connect	connect + accept + 1 byte + close
 *	bench unix|vsock stream SIZE [PAIRS]
 *					SIZE-byte messages, time per MiB of all pairs
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <linux/vm_sockets.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PORT 4096
#define MAX_PAIRS 16

static int family;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static socklen_t address(struct sockaddr_storage *ss)
{
	if (family == AF_UNIX) {
		struct sockaddr_un *un = (void *)ss;

		*un = (struct sockaddr_un){ .sun_family = AF_UNIX };
		strcpy(un->sun_path + 1, "vsock-netns-bench");
		return sizeof(sa_family_t) + 1 + strlen(un->sun_path + 1);
	}
	*(struct sockaddr_vm *)ss = (struct sockaddr_vm){
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_LOCAL,
		.svm_port = PORT,
	};
	return sizeof(struct sockaddr_vm);
}

static int make_listener(void)
{
	struct sockaddr_storage ss;
	socklen_t len = address(&ss);
	int fd = socket(family, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (void *)&ss, len) || listen(fd, 128))
		err(1, "listen");
	return fd;
}

static void make_pair(int listener, int *client, int *server)
{
	struct sockaddr_storage ss;
	socklen_t len = address(&ss);

	*client = socket(family, SOCK_STREAM, 0);
	if (*client < 0 || connect(*client, (void *)&ss, len))
		err(1, "connect");
	*server = accept(listener, NULL, NULL);
	if (*server < 0)
		err(1, "accept");
}

static void *echo_thread(void *arg)
{
	int fd = *(int *)arg;
	char c;

	while (read(fd, &c, 1) == 1)
		if (write(fd, &c, 1) != 1)
			err(1, "write");
	return NULL;
}

static void round_trips(int fd, int count)
{
	char c = 'x';

	while (count--)
		if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1)
			err(1, "round trip");
}

static double bench_rtt(int open)
{
	const int count = 5000;
	int listener = make_listener();
	int client, server, a, b;
	pthread_t thread;
	double start;

	while (open--)
		make_pair(listener, &a, &b);
	make_pair(listener, &client, &server);
	pthread_create(&thread, NULL, echo_thread, &server);
	round_trips(client, count / 10);
	start = now();
	round_trips(client, count);
	return (now() - start) / count;
}

static double bench_connect(void)
{
	const int count = 3000;
	int listener = make_listener();
	double start = 0;
	int i, a, b;
	char c = 'x';

	for (i = -count / 10; i < count; i++) {
		if (!i)
			start = now();
		make_pair(listener, &a, &b);
		if (write(a, &c, 1) != 1 || read(b, &c, 1) != 1)
			err(1, "one byte");
		close(a);
		close(b);
	}
	return (now() - start) / count;
}

struct stream {
	int out, in;
	size_t size, total;
	pthread_t reader, writer;
};

static void *writer_thread(void *arg)
{
	struct stream *s = arg;
	char *buf = malloc(s->size);
	size_t done;
	ssize_t n;

	memset(buf, 'x', s->size);
	for (done = 0; done < s->total; done += n) {
		n = write(s->out, buf, s->size);
		if (n <= 0)
			err(1, "write");
	}
	shutdown(s->out, SHUT_WR);
	return NULL;
}

static void *reader_thread(void *arg)
{
	struct stream *s = arg;
	size_t size = s->size < 4096 ? 4096 : s->size;
	char *buf = malloc(size);

	memset(buf, 0, size);
	while (read(s->in, buf, size) > 0)
		;
	return NULL;
}

static double bench_stream(size_t size, int pairs)
{
	size_t total = size >= 4096 ? 64 << 20 : 8 << 20;
	struct stream s[MAX_PAIRS];
	int listener = make_listener();
	double start;
	int i;

	if (pairs < 1 || pairs > MAX_PAIRS)
		errx(1, "1 to %d pairs", MAX_PAIRS);
	for (i = 0; i < pairs; i++) {
		s[i] = (struct stream){ .size = size, .total = total };
		make_pair(listener, &s[i].out, &s[i].in);
	}
	start = now();
	for (i = 0; i < pairs; i++) {
		pthread_create(&s[i].reader, NULL, reader_thread, &s[i]);
		pthread_create(&s[i].writer, NULL, writer_thread, &s[i]);
	}
	for (i = 0; i < pairs; i++) {
		pthread_join(s[i].writer, NULL);
		pthread_join(s[i].reader, NULL);
	}
	return (now() - start) / ((double)total * pairs / (1 << 20));
}

int main(int argc, char **argv)
{
	struct rlimit files = { 300000, 300000 };

	if (argc < 3)
		errx(2, "usage: bench unix|vsock rtt|connect|stream ...");
	setrlimit(RLIMIT_NOFILE, &files);
	family = strcmp(argv[1], "unix") ? AF_VSOCK : AF_UNIX;
	if (!strcmp(argv[2], "rtt"))
		printf("%.0f\n", bench_rtt(argc > 3 ? atoi(argv[3]) : 0));
	else if (!strcmp(argv[2], "connect"))
		printf("%.0f\n", bench_connect());
	else if (!strcmp(argv[2], "stream") && argc > 3)
		printf("%.0f\n", bench_stream(atoi(argv[3]),
					      argc > 4 ? atoi(argv[4]) : 1));
	else
		errx(2, "unknown benchmark");
	return 0;
}
