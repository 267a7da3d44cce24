// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets in a BPF sockmap: a program decides about what they receive, another
 * socket sends it on, and leaving the map, or closing in it, takes nothing away.
 */
#include "inject.h"
#include "bpf_map.h"

#include <stddef.h>
#include <sys/epoll.h>

#define LONG_LEN (300 << 10)
/* The length that the filtering program drops. */
#define DROPPED_LEN 13

static int type;

/* A map whose program lets all pass but what has DROPPED_LEN bytes. */
static int map_filtering(void)
{
	const struct bpf_insn insns[] = {
		/* Programs ask the buffer for its socket, without a look whether it has one. */
		INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_0, BPF_REG_1, offsetof(struct __sk_buff, family), 0),
		INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_0, BPF_REG_1, offsetof(struct __sk_buff, local_port), 0),
		INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_1, BPF_REG_1, offsetof(struct __sk_buff, len), 0),
		MOV(BPF_REG_0, SK_PASS),
		INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_1, 0, 1, DROPPED_LEN),
		MOV(BPF_REG_0, SK_DROP),
		EXIT,
	};
	int map = map_new();

	attach(map, insns, ARRAY_SIZE(insns));
	return map;
}

/* A map whose program sends all to the socket at slot 1. */
static int map_redirecting(int flags)
{
	int map = map_new();
	const struct bpf_insn insns[] = {
		INSN(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_2, BPF_PSEUDO_MAP_FD, 0, map),
		INSN(0, 0, 0, 0, 0),
		MOV(BPF_REG_3, 1),
		MOV(BPF_REG_4, flags),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_sk_redirect_map),
		EXIT,
	};

	attach(map, insns, ARRAY_SIZE(insns));
	return map;
}

/* ---- Data ---- */

struct transfer {
	int fd;
	size_t len, part;
};

static long long send_all(void *arg)
{
	struct transfer *to = arg;
	size_t done, part;
	char *data = malloc(to->len);
	ssize_t n;

	data_fill(data, to->len, 0);
	for (done = 0; done < to->len; done += n) {
		part = to->len - done < to->part ? to->len - done : to->part;
		n = send(to->fd, data + done, part, 0);
		if (n <= 0)
			return -1;
	}
	free(data);
	return 0;
}

/* Bytes until the end of the stream or @len of them, -1 on an error or wrong data. */
static long long recv_all(int fd, size_t len)
{
	static char data[1 << 20];
	size_t done;
	ssize_t n;

	for (done = 0; done < len; done += n) {
		n = recv(fd, data, sizeof(data), 0);
		if (n < 0 || (n && data_check(data, n, done) >= 0))
			return -1;
		if (!n)
			break;
	}
	return done;
}

/* A long stream, or many messages, from one end to the other. */
static void check_long(int from, int to, const char *name)
{
	struct transfer transfer = { from, LONG_LEN, 9000 };
	struct task task;

	task_start(&task, send_all, &transfer);
	is_int(recv_all(to, LONG_LEN), LONG_LEN, "%s: %s", type_name(type), name);
	ok(task_ends(&task) && !task.result, "%s: and all of it is sent", type_name(type));
}

static int recv_now(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 ? -errno : 1;
}

static long long recv_byte(void *arg)
{
	char byte = 0;
	ssize_t n = recv(*(int *)arg, &byte, 1, 0);

	return n == 1 ? byte : n;
}

/* ---- Checks ---- */

static void check_who_may(void)
{
	int map = map_new(), other = map_filtering();
	int fd = vm_socket(type), listener = vm_listen(type), client, server;

	is_int(map_put(map, 0, fd), EOPNOTSUPP, "%s: not a socket that is not connected", type_name(type));
	is_int(map_put(map, 0, listener), EOPNOTSUPP, "%s: nor a listener", type_name(type));
	close(fd);
	close(listener);
	vm_pair(type, &client, &server);
	is_int(map_put(map, 0, server), 0, "%s: but a connected one", type_name(type));
	is_int(vm_echo(client, server), 0, "%s: which works on", type_name(type));
	is_int(map_put(map, 1, server), 0, "%s: twice", type_name(type));
	is_int(map_put(other, 0, server), 0, "%s: in a second map", type_name(type));
	is_int(map_put(map_filtering(), 0, server), EBUSY, "%s: not in a third whose program is another",
	       type_name(type));
	is_int(vm_echo(client, server), 0, "%s: the program of the second lets it work", type_name(type));
	is_int(map_delete(map, 1), 0, "%s: out of a slot", type_name(type));
	is_int(map_delete(map, 1), EINVAL, "%s: which is empty then", type_name(type));
	is_int(map_delete(other, 0), 0, "%s: out of the second map", type_name(type));
	is_int(vm_echo(client, server), 0, "%s: works on in the first", type_name(type));
	is_int(map_delete(map, 0), 0, "%s: out of all", type_name(type));
	is_int(vm_echo(client, server), 0, "%s: and works on", type_name(type));
	close(client);
	close(server);
	close(map);
	close(other);
}

static void check_pass(void)
{
	int map = map_filtering(), client, server;
	char data[64] = "", peek[64] = "";
	struct task task;

	vm_pair(type, &client, &server);
	is_int(map_put(map, 0, server), 0, "%s: into a map with a program", type_name(type));
	is_int(recv_now(server), -EAGAIN, "%s: nothing is there", type_name(type));
	is_int(poll_now(server), POLLOUT, "%s: poll knows", type_name(type));
	is_int(send(client, "hello", 5, 0), 5, "%s: a send", type_name(type));
	is_int(poll_for(server, POLLIN), POLLIN | POLLOUT, "%s: what passed is there", type_name(type));
	is_int(recv(server, peek, sizeof(peek), MSG_PEEK), 5, "%s: to look at", type_name(type));
	is_int(recv(server, data, sizeof(data), 0), 5, "%s: to receive", type_name(type));
	ok(!strcmp(data, "hello") && !strcmp(peek, "hello"), "%s: as it was sent", type_name(type));
	is_int(poll_now(server), POLLOUT, "%s: poll knows that it is gone", type_name(type));

	is_int(send(client, data, DROPPED_LEN, 0), DROPPED_LEN, "%s: what the program drops", type_name(type));
	/* Or a stream's program might see both at once. */
	is_int(recv_now(server), -EAGAIN, "%s: it drops", type_name(type));
	is_int(send(client, "x", 1, 0), 1, "%s: and what not", type_name(type));
	is_int(recv(server, data, sizeof(data), 0), 1, "%s: only that passes", type_name(type));
	is_int(recv_now(server), -EAGAIN, "%s: and no more", type_name(type));

	task_start(&task, recv_byte, &server);
	ok(task_sleeps(&task), "%s: a reader waits", type_name(type));
	is_int(send(client, "y", 1, 0), 1, "%s: for a send", type_name(type));
	ok(task_ends(&task) && task.result == 'y', "%s: which wakes it", type_name(type));

	is_errno(set_buffer(client, SO_VM_SOCKETS_BUFFER_SIZE, 100000), 0, "%s: the peer's buffer changes",
		 type_name(type));
	is_errno(set_buffer(server, SO_VM_SOCKETS_BUFFER_SIZE, 200000), 0, "%s: its own buffer changes",
		 type_name(type));
	check_long(client, server, "passes all of a lot");
	check_long(server, client, "and sends as ever");

	is_int(send(client, "bye", 3, 0), 3, "%s: the last words", type_name(type));
	close(client);
	ok(poll_for(server, POLLIN) & POLLIN, "%s: pass", type_name(type));
	is_int(recv(server, data, sizeof(data), 0), 3, "%s: and are received", type_name(type));
	is_int(recv(server, data, sizeof(data), 0), 0, "%s: then the end", type_name(type));
	close(server);
	is_int(map_delete(map, 0), EINVAL, "%s: who closes is out of the map", type_name(type));
	close(map);
}

/* What was there before the program was. */
static void check_before(void)
{
	int map = map_filtering(), client, server;
	char data[64] = "";

	vm_pair(type, &client, &server);
	is_int(send(client, "one, ", 5, 0), 5, "%s: sent before", type_name(type));
	is_int(send(client, "two", 3, 0), 3, "%s: more of it", type_name(type));
	is_int(recv(server, data, type == SOCK_STREAM ? 2 : 5, 0), type == SOCK_STREAM ? 2 : 5,
	       "%s: some is received", type_name(type));
	is_int(map_put(map, 0, server), 0, "%s: into the map", type_name(type));
	is_int(recv(server, data, sizeof(data), 0), type == SOCK_STREAM ? 6 : 3, "%s: the rest is", type_name(type));
	ok(!memcmp(data, type == SOCK_STREAM ? "e, two" : "two", 3), "%s: right", type_name(type));
	is_int(recv_now(server), -EAGAIN, "%s: and no more", type_name(type));
	is_int(map_delete(map, 0), 0, "%s: out of the map", type_name(type));
	check_long(client, server, "works on");
	close(client);
	close(server);
	close(map);
}

/* Messages keep their borders, and their ends are cut off, as without a map. */
static void check_messages(void)
{
	static char data[200000], got[sizeof(data)];
	static const int lengths[] = { 5, 1, 70000, 2000, 3, 150000, 7, 4000 };
	int map = map_filtering(), client, server;
	struct msghdr msg = {};
	struct iovec room = { got, 3 };
	unsigned int i, good = 0;

	vm_pair(SOCK_SEQPACKET, &client, &server);
	data_fill(data, sizeof(data), 0);
	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		good += send(client, data, lengths[i], 0) == lengths[i];
	is_int(good, ARRAY_SIZE(lengths), "messages: sent before");
	is_int(map_put(map, 0, server), 0, "messages: into the map");
	for (i = good = 0; i < ARRAY_SIZE(lengths); i++)
		good += recv(server, got, sizeof(got), 0) == lengths[i] && data_check(got, lengths[i], 0) < 0;
	is_int(good, ARRAY_SIZE(lengths), "messages: received one by one");
	for (i = good = 0; i < ARRAY_SIZE(lengths); i++)
		good += send(client, data, lengths[i], 0) == lengths[i];
	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		good += recv(server, got, sizeof(got), 0) == lengths[i] && data_check(got, lengths[i], 0) < 0;
	is_int(good, 2 * ARRAY_SIZE(lengths), "messages: as are those sent in the map");

	send(client, "abcdef", 6, 0);
	send(client, "gh", 2, 0);
	msg.msg_iov = &room;
	msg.msg_iovlen = 1;
	is_int(recvmsg(server, &msg, 0), 3, "messages: one that has no room");
	ok(msg.msg_flags & MSG_TRUNC, "messages: is cut off");
	is_int(recv(server, got, 1, MSG_PEEK | MSG_TRUNC), 2, "messages: the length of the next");
	is_int(recv(server, NULL, 2, 0), -1, "messages: received to where no memory is");
	is_int(errno, EFAULT, "messages: an error");
	is_int(recv_now(server), -EAGAIN, "messages: and it is lost");
	close(client);
	close(server);
	close(map);
}

/* No buffer has room for such a message: it must not keep those behind it, nor the end, for ever. */
static void check_too_large(void)
{
	const size_t len = 70 << 20;
	const uint64_t room = 80 << 20;
	int map = map_filtering(), client, server, fds[2];
	char *data = calloc(1, len);
	unsigned int i;

	vm_pair(SOCK_SEQPACKET, &client, &server);
	fds[0] = client;
	fds[1] = server;
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		setsockopt(fds[i], AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, &room, sizeof(room));
		setsockopt(fds[i], AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &room, sizeof(room));
	}
	is_int(map_put(map, 0, server), 0, "too large: into the map");
	is_int(send(client, data, len, 0), len, "too large: a message of 70 MiB");
	is_int(recv(server, data, len, 0), -1, "too large: is not received");
	is_int(errno, EMSGSIZE, "too large: which is told");
	is_int(send(client, "x", 1, 0), 1, "too large: one more");
	is_int(recv_byte(&server), 'x', "too large: which is");
	free(data);
	close(client);
	close(server);
	close(map);
}

static void check_redirect(void)
{
	int map = map_redirecting(0), in, from, to, out;
	struct transfer transfer;
	struct task task;

	vm_pair(type, &in, &from);
	vm_pair(type, &to, &out);
	is_int(map_put(map, 1, to), 0, "%s: where it goes", type_name(type));
	is_int(map_put(map, 0, from), 0, "%s: where it comes from", type_name(type));
	is_int(send(in, "z", 1, 0), 1, "%s: a byte in", type_name(type));
	is_int(recv_byte(&out), 'z', "%s: and out", type_name(type));
	is_int(recv_now(from), -EAGAIN, "%s: not where it came through", type_name(type));
	is_int(poll_now(from), POLLOUT, "%s: poll knows", type_name(type));
	check_long(in, out, "a lot goes through");

	is_int(map_delete(map, 0), 0, "%s: out of the map", type_name(type));
	is_int(vm_echo(in, from), 0, "%s: it receives itself again", type_name(type));
	is_int(map_put(map, 0, from), 0, "%s: and not", type_name(type));

	/* Whatever of it arrives; the sender may not hang when nobody takes more. */
	transfer = (struct transfer) { in, LONG_LEN, 9000 };
	task_start(&task, send_all, &transfer);
	ok(recv(out, &(char) { 0 }, 1, 0) == 1, "%s: while data flows", type_name(type));
	close(to);
	ok(task_ends(&task), "%s: where it goes closes", type_name(type));
	close(from);
	close(in);
	close(out);
	close(map);
}

/* The kernel forbids it, and drops. */
static void check_redirect_ingress(void)
{
	int map = map_redirecting(BPF_F_INGRESS), in, from, to, out;

	vm_pair(type, &in, &from);
	vm_pair(type, &to, &out);
	is_int(map_put(map, 1, to), 0, "%s: whose queue it goes to", type_name(type));
	is_int(map_put(map, 0, from), 0, "%s: from this one", type_name(type));
	is_int(send(in, "z", 1, 0), 1, "%s: a byte", type_name(type));
	is_int(recv_now(from), -EAGAIN, "%s: is not here", type_name(type));
	is_int(recv_now(to), -EAGAIN, "%s: nor there", type_name(type));
	is_int(send(to, "y", 1, 0), 1, "%s: which sends", type_name(type));
	is_int(recv_byte(&out), 'y', "%s: as ever", type_name(type));
	close(in);
	close(from);
	close(to);
	close(out);
	close(map);
}

/* Bytes until there is no room for half a second, 16 MiB at most. */
static long long send_until_stopped(int fd, const void *data, size_t len)
{
	long long sent = 0;
	ssize_t n;

	set_timeout(fd, SO_SNDTIMEO, 500);
	while (sent < 16 << 20 && (n = send(fd, data, len, 0)) > 0)
		sent += n;
	return sent;
}

/* Nobody receives: the sender is stopped some time. */
static void check_bound(void)
{
	static char data[4096];
	int map = map_filtering(), client, server, queued = -1;
	long long sent, got = 0;
	ssize_t n;

	vm_pair(type, &client, &server);
	is_int(map_put(map, 0, server), 0, "%s: nobody receives", type_name(type));
	sent = send_until_stopped(client, data, sizeof(data));
	ok(sent < 2 << 20, "%s: what waits is bounded", type_name(type));
	diag("%s: %lld bytes", type_name(type), sent);
	ok(!ioctl(server, SIOCINQ, &queued) && queued > 0, "%s: and SIOCINQ tells of some", type_name(type));
	set_timeout(server, SO_RCVTIMEO, 500);
	while ((n = recv(server, data, sizeof(data), 0)) > 0)
		got += n;
	is_int(got, sent, "%s: all of it is received", type_name(type));
	is_int(vm_echo(client, server), 0, "%s: and it goes on", type_name(type));
	close(client);
	close(server);
	close(map);
}

/* Who waits for the peer's end, and for nothing else. */
static int watch_end(int fd)
{
	struct epoll_event event = { .events = EPOLLRDHUP };
	int epoll = must(epoll_create1(EPOLL_CLOEXEC));

	must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	return epoll;
}

static bool end_is_told(int epoll, int ms)
{
	struct epoll_event event = {};

	return must(epoll_wait(epoll, &event, 1, ms)) == 1 && event.events & EPOLLRDHUP;
}

/* It is told when the last of much has been shown to the program, which is while somebody receives. */
static void check_end(void)
{
	static char data[4000];
	int map = map_filtering(), client, server, epoll;
	long long sent, got = 0;
	ssize_t n;

	vm_pair(type, &client, &server);
	is_int(map_put(map, 0, server), 0, "%s: into the map", type_name(type));
	sent = send_until_stopped(client, data, sizeof(data));
	close(client);
	epoll = watch_end(server);
	ok(!end_is_told(epoll, 0), "%s: the end after more than the program has seen is not told yet", type_name(type));
	while (got < sent && (n = recv(server, data, sizeof(data), 0)) > 0)
		got += n;
	is_int(got, sent, "%s: all of it is received", type_name(type));
	ok(end_is_told(epoll, PATIENCE_MS), "%s: then the end is told", type_name(type));
	is_int(recv(server, data, sizeof(data), 0), 0, "%s: and received", type_name(type));
	close(epoll);
	close(server);
	close(map);
}

/* In and out of the map, and closing in it, while data flows. */
static void check_churn(void)
{
	int map = map_filtering(), redirect = map_redirecting(0), i, client, server, good = 0;
	struct transfer transfer;
	struct task task;
	char data[100];

	vm_pair(type, &client, &server);
	transfer = (struct transfer) { client, LONG_LEN * 4, 500 };
	task_start(&task, send_all, &transfer);
	for (i = 0; i < 200; i++) {
		good += !map_put(i % 3 ? map : redirect, i % 2, server);
		recv(server, data, sizeof(data), MSG_DONTWAIT);
		good += !map_delete(i % 3 ? map : redirect, i % 2);
	}
	is_int(good, 400, "%s: in and out while data flows", type_name(type));
	while (recv(server, data, sizeof(data), 0) > 0 && task_state(task.tid) != 'X')
		;
	ok(task_ends(&task) && !task.result, "%s: all is sent", type_name(type));
	close(client);
	close(server);

	for (i = good = 0; i < 50; i++) {
		vm_pair(type, &client, &server);
		transfer = (struct transfer) { client, LONG_LEN * 4, 500 };
		task_start(&task, send_all, &transfer);
		good += !map_put(map, 0, server);
		recv(server, data, i, i % 2 ? MSG_DONTWAIT : 0);
		close(server);
		good += task_ends(&task) && task.result == -1;
		close(client);
	}
	is_int(good, 100, "%s: close in the map while data flows", type_name(type));
	close(map);
	close(redirect);
}

/* ---- Without memory, where the kernel can be without on demand ---- */

/* Of one slab, so that nothing else fails: @times allocations, -1 for all. */
static void fail(const char *slab, const char *times)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/failslab", slab);
	fd = must(open(path, O_WRONLY | O_CLOEXEC));
	must(write(fd, "1", 1));
	close(fd);
	inject_set("failslab/cache-filter", "Y");
	inject_set("failslab/interval", "1");
	inject_set("failslab/times", times);
	inject_set("failslab/probability", "100");
}

static void fail_no_more(const char *slab)
{
	char path[128];
	int fd;

	inject_set("failslab/probability", "0");
	inject_set("failslab/cache-filter", "N");
	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/failslab", slab);
	fd = must(open(path, O_WRONLY | O_CLOEXEC));
	must(write(fd, "0", 1));
	close(fd);
}

static bool has_failed(void)
{
	long long end = now_ms() + PATIENCE_MS;
	char left[16] = "";
	int fd;

	do {
		poll(NULL, 0, 1);
		fd = must(open("/sys/kernel/debug/failslab/times", O_RDONLY | O_CLOEXEC));
		must(read(fd, left, sizeof(left) - 1));
		close(fd);
	} while (atoi(left) && now_ms() < end);
	return !atoi(left);
}

/* What could not be shown to the program is shown to it later, by itself. */
static void check_no_buffer(void)
{
	int map = map_filtering(), client, server;
	char data[64];

	vm_pair(type, &client, &server);
	is_int(send(client, "abcdef", 6, 0), 6, "%s: sent before", type_name(type));
	is_int(send(client, "gh", 2, 0), 2, "%s: more of it, in the same buffer", type_name(type));
	is_int(recv(server, data, 6, 0), 6, "%s: some is received", type_name(type));
	fail("skbuff_head_cache", "1");
	is_int(map_put(map, 0, server), 0, "%s: into the map", type_name(type));
	ok(has_failed(), "%s: no memory", type_name(type));
	fail_no_more("skbuff_head_cache");
	is_int(poll_for(server, POLLIN), POLLIN | POLLOUT, "%s: the rest comes without another event", type_name(type));
	is_int(recv(server, data, sizeof(data), 0), 2, "%s: all of it", type_name(type));
	close(client);
	close(server);
	close(map);
}

/* The end is not told before what passed. */
static void check_late(void)
{
	int map = map_filtering(), client, server, epoll;
	char data[64];

	vm_pair(type, &client, &server);
	is_int(map_put(map, 0, server), 0, "%s: into the map", type_name(type));
	epoll = watch_end(server);
	fail("kmalloc-1k", "-1");
	is_int(send(client, "bye", 3, 0), 3, "%s: the last words, while no memory is", type_name(type));
	close(client);
	is_int(recv_now(server), -EAGAIN, "%s: are not received yet, nor the end", type_name(type));
	is_int(poll_now(server) & POLLIN, 0, "%s: which poll knows", type_name(type));
	ok(!end_is_told(epoll, 0), "%s: nor is the end told", type_name(type));
	fail_no_more("kmalloc-1k");
	ok(end_is_told(epoll, PATIENCE_MS), "%s: but as soon as memory is", type_name(type));
	is_int(recv(server, data, sizeof(data), 0), 3, "%s: which is received then", type_name(type));
	is_int(recv(server, data, sizeof(data), 0), 0, "%s: and then the end", type_name(type));
	close(epoll);
	close(server);
	close(map);
}

int main(void)
{
	const bool fails = !access("/sys/kernel/debug/failslab", F_OK);

	signal(SIGPIPE, SIG_IGN);
	if (fails)
		inject_init();
	for_each_type(type) {
		if (fails) {
			in_child(check_no_buffer);
			in_child(check_late);
		}
		in_child(check_who_may);
		in_child(check_pass);
		in_child(check_before);
		in_child(check_redirect);
		in_child(check_redirect_ingress);
		/* The kernel's own keeps all that passed. */
		if (!native()) {
			in_child(check_bound);
			in_child(check_end);
		}
		in_child(check_churn);
	}
	/* The kernel's own makes a stream of them. */
	if (!native()) {
		in_child(check_messages);
		in_child(check_too_large);
	}
	check_unload();

	return done();
}
