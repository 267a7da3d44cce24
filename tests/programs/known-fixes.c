// SPDX-License-Identifier: GPL-2.0-only
/* Mistakes that AF_VSOCK code made before, tried on loopback; tests/known-fixes.md says which check is for which. */
#include "vsock_test.h"

#include <sys/mman.h>

#define BUFFER_SIZE (256 * 1024)

static int type;
#define T type_name(type)

static int a, b;
static char buffer[BUFFER_SIZE];

static void fill(int fd)
{
	while (send(fd, buffer, 1024, MSG_DONTWAIT) > 0)
		;
}

static size_t drain(int fd)
{
	size_t sum = 0;
	ssize_t n;

	while ((n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0)
		sum += n;
	return sum;
}

/* ---- A reader polls for more than is there, its writer waits for more room than there is ---- */

#define LOWAT_TOTAL (4 * 200000)

/* As a stream all at once; as messages that do not fill the buffer without a rest. */
static long long send_much(void *arg)
{
	static char much[LOWAT_TOTAL];
	ssize_t n, sum = 0;

	(void)arg;
	do {
		n = send(a, much + sum, type == SOCK_STREAM ? LOWAT_TOTAL - sum : 100000, 0);
		sum += n;
	} while (n > 0 && sum < LOWAT_TOTAL);
	return sum;
}

static void check_lowat_progress(int lowat)
{
	struct task writer;
	ssize_t n, sum = 0;

	vm_pair(type, &a, &b);
	must(setsockopt(b, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat)));
	task_start(&writer, send_much, NULL);
	ok(task_sleeps(&writer), "%s: SO_RCVLOWAT %d: the writer waits for room", T, lowat);
	/* What is left at the end may be less than SO_RCVLOWAT: then poll() need not tell of it. */
	while (sum < LOWAT_TOTAL) {
		if (LOWAT_TOTAL - sum >= lowat && !(poll_for(b, POLLIN) & POLLIN))
			break;
		n = recv(b, buffer, 100000, 0);
		if (n <= 0)
			break;
		sum += n;
	}
	is_int(sum, LOWAT_TOTAL, "%s: SO_RCVLOWAT %d: a reader that polls gets everything", T, lowat);
	close(b);
	ok(task_ends(&writer), "%s: SO_RCVLOWAT %d: the writer ends", T, lowat);
	close(a);
}

/* ---- Buffer sizes ---- */

static void check_clamp(void)
{
	int fd = vm_socket(type);

	must(-set_buffer(fd, SO_VM_SOCKETS_BUFFER_MAX_SIZE, 1000));
	must(-set_buffer(fd, SO_VM_SOCKETS_BUFFER_MIN_SIZE, 5000));
	is_int(get_buffer(fd, SO_VM_SOCKETS_BUFFER_SIZE), 1000, "%s: a minimum above the maximum does not lift it", T);
	must(-set_buffer(fd, SO_VM_SOCKETS_BUFFER_SIZE, 3000));
	is_int(get_buffer(fd, SO_VM_SOCKETS_BUFFER_SIZE), 1000, "%s: nor does a size between the two", T);
	close(fd);
}

/* A limit below what waits already leaves no room: less than none must not become very much. */
static void check_lowered(void)
{
	int end;

	for (end = 0; end < 2; end++) {
		vm_pair(type, &a, &b);
		fill(a);
		must(-set_buffer(end ? a : b, SO_VM_SOCKETS_BUFFER_SIZE, 2048));
		is_errno(errno_of(send(a, "x", 1, MSG_DONTWAIT)), EAGAIN, "%s: no room in a buffer that was made smaller", T);
		is_int(poll_now(a), 0, "%s: nor does poll see any", T);
		is_int(drain(b), BUFFER_SIZE, "%s: what was there stays", T);
		fill(a);
		is_int(drain(b), 2048, "%s: and then the smaller size counts", T);
		close(a);
		close(b);
	}
}

static long long poll_for_data(void *arg)
{
	(void)arg;
	return poll_for(b, POLLIN);
}

/* Who waits for more than there can be any more does not wait for ever. */
static void check_lowered_lowat(int end)
{
	int lowat = 100000;
	struct task reader;
	long long start;

	vm_pair(SOCK_STREAM, &a, &b);
	must(setsockopt(b, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat)));
	must(send(a, buffer, 60000, 0));
	task_start(&reader, poll_for_data, NULL);
	ok(task_sleeps(&reader), "a reader polls for 100000 bytes, 60000 are there");
	start = now_ms();
	must(-set_buffer(end ? a : b, SO_VM_SOCKETS_BUFFER_SIZE, 50000));
	ok(task_ends(&reader) && reader.result & POLLIN, "they will do for a buffer of 50000");
	/* At the end of its time poll() looks again, woken or not. */
	ok(now_ms() - start < PATIENCE_MS / 2, "and it is told so");
	close(a);
	close(b);
}

/* ---- Sockets from accept() are as others are ---- */

static void check_accepted(void)
{
	static const struct { int level, name; } options[] = {
		{ SOL_SOCKET, SO_RCVLOWAT }, { SOL_SOCKET, SO_ZEROCOPY }, { SOL_SOCKET, SO_SNDBUF },
		{ SOL_SOCKET, SO_RCVBUF }, { SOL_SOCKET, SO_KEEPALIVE }, { SOL_SOCKET, SO_REUSEADDR },
		{ SOL_SOCKET, SO_REUSEPORT }, { SOL_SOCKET, SO_BROADCAST }, { SOL_SOCKET, SO_OOBINLINE },
		{ SOL_SOCKET, SO_PRIORITY }, { SOL_SOCKET, SO_PASSCRED }, { SOL_SOCKET, SO_TIMESTAMP },
		{ SOL_SOCKET, SO_PEEK_OFF }, { SOL_SOCKET, SO_BUSY_POLL }, { SOL_SOCKET, SO_MARK },
		{ AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE }, { AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE },
		{ AF_VSOCK, SO_VM_SOCKETS_TRUSTED }, { AF_VSOCK, 99 },
	};
	int connected, accepted, got[2], fd;
	unsigned long long value[2];
	socklen_t len;
	size_t i;

	vm_pair(type, &connected, &accepted);
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		for (fd = 0; fd < 2; fd++) {
			value[fd] = 1;
			got[fd] = errno_of(setsockopt(fd ? accepted : connected, options[i].level,
						      options[i].name, &value[fd], 8));
			value[fd] = 0;
			len = 8;
			got[fd] += 1000 * errno_of(getsockopt(fd ? accepted : connected, options[i].level,
							      options[i].name, &value[fd], &len));
		}
		ok(got[0] == got[1] && value[0] == value[1],
		   "%s: option %d of level %d is the same for an accepted socket", T, options[i].name,
		   options[i].level);
	}
	close(connected);
	close(accepted);
}

/* ---- Errors that are somebody else's ---- */

static void check_error_queue(void)
{
	int listener = vm_listen(type), fresh = vm_socket(type), i;
	const struct { const char *name; int fd; } sockets[] = {
		{ "a new socket", fresh }, { "a listener", listener }, { "a connection", a }, { "its other end", b },
	};
	struct iovec vec = { buffer, 64 };
	struct msghdr msg = { .msg_iov = &vec, .msg_iovlen = 1 };

	for (i = 0; i < (int)ARRAY_SIZE(sockets); i++)
		is_errno(errno_of(recvmsg(sockets[i].fd, &msg, MSG_ERRQUEUE)), EAGAIN,
			 "%s: %s has an error queue, which is empty", T, sockets[i].name);
	must(send(a, "data", 4, 0));
	is_errno(errno_of(recvmsg(b, &msg, MSG_ERRQUEUE)), EAGAIN, "%s: data does not get there", T);
	is_int(recv(b, buffer, 64, 0), 4, "%s: but where it should", T);
	close(fresh);
	close(listener);
}

/* The error of a connect() that nobody asked for is no business of accept(). */
static void check_listener_error(void)
{
	int listener = vm_socket(type), client = vm_socket(type), gone = vm_listen(type), server;
	unsigned int port = vm_port(gone);

	close(gone);
	set_nonblock(listener, true);
	is_errno(vm_connect(listener, VMADDR_CID_LOCAL, port), EINPROGRESS, "%s: a connect that is refused", T);
	is_int(poll_for(listener, POLLOUT) & POLLERR, POLLERR, "%s: leaves an error", T);
	is_errno(errno_of(listen(listener, 1)), 0, "%s: and the socket listens", T);
	must(-vm_connect(client, VMADDR_CID_LOCAL, vm_port(listener)));
	server = vm_accept(listener);
	call_ok(server, "%s: accept() has nothing to do with that error", T);
	is_errno(vm_echo(client, server), 0, "%s: the connection works", T);
	is_int(so_error(listener), ECONNRESET, "%s: the error is still there", T);
	close(server);
	close(client);
	close(listener);
}

/* ---- Memory ---- */

/* Data that nobody received, on connections that nobody accepted, goes with them. */
static void check_given_back(void)
{
	enum { ROUNDS = 300, CLIENTS = 2 };
	int listener, clients[CLIENTS], round, i;
	long long before = 0;

	for (round = 0; round < ROUNDS; round++) {
		/* The first ones fill caches. */
		if (round == ROUNDS / 10)
			before = memory_used();
		listener = vm_listen(type);
		for (i = 0; i < CLIENTS; i++) {
			clients[i] = vm_socket(type);
			must(-vm_connect(clients[i], VMADDR_CID_LOCAL, vm_port(listener)));
			set_nonblock(clients[i], true);
			while (send(clients[i], buffer, 65536, 0) > 0)
				;
		}
		if (round % 2)
			close(listener);
		for (i = 0; i < CLIENTS; i++)
			close(clients[i]);
		if (!(round % 2))
			close(listener);
	}
	/* All of it would be some 150 MB. */
	ok(memory_used() - before < 32 << 20, "%s: what nobody accepted or received is given back", T);
}

/* Single bytes out of memory that is never there when the kernel looks for it. */
static void check_absent_memory(void)
{
	enum { PAIRS = 4, ROOM = 16384 };
	int out[PAIRS], in[PAIRS], i, sent = 0, got = 0;
	char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long long before, grown;

	for (i = 0; i < PAIRS; i++) {
		vm_pair(type, &out[i], &in[i]);
		must(-set_buffer(in[i], SO_VM_SOCKETS_BUFFER_SIZE, ROOM));
	}
	before = memory_used();
	for (i = 0; i < PAIRS; i++) {
		do
			must(madvise(memory, 4096, MADV_DONTNEED));
		while (send(out[i], memory, 1, MSG_DONTWAIT) == 1 && ++sent);
	}
	grown = memory_used() - before;
	is_int(sent, PAIRS * ROOM, "%s: single bytes from absent memory fill the buffer", T);
	ok(grown < 16LL * PAIRS * ROOM + (8 << 20),
	   "%s: and the kernel holds little more than that (%lld KiB)", T, grown / 1024);
	for (i = 0; i < PAIRS; i++) {
		while (recv(in[i], buffer, 1, MSG_DONTWAIT) == 1)
			got += !buffer[0];
		close(out[i]);
		close(in[i]);
	}
	is_int(got, sent, "%s: all of them come", T);
	munmap(memory, 4096);
}

int main(void)
{
	watchdog(200);
	for_each_type(type) {
		check_clamp();
		check_lowered();
		check_accepted();
		vm_pair(type, &a, &b);
		check_error_queue();
		close(a);
		close(b);
		check_listener_error();
		check_given_back();
		if (native()) {
			skip("SO_RCVLOWAT and memory", "this kernel's packets have other limits");
			continue;
		}
		check_absent_memory();
		if (type == SOCK_STREAM) {
			check_lowered_lowat(0);
			check_lowered_lowat(1);
		}
		check_lowat_progress(1);
		check_lowat_progress(type == SOCK_STREAM ? 200000 : 250000);
	}
	check_unload();

	return done();
}
