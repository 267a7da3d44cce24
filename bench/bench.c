// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures one operation on pairs of stream sockets and prints what one costs,
 * in nanoseconds of the machine's clock or in bytes.  Usage:
 *
 *	bench unix|vsock round-trip OPEN	1 byte there and back between two
 *						threads, OPEN connections being
 *						open to one listener
 *	bench unix|vsock connect		connect + accept + 1 byte + close
 *	bench unix|vsock stream SIZE [PAIRS]	SIZE-byte messages: one MiB, with
 *						PAIRS pairs at once
 *	bench unix|vsock memory OPEN		kernel memory of a connection that
 *						has been used and is idle
 */
#define _GNU_SOURCE
#include <err.h>
#include <linux/membarrier.h>
#include <linux/vm_sockets.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PORT 4096
#define MAX_PAIRS 16
#define MIB (1 << 20)

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

static void one_byte(int from, int to)
{
	char c = 'x';

	if (write(from, &c, 1) != 1 || read(to, &c, 1) != 1)
		err(1, "one byte");
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
	while (count--)
		one_byte(fd, fd);
}

/* The measured one is in the middle of the list, where there is a list. */
static double bench_round_trip(int open)
{
	const int count = 2000;
	int listener = make_listener();
	int client = -1, server = -1, a, b, i;
	pthread_t thread;
	double start;

	for (i = 0; i < open; i++)
		if (i == open / 2)
			make_pair(listener, &client, &server);
		else
			make_pair(listener, &a, &b);
	pthread_create(&thread, NULL, echo_thread, &server);
	round_trips(client, count / 10);
	start = now();
	round_trips(client, count);
	return (now() - start) / count;
}

static double bench_connect(void)
{
	const int count = 1000;
	int listener = make_listener();
	double start = 0;
	int i, a, b;

	for (i = -count / 10; i < count; i++) {
		if (!i)
			start = now();
		make_pair(listener, &a, &b);
		one_byte(a, b);
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
	free(buf);
	return NULL;
}

/* Who writes little by little is still read a page at a time. */
static void *reader_thread(void *arg)
{
	struct stream *s = arg;
	size_t size = s->size < 4096 ? 4096 : s->size;
	char *buf = calloc(1, size);
	size_t done = 0;
	ssize_t n;

	while ((n = read(s->in, buf, size)) > 0)
		done += n;
	if (n < 0 || done < s->total)
		err(1, "read: %zu of %zu bytes came", done, s->total);
	free(buf);
	return NULL;
}

static double bench_stream(size_t size, int pairs)
{
	size_t total = (size < 4096 ? 4 : pairs > 1 ? 8 : 32) * MIB;
	struct stream s[MAX_PAIRS];
	int listener = make_listener();
	double start;
	int i;

	if (pairs < 1 || pairs > MAX_PAIRS)
		errx(2, "1 to %d pairs", MAX_PAIRS);
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
	return (now() - start) / ((double)total * pairs / MIB);
}

/*
 * What the kernel has allocated for itself, in KiB, from the lines of
 * /proc/meminfo that count pages in use: unlike MemAvailable, they do not move
 * with what files are cached.
 */
static long kernel_memory(void)
{
	static const char * const lines[] = { "Slab:", "Percpu:", "VmallocUsed:" };
	char name[64];
	long value, sum = 0;
	unsigned int i;
	FILE *f;

	/* Freed memory goes back after a grace period of RCU. */
	for (i = 0; i < 3; i++)
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	f = fopen("/proc/meminfo", "r");
	if (!f)
		err(1, "/proc/meminfo");
	while (fscanf(f, "%63s %ld%*[^\n]", name, &value) == 2)
		for (i = 0; i < sizeof(lines) / sizeof(*lines); i++)
			if (!strcmp(name, lines[i]))
				sum += value;
	fclose(f);
	return sum;
}

static double bench_memory(int open)
{
	int listener = make_listener();
	int a, b, i;
	long before;

	/* The table of open files grows now, not while we measure. */
	if (dup2(0, 2 * open + 100) < 0)
		err(1, "dup2");
	before = kernel_memory();
	for (i = 0; i < open; i++) {
		make_pair(listener, &a, &b);
		one_byte(a, b);
		one_byte(b, a);
	}
	return (kernel_memory() - before) * 1024.0 / open;
}

static int number(const char *arg)
{
	int n = arg ? atoi(arg) : 0;

	if (n < 1)
		errx(2, "a number is missing; see the source for the usage");
	return n;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 300000, 300000 };
	double result;

	if (argc < 3)
		errx(2, "usage: bench unix|vsock round-trip|connect|stream|memory [NUMBER...]");
	if (setrlimit(RLIMIT_NOFILE, &files))
		err(1, "setrlimit");
	family = strcmp(argv[1], "unix") ? AF_VSOCK : AF_UNIX;
	if (!strcmp(argv[2], "round-trip"))
		result = bench_round_trip(number(argv[3]));
	else if (!strcmp(argv[2], "connect"))
		result = bench_connect();
	else if (!strcmp(argv[2], "stream"))
		result = bench_stream(number(argv[3]),
				      argc > 4 ? number(argv[4]) : 1);
	else if (!strcmp(argv[2], "memory"))
		result = bench_memory(number(argv[3]));
	else
		errx(2, "unknown benchmark: %s", argv[2]);
	printf("%.0f\n", result);
	return 0;
}
