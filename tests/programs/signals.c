// SPDX-License-Identifier: GPL-2.0-only
/*
 * A signal at every wait: with SA_RESTART a call without a timeout goes on, all
 * others end with EINTR, or with what they have done so far; what comes later is
 * whole. With LINGER=1, over a transport that lingers, close() is one of them; with
 * a guest's device, connect() is.
 */
#include "vsock_test.h"

#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <linux/vhost.h>

#define BUFFER_SIZE 20000
#define GUEST_CID 42

static int type;
#define T type_name(type)

static int a = -1, b = -1, listener = -1, pipes[2], file, guest = -1;
static char data[3 * BUFFER_SIZE], back[3 * BUFFER_SIZE];

static atomic_int signals;

static void on_signal(int signal)
{
	(void)signal;
	signals++;
}

/* ---- What is made before a call waits, and what lets it go on ---- */

static void make_listener(void)
{
	listener = vm_listen(type);
	a = vm_socket(type);
}

static void make_pair(void)
{
	vm_pair(type, &a, &b);
	must(-set_buffer(b, SO_VM_SOCKETS_BUFFER_SIZE, BUFFER_SIZE));
}

static void make_part(void)
{
	make_pair();
	must(send(a, data, 100, 0));
}

/* No room is left, not for a byte. */
static void make_full(void)
{
	make_pair();
	must(send(a, data, BUFFER_SIZE, 0));
}

static void make_spliced(void)
{
	make_full();
	must(write(pipes[1], data, 1000));
}

static void make_guest(void)
{
	a = vm_socket(type);
}

static void let_connect(void)
{
	must(-vm_connect(a, VMADDR_CID_LOCAL, vm_port(listener)));
}

static void let_data(void)
{
	must(send(a, data + 100, 2900, 0));
}

static void let_room(void)
{
	size_t got = 0;

	while (got < BUFFER_SIZE)
		got += must(recv(b, back, BUFFER_SIZE, 0));
}

/* ---- The calls that wait ---- */

static long long wait_accept(void *arg)
{
	(void)arg;
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

static long long wait_recv(void *arg)
{
	(void)arg;
	return recv(b, back, 3000, 0);
}

static long long wait_peek(void *arg)
{
	(void)arg;
	return recv(b, back, 3000, MSG_PEEK);
}

static long long wait_recv_all(void *arg)
{
	(void)arg;
	return recv(b, back, 3000, MSG_WAITALL);
}

static long long wait_read(void *arg)
{
	(void)arg;
	return read(b, back, 3000);
}

static long long wait_splice_out(void *arg)
{
	(void)arg;
	return splice(b, NULL, pipes[1], NULL, 3000, 0);
}

static long long wait_send(void *arg)
{
	(void)arg;
	return send(a, data, 1000, 0);
}

static long long wait_send_part(void *arg)
{
	(void)arg;
	return send(a, data, 2 * BUFFER_SIZE, 0);
}

static long long wait_write(void *arg)
{
	(void)arg;
	return write(a, data, 1000);
}

static long long wait_splice_in(void *arg)
{
	(void)arg;
	return splice(pipes[0], NULL, a, NULL, 1000, 0);
}

static long long wait_sendfile(void *arg)
{
	(void)arg;
	return sendfile(a, file, &(off_t) { 0 }, 1000);
}

static long long wait_poll(void *arg)
{
	struct pollfd p = { .fd = b, .events = POLLIN };

	(void)arg;
	return poll(&p, 1, PATIENCE_MS);
}

static long long wait_connect(void *arg)
{
	int err = vm_connect(a, GUEST_CID, 7);

	(void)arg;
	errno = err;
	return err ? -1 : 0;
}

static long long wait_close(void *arg)
{
	(void)arg;
	return close(a);
}

/* ---- All of them ---- */

static const struct wait {
	const char *name;
	void (*make)(void);
	long long (*call)(void *);
	/* NULL: SA_RESTART makes no difference, a timeout bounds it always. */
	void (*let)(void);
	/* What the call returns when it goes on to its end; -1: any success. */
	long long result;
	/* What it returns when a signal ends it; 0: EINTR. */
	long long part;
	int only_type;
} waits[] = {
	{ "accept", make_listener, wait_accept, let_connect, -1, 0, 0 },
	{ "recv", make_pair, wait_recv, let_data, 2900, 0, 0 },
	{ "recv MSG_PEEK", make_pair, wait_peek, let_data, 2900, 0, 0 },
	{ "recv MSG_WAITALL", make_part, wait_recv_all, let_data, 3000, 100, SOCK_STREAM },
	{ "read", make_pair, wait_read, let_data, 2900, 0, 0 },
	{ "splice from it", make_pair, wait_splice_out, let_data, -1, 0, SOCK_STREAM },
	{ "send", make_full, wait_send, let_room, 1000, 0, 0 },
	{ "send of more than there is room for", make_pair, wait_send_part, NULL, 0, BUFFER_SIZE, SOCK_STREAM },
	{ "write", make_full, wait_write, let_room, 1000, 0, 0 },
	{ "splice to it", make_spliced, wait_splice_in, let_room, 1000, 0, SOCK_STREAM },
	{ "sendfile", make_full, wait_sendfile, let_room, 1000, 0, SOCK_STREAM },
	{ "poll", make_pair, wait_poll, NULL, 0, 0, 0 },
};

static void set_action(bool restart)
{
	struct sigaction action = {
		.sa_handler = on_signal, .sa_flags = restart ? SA_RESTART : 0,
	};

	must(sigaction(SIGUSR1, &action, NULL));
}

/* The timeouts of all that there is. */
static void set_timeouts(int ms)
{
	const int fds[] = { a, b, listener };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (fds[i] < 0)
			continue;
		set_timeout(fds[i], SO_RCVTIMEO, ms);
		set_timeout(fds[i], SO_SNDTIMEO, ms);
	}
}

static void begin(void)
{
	must(pipe2(pipes, O_CLOEXEC));
	signals = 0;
}

static void end(void)
{
	int *fds[] = { &a, &b, &listener, &pipes[0], &pipes[1] };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

static bool start(struct task *task, long long (*call)(void *))
{
	task_start(task, call, NULL);
	if (task_sleeps(task))
		return true;
	ok(false, "it waits");
	return false;
}

static void send_signal(struct task *task)
{
	pthread_kill(task->thread, SIGUSR1);
}

static void check_ended(const struct wait *wait, struct task *task, const char *how)
{
	if (!ok(task_ends(task), "%s: %s%s: a signal ends it", T, wait->name, how))
		exit(done());
	if (wait->part) {
		is_int(task->result, wait->part, "%s: %s%s: with what it has done", T, wait->name, how);
	} else {
		is_int(task->result, -1, "%s: %s%s: with an error", T, wait->name, how);
		is_errno(task->error, EINTR, "%s: %s%s: which is", T, wait->name, how);
	}
}

static void check_goes_on(const struct wait *wait, struct task *task)
{
	while (!signals)
		sched_yield();
	if (!ok(task_sleeps(task), "%s: %s: with SA_RESTART it goes on", T, wait->name)) {
		task_ends(task);
		return;
	}
	wait->let();
	if (!ok(task_ends(task), "%s: %s: to its end", T, wait->name))
		exit(done());
	if (wait->result >= 0)
		is_int(task->result, wait->result, "%s: %s: as without", T, wait->name);
	else
		ok(task->result >= 0, "%s: %s: as without", T, wait->name);
	if (wait->call == wait_accept && task->result >= 0)
		close(task->result);
}

static void check_wait(const struct wait *wait)
{
	const struct {
		int timeout;
		bool restart;
		const char *name;
	} ways[] = {
		{ 0, false, "" },
		{ PATIENCE_MS, false, ", with a timeout" },
		{ PATIENCE_MS, true, ", with a timeout and SA_RESTART" },
		{ 0, true, "" },
	};
	struct task task;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		begin();
		wait->make();
		set_timeouts(ways[i].timeout);
		set_action(ways[i].restart);
		if (start(&task, wait->call)) {
			send_signal(&task);
			/* Part of a result is a result, which nothing restarts. */
			if (wait->let && !wait->part && ways[i].restart && !ways[i].timeout)
				check_goes_on(wait, &task);
			else
				check_ended(wait, &task, ways[i].name);
		}
		set_timeouts(PATIENCE_MS);
		end();
	}
}

/* After a signal took a call away in its middle, both directions are whole. */
static void check_afterwards(void)
{
	struct task task;

	begin();
	make_full();
	set_timeouts(0);
	set_action(false);
	for (int i = 0; i < 20; i++) {
		if (start(&task, wait_send))
			send_signal(&task);
		if (!task_ends(&task))
			exit(done());
	}
	let_room();
	is_int(memcmp(data, back, BUFFER_SIZE), 0, "%s: what waited is whole after signals", T);
	is_errno(vm_echo(a, b), 0, "%s: and the two talk", T);
	end();
}

/* A guest that does not run is who does not answer. */
static void check_connect(void)
{
	static const struct wait connect = { "connect", make_guest, wait_connect, NULL, 0, 0, 0 };
	struct timeval tv = { 3 * PATIENCE_SECONDS, 0 };
	struct task task;

	for (int restart = 0; restart < 2; restart++) {
		begin();
		connect.make();
		must(setsockopt(a, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv)));
		set_action(restart);
		if (start(&task, wait_connect)) {
			send_signal(&task);
			check_ended(&connect, &task, restart ? ", with SA_RESTART" : "");
		}
		listener = vm_listen(type);
		is_errno(vm_connect(a, VMADDR_CID_LOCAL, vm_port(listener)), 0, "%s: connect: then another one", T);
		end();
	}
}

static bool open_guest(void)
{
	unsigned long long cid = GUEST_CID;

	guest = open("/dev/vhost-vsock", O_RDWR | O_CLOEXEC);
	return guest >= 0 && !ioctl(guest, VHOST_SET_OWNER) && !ioctl(guest, VHOST_VSOCK_SET_GUEST_CID, &cid);
}

/* The peer does not take what was sent to it, so its end is not known. */
static void check_linger(void)
{
	struct linger linger = { 1, 3 * PATIENCE_SECONDS };
	struct task task;
	long long start_ms;

	for (int restart = 0; restart < 2; restart++) {
		begin();
		make_part();
		must(setsockopt(a, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
		set_action(restart);
		start_ms = now_ms();
		if (start(&task, wait_close)) {
			send_signal(&task);
			ok(task_ends(&task), "%s: close: a signal ends its lingering", T);
			is_int(task.result, 0, "%s: close: is done all the same", T);
			ok(now_ms() - start_ms < linger.l_linger * 1000LL, "%s: close: before its time", T);
		}
		a = -1;
		is_int(recv(b, back, 1000, 0), 100, "%s: close: what was sent is there", T);
		is_int(recv(b, back, 1000, 0), 0, "%s: close: and nothing behind it", T);
		end();
	}
}

int main(void)
{
	size_t j;

	watchdog(200);
	data_fill(data, sizeof(data), 0);
	file = must(memfd_create("file", MFD_CLOEXEC));
	must(write(file, data, sizeof(data)));
	for_each_type(type) {
		for (j = 0; j < ARRAY_SIZE(waits) && !getenv("LINGER"); j++)
			if (!waits[j].only_type || waits[j].only_type == type)
				check_wait(&waits[j]);
		if (!getenv("LINGER"))
			check_afterwards();
		else
			check_linger();
	}
	type = SOCK_STREAM;
	if (open_guest())
		check_connect();
	else
		skip("connect", "no guest's device");

	return done();
}
