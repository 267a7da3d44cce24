// SPDX-License-Identifier: GPL-2.0-only
/*
 * A call whose memory comes late (userfaultfd) sleeps in the middle of its copy,
 * for as long as we like. What others do meanwhile neither waits for it nor
 * disturbs what it copies.
 */
#include "slow_memory.h"

#define ROOM SLOW_SIZE

static int type;
#define T type_name(type)

static int a, b;

/* ---- Calls on it, each in a thread ---- */

static int call_flags;
static size_t call_len;

static long long slow_recv(void *arg)
{
	return recv(*(int *)arg, slow, call_len, call_flags);
}

static long long slow_send(void *arg)
{
	return send(*(int *)arg, slow, call_len, MSG_NOSIGNAL);
}

static bool begin(struct task *task, long long (*call)(void *), int *fd)
{
	slow_new();
	task_start(task, call, fd);
	return slow_is_wanted();
}

static bool finish(struct task *task)
{
	bool ended;

	slow_arrives(task->run != slow_recv);
	ended = task_ends(task);
	slow_end();
	if (!ended)
		exit(done());
	return ended;
}

/* Sends what comes next of the one long stream that each connection carries. */
static size_t place;

static void send_next(size_t len)
{
	char data[5000];

	data_fill(data, len, place);
	must(send(a, data, len, 0) == (ssize_t)len ? 0 : -1);
	place += len;
}

/*
 * The receiver sleeps with the first buffer in hand, which grows meanwhile, and
 * others come behind it.
 */
static void check_growing(int flags, size_t first, size_t chunk)
{
	static char rest[ROOM];
	struct task task;
	size_t got;
	ssize_t n;
	int i;

	vm_pair(SOCK_STREAM, &a, &b);
	place = 0;
	call_flags = flags;
	call_len = ROOM;
	send_next(first);
	ok(begin(&task, slow_recv, &b), "a receiver of %zu bytes sleeps (flags %d)", first, flags);
	for (i = 0; i < 100; i++)
		send_next(chunk);
	slow_arrives(false);
	if (!ok(task_ends(&task), "100 times %zu bytes behind them, and it goes on", chunk))
		exit(done());
	ok(task.result >= (long long)first && task.result <= (long long)place,
	   "it has what was there, or more");
	is_int(data_check(slow, task.result, 0), -1, "as it was sent");
	slow_end();
	for (got = flags & MSG_PEEK ? 0 : task.result; got < place; got += n) {
		n = recv(b, rest, sizeof(rest), 0);
		if (n <= 0 || data_check(rest, n, got) >= 0)
			break;
	}
	is_int(got, place, "the rest is too");
	close(a);
	close(b);
}

/* One end sleeps in a call: the other end does all it wants to. */
static void check_other_end(long long (*call)(void *), const char *name)
{
	struct pollfd p;
	struct task task;
	char byte;

	vm_pair(type, &a, &b);
	must(send(a, "there", 5, 0));
	must(send(b, "back", 4, 0));
	call_flags = 0;
	call_len = 3000;
	ok(begin(&task, call, &b), "%s: one end sleeps in %s", T, name);
	is_int(send(a, "more", 4, MSG_DONTWAIT), 4, "%s: the other sends", T);
	is_int(recv(a, &byte, 1, MSG_DONTWAIT), 1, "%s: and receives", T);
	p = (struct pollfd) { .fd = a, .events = POLLOUT };
	is_int(poll(&p, 1, 0), 1, "%s: and polls", T);
	is_errno(errno_of(shutdown(a, SHUT_WR)), 0, "%s: and shuts down", T);
	is_errno(errno_of(close(a)), 0, "%s: and closes", T);
	ok(finish(&task), "%s: then %s ends", T, name);
	if (call == slow_recv)
		ok(task.result == (type == SOCK_STREAM ? 9 : 5) || task.result == 5,
		   "%s: with what was there", T);
	else
		ok(task.result == 3000 || (task.result < 0 && task.error == EPIPE),
		   "%s: in time or too late", T);
	close(b);
}

/* What a sleeping sender has not sent yet does not come, and what comes is whole. */
static void check_sender(void)
{
	static char data[ROOM];
	struct task task;

	vm_pair(type, &a, &b);
	call_len = 100000;
	ok(begin(&task, slow_send, &a), "%s: a sender sleeps", T);
	is_errno(errno_of(recv(b, data, 1, MSG_DONTWAIT)), EAGAIN, "%s: nothing comes of it", T);
	is_int(send(b, "back", 4, 0), 4, "%s: the other direction goes on", T);
	ok(finish(&task), "%s: it goes on", T);
	is_int(task.result, 100000, "%s: with all", T);
	is_int(recv(b, data, sizeof(data), type == SOCK_STREAM ? MSG_PEEK : 0) > 0, 1, "%s: which comes", T);
	is_int(data_check(data, 1000, 0), -1, "%s: as it was", T);
	close(a);
	close(b);
}

static int listener;

static long long connect_to_listener(void *arg)
{
	return vm_connect(*(int *)arg, VMADDR_CID_LOCAL, place);
}

/* Who owns a listener may sleep with it locked: those who connect do not care. */
static void check_listener(void)
{
	struct task owner, client;
	int fd = vm_socket(type);

	listener = vm_listen(type);
	/* Known beforehand: asking for it takes the lock. */
	place = vm_port(listener);
	ok(begin(&owner, slow_hold_lock, &listener), "%s: a listener's owner sleeps in setsockopt", T);
	task_start(&client, connect_to_listener, &fd);
	ok(task_ends(&client), "%s: one connects all the same", T);
	is_errno(client.result, 0, "%s: and is connected", T);
	ok(finish(&owner), "%s: the owner goes on", T);
	b = must(vm_accept(listener));
	is_errno(vm_echo(fd, b), 0, "%s: they talk", T);
	close(b);
	close(fd);
	close(listener);
}

int main(void)
{
	watchdog(60);
	if (!slow_open()) {
		skip("calls that sleep", "this kernel has no userfaultfd");
		return done();
	}
	check_growing(0, 1, 50);
	check_growing(0, 700, 1000);
	check_growing(MSG_PEEK, 1, 50);
	check_growing(MSG_PEEK, 100, 100);
	for_each_type(type) {
		check_other_end(slow_recv, "recv");
		check_other_end(slow_send, "send");
		check_sender();
		check_listener();
	}
	return done();
}
