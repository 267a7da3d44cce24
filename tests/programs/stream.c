// SPDX-License-Identifier: GPL-2.0-only
/* SOCK_STREAM as a pipe for bytes: none lost, none twice, none wrong. */
#include "vsock_test.h"

#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

/* ---- Many sizes, both directions at once ---- */

/* Bytes that one thread moves over one socket, @chunk at a time (0: any size). */
struct flow {
	int fd;
	size_t chunk, total;
	unsigned int seed;
	long long wrong;
};

static size_t next_size(struct flow *flow, size_t done)
{
	size_t size = flow->chunk ?: 1 + (size_t)rand_r(&flow->seed) % 70000;

	return size < flow->total - done ? size : flow->total - done;
}

static long long send_flow(void *arg)
{
	struct flow *flow = arg;
	char *buffer = malloc(flow->chunk ?: 70000);
	size_t done, sent, size;
	ssize_t n;

	for (done = 0; done < flow->total; done += size) {
		size = next_size(flow, done);
		data_fill(buffer, size, done);
		for (sent = 0; sent < size; sent += n) {
			n = send(flow->fd, buffer + sent, size - sent, 0);
			if (n <= 0)
				goto out;
		}
	}
out:
	free(buffer);
	return done;
}

static long long recv_flow(void *arg)
{
	struct flow *flow = arg;
	char *buffer = malloc(flow->chunk ?: 70000);
	size_t done = 0;
	ssize_t n;

	flow->wrong = -1;
	while (done < flow->total) {
		n = recv(flow->fd, buffer, next_size(flow, done), 0);
		if (n <= 0)
			break;
		if (flow->wrong < 0)
			flow->wrong = data_check(buffer, n, done);
		done += n;
	}
	free(buffer);
	return done;
}

static void check_flow(int ns, size_t send_chunk, size_t recv_chunk, size_t total,
		       unsigned long long buffer)
{
	struct flow flow[4];
	struct task task[4];
	char name[128];
	int fd[2], i;

	vm_pair_in(ns, SOCK_STREAM, &fd[0], &fd[1]);
	for (i = 0; buffer && i < 2; i++)
		must(-set_buffer(fd[i], SO_VM_SOCKETS_BUFFER_SIZE, buffer));
	for (i = 0; i < 4; i++) {
		flow[i] = (struct flow) {
			.fd = fd[i / 2],
			.chunk = i % 2 ? recv_chunk : send_chunk,
			.total = total,
			.seed = i,
		};
		task_start(&task[i], i % 2 ? recv_flow : send_flow, &flow[i]);
	}
	snprintf(name, sizeof(name), "%zu bytes by %zu, received by %zu, buffer %llu",
		 total, send_chunk, recv_chunk, buffer);
	for (i = 0; i < 4; i++)
		if (!ok(task_ends(&task[i]), "%s: thread %d ends", name, i))
			exit(done());
	for (i = 0; i < 4; i++)
		is_int(task[i].result, total, "%s: all %s by side %d", name,
		       i % 2 ? "received" : "sent", i / 2);
	is_int(flow[1].wrong, -1, "%s: there as sent", name);
	is_int(flow[3].wrong, -1, "%s: and back", name);
	close(fd[0]);
	close(fd[1]);
}

static void check_flows(void)
{
	static const size_t sizes[] = {
		3, 127, 1000, 1024, 1025, 4096, 5000, 65536, 65537, 262144, 300001,
	};
	int init = ns_here(), local = ns_new_local();
	size_t i;

	check_flow(init, 1, 1, 2000, 0);
	check_flow(init, 1, 4096, 20000, 0);
	check_flow(local, 4096, 1, 6000, 0);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t other = sizes[(i * 7 + 3) % ARRAY_SIZE(sizes)];

		/* What is sent or received by a few bytes takes as many calls. */
		check_flow(i % 2 ? local : init, sizes[i], other,
			   sizes[i] < 100 || other < 100 ? 20000 : 700001, 0);
	}
	check_flow(init, 0, 0, 2000003, 0);
	/* Linux 7.3 resets a connection when small packets in a small buffer cost too much. */
	if (!native())
		check_flow(init, 0, 0, 200001, 128);
	check_flow(local, 0, 0, 300001, 4097);
	close(local);
	close(init);
}

/* ---- One call at a time ---- */

static int a, b;

static void check_partial(void)
{
	char buffer[64] = "";

	vm_pair(SOCK_STREAM, &a, &b);
	is_int(send(a, "abcdefghij", 10, 0), 10, "ten bytes sent");
	is_int(recv(b, buffer, 4, 0), 4, "four received");
	is_int(recv(b, buffer + 4, 60, 0), 6, "and the other six");
	ok(!memcmp(buffer, "abcdefghij", 10), "in order");
	must(send(a, "abc", 3, 0));
	must(send(a, "def", 3, 0));
	is_int(recv(b, buffer, 60, 0), 6, "two sends in one receive");
	ok(!memcmp(buffer, "abcdef", 6), "in order");
	is_errno(errno_of(recv(b, buffer, 60, MSG_DONTWAIT)), EAGAIN, "nothing is left");
	is_int(send(a, NULL, 0, 0), 0, "nothing sent");
	is_errno(errno_of(recv(b, buffer, 60, MSG_DONTWAIT)), EAGAIN, "nothing arrives");
	must(send(a, "x", 1, 0));
	is_int(recv(b, buffer, 0, 0), 0, "nothing asked, nothing got");
	is_int(recv(b, buffer, 60, 0), 1, "and nothing lost");
}

static void check_peek(void)
{
	char buffer[64] = "";

	must(send(a, "abc", 3, 0));
	is_int(recv(b, buffer, 60, MSG_PEEK), 3, "peek");
	must(send(a, "def", 3, 0));
	is_int(recv(b, buffer, 2, MSG_PEEK), 2, "peek at less");
	is_int(recv(b, buffer, 60, MSG_PEEK), 6, "peek across two sends");
	ok(!memcmp(buffer, "abcdef", 6), "sees both");
	is_int(recv(b, buffer, 6, MSG_PEEK | MSG_WAITALL), 6, "peek at all of it");
	is_int(recv(b, buffer, 4, 0), 4, "receive some");
	is_int(recv(b, buffer, 60, MSG_PEEK | MSG_DONTWAIT), 2, "peek at the rest");
	ok(!memcmp(buffer, "ef", 2), "which is the rest");
	is_int(recv(b, buffer, 60, 0), 2, "receive the rest");
	ok(!memcmp(buffer, "ef", 2), "which was still there");
	is_errno(errno_of(recv(b, buffer, 60, MSG_PEEK | MSG_DONTWAIT)), EAGAIN,
		 "nothing left to peek at");
}

static char waited[16];

static long long wait_all(void *arg)
{
	(void)arg;
	return recv(b, waited, 6, MSG_WAITALL);
}

static void check_waitall(void)
{
	struct task task;

	task_start(&task, wait_all, NULL);
	ok(task_sleeps(&task), "a receiver of all six waits");
	must(send(a, "abc", 3, 0));
	ok(task_sleeps(&task), "and goes on to wait after three");
	must(send(a, "def", 3, 0));
	ok(task_ends(&task), "and ends after six");
	is_int(task.result, 6, "with six");
	ok(!memcmp(waited, "abcdef", 6), "in order");

	must(send(a, "abc", 3, 0));
	poll_for(b, POLLIN);
	is_int(recv(b, waited, 6, MSG_WAITALL | MSG_DONTWAIT), 3, "who may not wait gets three");
	must(send(a, "abc", 3, 0));
	set_timeout(b, SO_RCVTIMEO, 200);
	is_int(recv(b, waited, 6, MSG_WAITALL), 3, "who waits for a time only gets three");
	is_errno(errno_of(recv(b, waited, 6, MSG_WAITALL)), EAGAIN, "or nothing");
	set_timeout(b, SO_RCVTIMEO, PATIENCE_MS);

	task_start(&task, wait_all, NULL);
	ok(task_sleeps(&task), "a receiver of six waits");
	must(send(a, "abc", 3, 0));
	must(shutdown(a, SHUT_WR));
	ok(task_ends(&task), "and ends at the end of the stream");
	is_int(task.result, 3, "with three");
	close(a);
	close(b);
}

static void check_vectors(void)
{
	char one[2], two[3], three[64], file_text[] = "0123456789";
	struct iovec out[3] = { { "a", 1 }, { "bc", 2 }, { "def", 3 } };
	struct iovec in[3] = { { one, 2 }, { two, 3 }, { three, 64 } };
	struct mmsghdr out_msgs[2] = {}, in_msgs[2] = {};
	int file = must(memfd_create("file", 0)), pipes[2];
	off_t offset = 2;

	vm_pair(SOCK_STREAM, &a, &b);
	is_int(writev(a, out, 3), 6, "writev");
	is_int(readv(b, in, 3), 6, "readv");
	ok(!memcmp(one, "ab", 2) && !memcmp(two, "cde", 3) && three[0] == 'f', "in order");
	out_msgs[0].msg_hdr = (struct msghdr) { .msg_iov = out, .msg_iovlen = 2 };
	out_msgs[1].msg_hdr = (struct msghdr) { .msg_iov = out + 2, .msg_iovlen = 1 };
	is_int(sendmmsg(a, out_msgs, 2, 0), 2, "sendmmsg");
	in_msgs[0].msg_hdr = (struct msghdr) { .msg_iov = in, .msg_iovlen = 1 };
	in_msgs[1].msg_hdr = (struct msghdr) { .msg_iov = in + 2, .msg_iovlen = 1 };
	is_int(recvmmsg(b, in_msgs, 2, 0, NULL), 2, "recvmmsg");
	ok(!memcmp(one, "ab", 2) && in_msgs[1].msg_len == 4 && !memcmp(three, "cdef", 4),
	   "in order");

	must(write(file, file_text, 10));
	is_int(sendfile(a, file, &offset, 5), 5, "sendfile");
	is_int(recv(b, three, 64, 0), 5, "is received");
	ok(!memcmp(three, "23456", 5), "from the right place");

	must(pipe(pipes));
	must(write(pipes[1], "splice", 6));
	is_int(splice(pipes[0], NULL, a, NULL, 6, 0), 6, "splice from a pipe");
	is_int(recv(b, three, 64, 0), 6, "is received");
	ok(!memcmp(three, "splice", 6), "as it was sent");
	must(send(a, "back", 4, 0));
	is_int(splice(b, NULL, pipes[1], NULL, 4, 0), 4, "splice to a pipe");
	is_int(read(pipes[0], three, 64), 4, "is received");
	ok(!memcmp(three, "back", 4), "as it was sent");
	close(pipes[0]);
	close(pipes[1]);
	close(file);
}

static void check_flags_and_names(void)
{
	struct sockaddr_vm addr = vm_addr(VMADDR_CID_LOCAL, vm_peer(a).svm_port), from;
	socklen_t len = sizeof(from);
	char control[64], byte;
	struct iovec vec = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &vec, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int bytes = -1;

	is_errno(errno_of(send(a, "x", 1, MSG_OOB)), EOPNOTSUPP, "send out of band");
	is_errno(errno_of(recv(b, &byte, 1, MSG_OOB)), EOPNOTSUPP, "receive out of band");
	is_errno(errno_of(sendto(a, "x", 1, 0, (struct sockaddr *)&addr, sizeof(addr))), EISCONN,
		 "sendto with an address");
	is_int(send(a, "12", 2, MSG_MORE | MSG_EOR | MSG_NOSIGNAL), 2, "flags without a meaning here");
	is_int(recvfrom(b, &byte, 1, 0, (struct sockaddr *)&from, &len), 1, "recvfrom");
	is_int(len, 0, "which tells no address");
	is_int(recvmsg(b, &msg, 0), 1, "recvmsg");
	is_int(msg.msg_flags, 0, "which tells no flags");
	is_int(msg.msg_controllen, 0, "and no control data");

	must(send(a, "12345", 5, 0));
	call_ok(ioctl(b, SIOCINQ, &bytes), "SIOCINQ");
	is_int(bytes, 5, "five bytes wait");
	must(recv(b, &byte, 1, 0));
	must(ioctl(b, SIOCINQ, &bytes));
	is_int(bytes, 4, "then four");
	must(recv(b, control, 4, 0));
	must(ioctl(b, SIOCINQ, &bytes));
	is_int(bytes, 0, "then none");
	bytes = -1;
	call_ok(ioctl(a, SIOCOUTQ, &bytes), "SIOCOUTQ");
	is_int(bytes, 0, "nothing is on its way");
	is_errno(errno_of(ioctl(a, SIOCGSTAMP_OLD + 0x50, &bytes)), ENOTTY, "an unknown ioctl");
}

/* The peer has closed: as soon as nothing is left, a call answers as without a connection. */
static void check_over(void)
{
	int client, server;
	/* More than SO_VM_SOCKETS_BUFFER_SIZE. */
	static char buffer[300000];
	struct sockaddr_vm addr;
	char byte;

	vm_pair(SOCK_STREAM, &client, &server);
	addr = vm_addr(VMADDR_CID_LOCAL, vm_peer(server).svm_port);
	must(send(client, "x", 1, 0));
	close(client);
	is_errno(errno_of(recv(server, &byte, 1, MSG_OOB)), EOPNOTSUPP, "closed, a byte left: receive out of band");
	is_errno(errno_of(sendto(server, "x", 1, 0, (struct sockaddr *)&addr, sizeof(addr))), EISCONN,
		 "sendto with an address");
	is_int(recv(server, &byte, 1, 0), 1, "the byte");
	is_int(recv(server, &byte, 1, MSG_OOB), 0, "nothing left: receive out of band");
	is_int(recv(server, buffer, sizeof(buffer), MSG_WAITALL), 0, "receive more than a buffer holds");
	is_errno(errno_of(sendto(server, "x", 1, 0, (struct sockaddr *)&addr, sizeof(addr))), EOPNOTSUPP,
		 "sendto with an address");
	close(server);
}

/* Memory that is there, and behind it some that is not. */
static char *broken_memory(size_t good)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t whole = (good + page - 1) / page * page;
	char *start = mmap(NULL, whole + page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED || munmap(start + whole, page))
		bail_out("mmap");
	return start + whole - good;
}

static void check_faults(void)
{
	static char buffer[300000];
	const size_t sizes[] = { 1, 100, 4096, 70000, 200000 };
	char *memory;
	ssize_t n;
	size_t i;

	if (native()) {
		skip("memory that is not there", "this kernel says ENOMEM");
		goto out;
	}
	is_errno(errno_of(send(a, (void *)16, 10, 0)), EFAULT, "send from nowhere");
	is_errno(errno_of(recv(b, buffer, 1, MSG_DONTWAIT)), EAGAIN, "sends nothing");
	must(send(a, "abc", 3, 0));
	is_errno(errno_of(recv(b, (void *)16, 3, 0)), EFAULT, "receive to nowhere");
	is_int(recv(b, buffer, 60, 0), 3, "loses nothing");
	ok(!memcmp(buffer, "abc", 3), "nothing at all");

	/* Half of the memory is there: what is said to be sent or received is right. */
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memory = broken_memory(sizes[i]);
		data_fill(memory, sizes[i], 0);
		errno = 0;
		n = send(a, memory, sizes[i] + 50000, 0);
		if (n < 0)
			is_errno(errno, EFAULT, "send of %zu good bytes and bad ones", sizes[i]);
		else
			ok((size_t)n <= sizes[i], "send of %zu good bytes and bad ones", sizes[i]);
		if (n > 0) {
			is_int(recv(b, buffer, n, MSG_WAITALL), n, "all that it said was sent");
			is_int(data_check(buffer, n, 0), -1, "and right");
		}
		is_errno(errno_of(recv(b, buffer, 1, MSG_DONTWAIT)), EAGAIN, "and no more");

		data_fill(buffer, sizes[i] + 50000, 0);
		is_int(send(a, buffer, sizes[i] + 50000, 0), sizes[i] + 50000, "good bytes are sent");
		memset(buffer, 0, sizeof(buffer));
		n = recv(b, memory, sizes[i] + 50000, 0);
		if (n < 0)
			is_errno(errno, EFAULT, "receive into %zu good bytes and bad ones", sizes[i]);
		else
			ok((size_t)n <= sizes[i] && data_check(memory, n, 0) < 0,
			   "receive into %zu good bytes and bad ones", sizes[i]);
		if (n < 0)
			n = 0;
		is_int(recv(b, buffer, sizes[i] + 50000 - n, MSG_WAITALL), sizes[i] + 50000 - n,
		       "the rest is there");
		is_int(data_check(buffer, sizes[i] + 50000 - n, n), -1, "and right");
	}
out:
	close(a);
	close(b);
}

/* A connection lives as long as one of its descriptors, in whatever process. */
static void check_sharing(void)
{
	char byte = 0;
	int copy, status;
	pid_t pid;

	vm_pair(SOCK_STREAM, &a, &b);
	copy = must(dup(a));
	close(a);
	is_errno(vm_echo(copy, b), 0, "a copy outlives the original");
	pid = must(fork());
	if (!pid) {
		must(send(copy, "c", 1, 0));
		_exit(0);
	}
	must(waitpid(pid, &status, 0));
	is_int(recv(b, &byte, 1, 0), 1, "a child process sends");
	is_int(byte, 'c', "what it should");
	is_errno(vm_echo(copy, b), 0, "its end is not ours");
	close(copy);
	is_int(recv(b, &byte, 1, 0), 0, "the last copy's end is");
	close(b);
}

int main(void)
{
	watchdog(120);
	check_partial();
	check_peek();
	check_waitall();
	check_vectors();
	check_flags_and_names();
	check_over();
	check_faults();
	check_sharing();
	check_flows();

	return done();
}
