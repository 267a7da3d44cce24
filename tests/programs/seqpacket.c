// SPDX-License-Identifier: GPL-2.0-only
/* SOCK_SEQPACKET as a queue of messages: whole, in order, with their marks. */
#include "vsock_test.h"

#include <sys/uio.h>

#define BUFFER_SIZE (256 * 1024)

static int a, b;

/* One message in; its length, with *flags as recvmsg() told them. */
static ssize_t receive(int fd, void *buffer, size_t room, int flags, int *told)
{
	struct iovec vec = { buffer, room };
	struct msghdr msg = { .msg_iov = &vec, .msg_iovlen = 1 };
	ssize_t n = recvmsg(fd, &msg, flags);

	*told = msg.msg_flags;
	return n;
}

static void check_borders(void)
{
	struct iovec out[3] = { { "a", 1 }, { "bc", 2 }, { "def", 3 } };
	struct mmsghdr out_msgs[2] = {}, in_msgs[2] = {};
	char buffer[64] = "", other[64];
	struct iovec in[2] = { { buffer, 4 }, { other, 60 } };
	int flags;

	must(send(a, "abc", 3, 0));
	must(send(a, "de", 2, 0));
	is_int(receive(b, buffer, 64, 0, &flags), 3, "first message");
	ok(!memcmp(buffer, "abc", 3), "as sent");
	is_int(flags, 0, "no flags");
	is_int(receive(b, buffer, 64, 0, &flags), 2, "second message");
	ok(!memcmp(buffer, "de", 2), "as sent");
	is_errno(errno_of(recv(b, buffer, 64, MSG_DONTWAIT)), EAGAIN, "and no third one");

	is_int(writev(a, out, 3), 6, "a message out of three pieces");
	is_int(readv(b, in, 2), 6, "into two pieces");
	ok(!memcmp(buffer, "abcd", 4) && !memcmp(other, "ef", 2), "in order");

	out_msgs[0].msg_hdr = (struct msghdr) { .msg_iov = out, .msg_iovlen = 2 };
	out_msgs[1].msg_hdr = (struct msghdr) { .msg_iov = out + 2, .msg_iovlen = 1 };
	is_int(sendmmsg(a, out_msgs, 2, 0), 2, "sendmmsg");
	in_msgs[0].msg_hdr = (struct msghdr) { .msg_iov = in, .msg_iovlen = 1 };
	in_msgs[1].msg_hdr = (struct msghdr) { .msg_iov = in + 1, .msg_iovlen = 1 };
	is_int(recvmmsg(b, in_msgs, 2, 0, NULL), 2, "recvmmsg");
	ok(in_msgs[0].msg_len == 3 && !memcmp(buffer, "abc", 3), "first of them");
	ok(in_msgs[1].msg_len == 3 && !memcmp(other, "def", 3), "second of them");

	is_int(send(a, NULL, 0, 0), 0, "nothing sent");
	is_errno(errno_of(recv(b, buffer, 64, MSG_DONTWAIT)), EAGAIN, "is no message");
	must(send(a, "abc", 3, 0));
	is_int(recv(b, buffer, 0, 0), 0, "nothing asked, nothing got");
	is_int(recv(b, buffer, 64, 0), 3, "and nothing lost");
	must(send(a, "abc", 3, 0));
	is_int(recv(b, buffer, 64, MSG_WAITALL), 3, "one message is all");
}

static void check_marks(void)
{
	char buffer[64] = "";
	int flags;

	must(send(a, "ab", 2, MSG_EOR));
	must(send(a, "cd", 2, 0));
	is_int(receive(b, buffer, 64, 0, &flags), 2, "a message that ends a record");
	is_int(flags, MSG_EOR, "says so");
	is_int(receive(b, buffer, 64, 0, &flags), 2, "one that does not");
	is_int(flags, 0, "says nothing");

	must(send(a, "abcdefghij", 10, 0));
	must(send(a, "kl", 2, 0));
	is_int(receive(b, buffer, 3, 0, &flags), 3, "a message in too small a room");
	is_int(flags, MSG_TRUNC, "is cut");
	ok(!memcmp(buffer, "abc", 3), "behind its begin");
	is_int(receive(b, buffer, 64, 0, &flags), 2, "its rest is gone");
	ok(!flags && !memcmp(buffer, "kl", 2), "the next one is whole");

	must(send(a, "abcdefghij", 10, MSG_EOR));
	is_int(receive(b, buffer, 3, MSG_TRUNC, &flags), 10, "how long it really was");
	is_int(flags, MSG_TRUNC | MSG_EOR, "cut, and the end of a record");
	must(send(a, "abc", 3, 0));
	is_int(receive(b, buffer, 3, MSG_TRUNC, &flags), 3, "one that just fits");
	is_int(flags, 0, "is not cut");
}

static void check_peek(void)
{
	char buffer[64] = "";
	int flags;

	must(send(a, "abcde", 5, MSG_EOR));
	must(send(a, "fg", 2, 0));
	is_int(receive(b, buffer, 64, MSG_PEEK, &flags), 5, "peek at a message");
	ok(!memcmp(buffer, "abcde", 5), "as sent");
	is_int(flags, MSG_EOR, "with its mark");
	is_int(receive(b, buffer, 2, MSG_PEEK, &flags), 2, "peek at its begin");
	is_int(flags & MSG_TRUNC, MSG_TRUNC, "which is a part");
	is_int(receive(b, buffer, 2, MSG_PEEK | MSG_TRUNC, &flags), 5, "peek at its length");
	is_int(receive(b, buffer, 64, 0, &flags), 5, "receive it");
	ok(!memcmp(buffer, "abcde", 5), "as sent");
	is_int(receive(b, buffer, 64, MSG_PEEK, &flags), 2, "peek at the next");
	is_int(receive(b, buffer, 64, 0, &flags), 2, "receive the next");
	ok(!memcmp(buffer, "fg", 2), "as sent");
	is_errno(errno_of(recv(b, buffer, 64, MSG_PEEK | MSG_DONTWAIT)), EAGAIN,
		 "nothing left to peek at");
}

static void check_limits(void)
{
	static char buffer[BUFFER_SIZE + 1];
	int n, flags;

	data_fill(buffer, sizeof(buffer), 0);
	is_errno(errno_of(send(a, buffer, BUFFER_SIZE + 1, 0)), EMSGSIZE, "a message too big for the buffer");
	is_int(send(a, buffer, BUFFER_SIZE, 0), BUFFER_SIZE, "the biggest message");
	is_errno(errno_of(send(a, "x", 1, MSG_DONTWAIT)), EAGAIN, "fills it");
	memset(buffer, 0, sizeof(buffer));
	is_int(receive(b, buffer, sizeof(buffer), 0, &flags), BUFFER_SIZE, "it arrives");
	is_int(data_check(buffer, BUFFER_SIZE, 0), -1, "as sent");

	ok(poll_for(a, POLLOUT) & POLLOUT, "there is room again");
	for (n = 0; n < 1000; n++)
		if (send(a, buffer, 1000, MSG_DONTWAIT) != 1000)
			break;
	is_int(n, BUFFER_SIZE / 1000, "messages of 1000 bytes until it is full");
	is_errno(errno_of(send(a, buffer, 1000, MSG_DONTWAIT)), EAGAIN, "no part of another one");
	if (native()) {
		skip("whole messages or nothing", "this kernel sends the part that fits");
		return;
	}
	is_int(poll_now(a), 0, "which poll knows");
	is_int(send(a, buffer, BUFFER_SIZE % 1000, MSG_DONTWAIT), BUFFER_SIZE % 1000,
	       "but a small one fits");
	is_int(recv(b, buffer, sizeof(buffer), 0), 1000, "one of 1000 is received");
	n--;
	is_int(poll_now(a), POLLOUT, "and poll tells that there is room for another one");
	while (n--)
		if (recv(b, buffer, sizeof(buffer), 0) != 1000)
			break;
	is_int(n, -1, "all of 1000 arrive");
	is_int(recv(b, buffer, sizeof(buffer), 0), BUFFER_SIZE % 1000, "and the small one");

	must(-set_buffer(b, SO_VM_SOCKETS_BUFFER_SIZE, 1500));
	/* On a packet transport the sender hears of it with the next packet. */
	must(send(b, "x", 1, 0));
	must(recv(a, buffer, 1, 0));
	is_errno(errno_of(send(a, buffer, 1501, 0)), EMSGSIZE, "a message too big for the receiver's small buffer");
	is_int(send(a, buffer, 1500, 0), 1500, "one that fits");
	is_int(recv(b, buffer, sizeof(buffer), 0), 1500, "arrives");
}

static void check_faults(void)
{
	char buffer[64] = "";
	struct iovec half[2] = { { buffer, 3 }, { (void *)16, 3 } };
	ssize_t n;

	is_errno(errno_of(send(a, (void *)16, 10, 0)), EFAULT, "send from nowhere");
	is_errno(errno_of(writev(a, half, 2)), EFAULT, "half from nowhere");
	is_errno(errno_of(recv(b, buffer, 1, MSG_DONTWAIT)), EAGAIN, "sends nothing");
	must(send(a, "abc", 3, 0));
	must(send(a, "defghi", 6, 0));
	must(send(a, "last", 4, 0));
	is_errno(errno_of(recv(b, (void *)16, 3, 0)), EFAULT, "receive to nowhere");
	n = recv(b, buffer, 64, MSG_PEEK);
	ok((n == 3 && !memcmp(buffer, "abc", 3)) || (n == 6 && !memcmp(buffer, "defghi", 6)),
	   "leaves whole messages");
	if (n == 3)
		must(recv(b, buffer, 64, 0));
	is_errno(errno_of(readv(b, half, 2)), EFAULT, "receive half to nowhere");
	n = recv(b, buffer, 64, MSG_PEEK);
	ok((n == 6 && !memcmp(buffer, "defghi", 6)) || (n == 4 && !memcmp(buffer, "last", 4)),
	   "leaves whole messages");
	if (n == 6)
		must(recv(b, buffer, 64, 0));
	is_int(recv(b, buffer, 64, 0), 4, "and the last one");
}

static void check_queue_size(void)
{
	char buffer[64];
	int bytes = -1;

	must(send(a, "abc", 3, 0));
	must(send(a, "de", 2, 0));
	must(ioctl(b, SIOCINQ, &bytes));
	is_int(bytes, 5, "SIOCINQ counts bytes");
	must(recv(b, buffer, 64, 0));
	must(ioctl(b, SIOCINQ, &bytes));
	is_int(bytes, 2, "that are left");
	must(recv(b, buffer, 1, 0));
	must(ioctl(b, SIOCINQ, &bytes));
	is_int(bytes, 0, "a cut message is gone as a whole");
}

/* ---- Many sizes ---- */

/* Messages of the sizes that follow from @seed; place counts through all. */
struct flow {
	int fd;
	int count;
	unsigned int seed;
	size_t max;
	bool cut;
	long long wrong;
};

static size_t next_size(struct flow *flow)
{
	static const size_t edges[] = {
		1, 2, 3, 4, 5, 1020, 1023, 1024, 1025, 3500, 4091, 4092, 4093, 4096,
		65532, 65535, 65536, 65537, 131071, 131072, 200000, 262143, 262144,
	};
	unsigned int dice = rand_r(&flow->seed);
	size_t size = dice % 3 ? edges[dice / 3 % ARRAY_SIZE(edges)] :
				 1 + dice / 3 % 9000;

	return size < flow->max ? size : flow->max;
}

static long long send_flow(void *arg)
{
	struct flow *flow = arg;
	char *buffer = malloc(flow->max);
	uint64_t place = 0;
	size_t size;
	int i;

	for (i = 0; i < flow->count; i++) {
		size = next_size(flow);
		data_fill(buffer, size, place);
		if (send(flow->fd, buffer, size, i % 5 ? 0 : MSG_EOR) != (ssize_t)size)
			break;
		place += size;
	}
	free(buffer);
	return i;
}

static long long recv_flow(void *arg)
{
	struct flow *flow = arg;
	char *buffer = malloc(flow->max + 1);
	size_t size, room, want;
	uint64_t place = 0;
	int i, flags, want_flags;

	flow->wrong = -1;
	for (i = 0; i < flow->count; i++) {
		size = next_size(flow);
		room = flow->cut && i % 3 == 1 ? size / 2 : flow->max + 1;
		want = room < size ? room : size;
		if (!room)
			room = want = 1;
		want_flags = (i % 5 ? 0 : MSG_EOR) | (want < size ? MSG_TRUNC : 0);
		if (receive(flow->fd, buffer, room, 0, &flags) != (ssize_t)want ||
		    flags != want_flags || data_check(buffer, want, place) >= 0) {
			flow->wrong = i;
			break;
		}
		place += size;
	}
	free(buffer);
	return i;
}

static void check_flow(int ns, int count, size_t max, unsigned long long buffer, bool cut)
{
	struct flow flow[4];
	struct task task[4];
	char name[128];
	int fd[2], i;

	vm_pair_in(ns, SOCK_SEQPACKET, &fd[0], &fd[1]);
	for (i = 0; buffer && i < 2; i++)
		must(-set_buffer(fd[i], SO_VM_SOCKETS_BUFFER_SIZE, buffer));
	for (i = 0; i < 4; i++) {
		flow[i] = (struct flow) {
			.fd = fd[i / 2],
			.count = count,
			.seed = i == 0 || i == 3 ? 42 : 4711,
			.max = max,
			.cut = cut,
		};
		task_start(&task[i], i % 2 ? recv_flow : send_flow, &flow[i]);
	}
	snprintf(name, sizeof(name), "%d messages of up to %zu, buffer %llu%s", count, max,
		 buffer, cut ? ", cut" : "");
	for (i = 0; i < 4; i++)
		if (!ok(task_ends(&task[i]), "%s: thread %d ends", name, i))
			exit(done());
	for (i = 0; i < 4; i++)
		is_int(task[i].result, count, "%s: all %s by side %d", name,
		       i % 2 ? "received" : "sent", i / 2);
	is_int(flow[1].wrong, -1, "%s: whole and in order", name);
	is_int(flow[3].wrong, -1, "%s: and back", name);
	close(fd[0]);
	close(fd[1]);
}

/* ---- Several senders and receivers on one connection ---- */

#define CROWD 3
#define CROWD_MESSAGES 150

static atomic_int crowd_left;

static long long crowd_send(void *arg)
{
	char buffer[5000];
	int i, who = (int)(long)arg;

	for (i = 0; i < CROWD_MESSAGES; i++) {
		memset(buffer, who, sizeof(buffer));
		if (send(a, buffer, 1 + (i * 997 + who) % sizeof(buffer), 0) < 0)
			return -1;
	}
	return 0;
}

/* How many messages were not of one piece. */
static long long crowd_receive(void *arg)
{
	char buffer[5001];
	long long wrong = 0;
	ssize_t n, i;

	(void)arg;
	while ((n = recv(b, buffer, sizeof(buffer), 0)) > 0) {
		for (i = 1; i < n && buffer[i] == buffer[0]; i++)
			;
		wrong += i < n || buffer[0] < 1 || buffer[0] > CROWD;
		crowd_left--;
	}
	return n < 0 ? -1 : wrong;
}

static void check_crowd(void)
{
	struct task senders[CROWD], receivers[CROWD];
	long i;

	vm_pair(SOCK_SEQPACKET, &a, &b);
	must(-set_buffer(a, SO_VM_SOCKETS_BUFFER_SIZE, 20000));
	crowd_left = CROWD * CROWD_MESSAGES;
	for (i = 0; i < CROWD; i++) {
		task_start(&senders[i], crowd_send, (void *)(i + 1));
		task_start(&receivers[i], crowd_receive, NULL);
	}
	for (i = 0; i < CROWD; i++) {
		if (!ok(task_ends(&senders[i]), "sender %ld of a crowd ends", i))
			exit(done());
		is_int(senders[i].result, 0, "and has sent all");
	}
	must(shutdown(a, SHUT_WR));
	for (i = 0; i < CROWD; i++) {
		if (!ok(task_ends(&receivers[i]), "receiver %ld of a crowd ends", i))
			exit(done());
		is_int(receivers[i].result, 0, "and every message was of one sender");
	}
	is_int(crowd_left, 0, "none is missing, none came twice");
	close(a);
	close(b);
}

int main(void)
{
	int init, local;

	watchdog(120);
	init = ns_here();
	local = native() ? ns_here() : ns_new_local();
	vm_pair(SOCK_SEQPACKET, &a, &b);
	check_borders();
	check_marks();
	check_peek();
	check_queue_size();
	if (native())
		skip("memory that is not there", "this kernel says ENOMEM");
	else
		check_faults();
	check_limits();
	close(a);
	close(b);
	check_flow(init, 100, 262144, 0, false);
	check_flow(local, 100, 262144, 0, true);
	check_flow(init, 500, 5000, 0, false);
	check_flow(local, 300, 5000, 5000, true);
	if (!native())
		check_flow(init, 400, 128, 128, false);
	if (native())
		skip("several senders", "this kernel mixes their messages");
	else
		check_crowd();

	return done();
}
