// SPDX-License-Identifier: GPL-2.0-only
/* How a connection ends, and what ends a call that waits. */
#include "vsock_test.h"

#define BUFFER_SIZE (256 * 1024)

static int type;
#define T type_name(type)

static int a, b;
static char buffer[BUFFER_SIZE + 1000];

/* 0 or an error of one byte sent; on a packet transport the news needs a moment. */
static int send_result(int fd, int want)
{
	long long end = now_ms() + 3000;
	int err;

	do {
		err = errno_of(send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT));
	} while (err != want && (!err || err == EAGAIN) && now_ms() < end);
	return err;
}

static void fill(int fd)
{
	while (send(fd, buffer, 1024, MSG_DONTWAIT) > 0)
		;
}

static void check_shutdown_write(void)
{
	vm_pair(type, &a, &b);
	must(send(a, "ab", 2, 0));
	is_errno(errno_of(shutdown(a, SHUT_WR)), 0, "%s: SHUT_WR", T);
	is_int(recv(b, buffer, 9, 0), 2, "%s: what was sent before arrives", T);
	is_int(recv(b, buffer, 9, 0), 0, "%s: then the end", T);
	is_int(recv(b, buffer, 9, 0), 0, "%s: for good", T);
	is_errno(errno_of(send(a, "x", 1, 0)), EPIPE, "%s: no more is sent", T);
	is_int(send(b, "c", 1, 0), 1, "%s: the other direction goes on", T);
	is_int(recv(a, buffer, 9, 0), 1, "%s: both ends of it", T);
	is_errno(errno_of(shutdown(a, SHUT_WR)), 0, "%s: SHUT_WR twice", T);
	must(send(b, "def", 3, 0));
	close(b);
	is_int(recv(a, buffer, 9, 0), 3, "%s: up to its own end", T);
	is_int(recv(a, buffer, 9, 0), 0, "%s: which comes", T);
	close(a);
}

static void check_shutdown_read(void)
{
	vm_pair(type, &a, &b);
	is_errno(errno_of(shutdown(a, SHUT_RD)), 0, "%s: SHUT_RD", T);
	is_int(recv(a, buffer, 9, 0), 0, "%s: nothing more is received", T);
	is_errno(send_result(b, EPIPE), EPIPE, "%s: and nobody sends", T);
	is_int(send(a, "abc", 3, 0), 3, "%s: the other direction goes on", T);
	is_int(recv(b, buffer, 9, 0), 3, "%s: both ends of it", T);
	close(a);
	close(b);
}

static void check_shutdown_both(void)
{
	vm_pair(type, &a, &b);
	must(send(a, "abc", 3, 0));
	is_errno(errno_of(shutdown(a, SHUT_RDWR)), 0, "%s: SHUT_RDWR", T);
	is_int(recv(a, buffer, 9, 0), 0, "%s: nothing more is received", T);
	is_errno(errno_of(send(a, "x", 1, 0)), EPIPE, "%s: or sent", T);
	is_int(recv(b, buffer, 9, 0), 3, "%s: what was sent before arrives", T);
	is_int(recv(b, buffer, 9, 0), 0, "%s: then the end", T);
	is_errno(send_result(b, EPIPE), EPIPE, "%s: nobody sends back", T);
	close(a);
	close(b);

	vm_pair(type, &a, &b);
	must(shutdown(a, SHUT_RD));
	must(shutdown(a, SHUT_WR));
	is_int(recv(b, buffer, 9, 0), 0, "%s: SHUT_RD and then SHUT_WR", T);
	is_errno(send_result(b, EPIPE), EPIPE, "%s: are both", T);
	close(a);
	close(b);

	vm_pair(type, &a, &b);
	must(send(a, "abc", 3, 0));
	must(shutdown(a, SHUT_WR));
	must(shutdown(b, SHUT_WR));
	is_int(recv(b, buffer, 9, 0), 3, "%s: both sides SHUT_WR: data first", T);
	is_int(recv(b, buffer, 9, 0), 0, "%s: then the end", T);
	is_int(recv(a, buffer, 9, 0), 0, "%s: on both sides", T);
	close(a);
	close(b);
}

static void check_shutdown_arguments(void)
{
	int fd = vm_socket(type);

	is_errno(errno_of(shutdown(fd, SHUT_WR)), ENOTCONN, "%s: shutdown without a connection", T);
	is_errno(errno_of(shutdown(fd, 3)), EINVAL, "%s: shutdown of what there is not", T);
	is_errno(errno_of(shutdown(fd, -1)), EINVAL, "%s: shutdown of less than that", T);
	is_errno(errno_of(recv(fd, buffer, 1, 0)), ENOTCONN, "%s: recv without a connection", T);
	is_errno(errno_of(send(fd, buffer, 1, 0)), ENOTCONN, "%s: send without a connection", T);
	is_errno(errno_of(send(fd, buffer, 0, 0)), ENOTCONN, "%s: even of nothing", T);
	close(fd);
}

static void check_close(void)
{
	static const struct linger now = { 1, 0 };
	int lingering;

	for (lingering = 0; lingering < 2; lingering++) {
		vm_pair(type, &a, &b);
		if (lingering)
			must(setsockopt(a, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
		must(send(a, "abc", 3, 0));
		must(send(b, "lost", 4, 0));
		close(a);
		is_int(recv(b, buffer, 9, 0), 3, "%s: data sent before close (linger %d)", T, lingering);
		is_int(recv(b, buffer, 9, 0), 0, "%s: then the end", T);
		is_errno(send_result(b, EPIPE), EPIPE, "%s: nobody is there", T);
		is_errno(so_error(b), 0, "%s: which is no error of the socket", T);
		is_errno(errno_of(shutdown(b, SHUT_RDWR)), 0, "%s: shutdown after that", T);
		close(b);
	}
	/* Much data that nobody took when its sender went. */
	vm_pair(type, &a, &b);
	fill(a);
	close(a);
	{
		ssize_t n, sum = 0;

		while ((n = recv(b, buffer, 5000, 0)) > 0)
			sum += n;
		is_int(sum, BUFFER_SIZE, "%s: a full buffer sent before close", T);
		is_int(n, 0, "%s: then the end", T);
	}
	close(b);
}

/* ---- SIGPIPE ---- */

static volatile sig_atomic_t pipe_signals, alarm_signals;

static void on_signal(int signal)
{
	if (signal == SIGPIPE)
		pipe_signals++;
	else
		alarm_signals++;
}

static void check_sigpipe(void)
{
	const int each = type == SOCK_STREAM;

	signal(SIGPIPE, on_signal);
	pipe_signals = 0;
	vm_pair(type, &a, &b);
	must(shutdown(a, SHUT_WR));
	is_errno(errno_of(send(a, "x", 1, 0)), EPIPE, "%s: send after SHUT_WR", T);
	is_int(pipe_signals, each, "%s: signals", T);
	is_errno(errno_of(send(a, "x", 1, MSG_NOSIGNAL)), EPIPE, "%s: send without a signal", T);
	is_int(pipe_signals, each, "%s: none more", T);
	is_errno(errno_of(write(a, "x", 1)), EPIPE, "%s: write", T);
	is_int(pipe_signals, 2 * each, "%s: signals again", T);
	close(a);
	is_errno(send_result(b, EPIPE), EPIPE, "%s: the peer closed", T);
	is_errno(errno_of(send(b, "x", 1, 0)), EPIPE, "%s: send after that", T);
	is_int(pipe_signals, 3 * each, "%s: signals", T);
	is_int(recv(b, buffer, 1, 0), 0, "%s: recv does not", T);
	close(b);
	signal(SIGPIPE, SIG_IGN);
}

/* ---- Who waits, and what ends it ---- */

static long long wait_recv(void *arg)
{
	(void)arg;
	return recv(a, buffer, sizeof(buffer), 0);
}

static long long wait_send(void *arg)
{
	(void)arg;
	return send(a, buffer, 1024, 0);
}

static void peer_sends(void) { must(send(b, "abc", 3, 0)); }
static void peer_receives(void)
{
	static char room[BUFFER_SIZE];

	while (recv(b, room, sizeof(room), MSG_DONTWAIT) > 0)
		;
}
static void peer_closes(void) { close(b); b = -1; }
static void peer_ends_sending(void) { must(shutdown(b, SHUT_WR)); }
static void peer_ends_receiving(void) { must(shutdown(b, SHUT_RD)); }
static void peer_ends_both(void) { must(shutdown(b, SHUT_RDWR)); }
static void ends_sending(void) { must(shutdown(a, SHUT_WR)); }
static void ends_receiving(void) { must(shutdown(a, SHUT_RD)); }
static void enlarges(void)
{
	must(-set_buffer(a, SO_VM_SOCKETS_BUFFER_MAX_SIZE, 1 << 20));
	must(-set_buffer(a, SO_VM_SOCKETS_BUFFER_SIZE, 1 << 20));
	must(-set_buffer(b, SO_VM_SOCKETS_BUFFER_MAX_SIZE, 1 << 20));
	must(-set_buffer(b, SO_VM_SOCKETS_BUFFER_SIZE, 1 << 20));
}

static void check_waits(void)
{
	static const struct {
		const char *name;
		bool sending;
		void (*cause)(void);
		long long result;
		int error;
	} cases[] = {
		{ "a receiver, by data", false, peer_sends, 3, 0 },
		{ "a receiver, by the peer's close", false, peer_closes, 0, 0 },
		{ "a receiver, by the peer's SHUT_WR", false, peer_ends_sending, 0, 0 },
		{ "a receiver, by the peer's SHUT_RDWR", false, peer_ends_both, 0, 0 },
		{ "a receiver, by its own SHUT_RD", false, ends_receiving, 0, 0 },
		{ "a sender, by room", true, peer_receives, 1024, 0 },
		{ "a sender, by the peer's close", true, peer_closes, -1, EPIPE },
		{ "a sender, by the peer's SHUT_RD", true, peer_ends_receiving, -1, EPIPE },
		{ "a sender, by the peer's SHUT_RDWR", true, peer_ends_both, -1, EPIPE },
		{ "a sender, by its own SHUT_WR", true, ends_sending, -1, EPIPE },
		{ "a sender, by a larger buffer", true, enlarges, 1024, 0 },
	};
	struct task task;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		vm_pair(type, &a, &b);
		if (cases[i].sending)
			fill(a);
		task_start(&task, cases[i].sending ? wait_send : wait_recv, NULL);
		ok(task_sleeps(&task), "%s: %s: waits", T, cases[i].name);
		cases[i].cause();
		if (!ok(task_ends(&task), "%s: %s: is woken", T, cases[i].name))
			exit(done());
		is_int(task.result, cases[i].result, "%s: %s: result", T, cases[i].name);
		if (task.result < 0)
			is_errno(task.error, cases[i].error, "%s: %s: error", T, cases[i].name);
		close(a);
		if (b >= 0)
			close(b);
	}
}

/* Two directions that are both full: each end sends until the other receives. */
static void check_both_full(void)
{
	struct task task;
	ssize_t n, sum = 0;

	vm_pair(type, &a, &b);
	fill(a);
	fill(b);
	task_start(&task, wait_send, NULL);
	ok(task_sleeps(&task), "%s: both directions full: one sends", T);
	is_errno(errno_of(send(b, "x", 1, MSG_DONTWAIT)), EAGAIN, "%s: the other cannot", T);
	while (sum < BUFFER_SIZE + 1024 && (n = recv(b, buffer, 3000, 0)) > 0)
		sum += n;
	ok(task_ends(&task) && task.result == 1024, "%s: until it receives", T);
	is_int(sum, BUFFER_SIZE + 1024, "%s: everything", T);
	close(a);
	close(b);
}

static size_t wanted;

static long long wait_send_wanted(void *arg)
{
	(void)arg;
	return send(a, buffer, wanted, 0);
}

static long long wait_recv_wanted(void *arg)
{
	(void)arg;
	return recv(a, buffer, wanted, 0);
}

/* A message waits until all of it fits, through every reception that is not enough. */
static void check_message_waits(void)
{
	struct task task;

	vm_pair(type, &a, &b);
	must(-set_buffer(a, SO_VM_SOCKETS_BUFFER_SIZE, 1000));
	must(send(a, buffer, 600, 0));
	must(send(a, buffer, 400, 0));
	wanted = 700;
	task_start(&task, wait_send_wanted, NULL);
	ok(task_sleeps(&task), "a message of 700 waits behind 600 and 400");
	must(recv(b, buffer, sizeof(buffer), 0));
	ok(task_sleeps(&task), "600 received are not enough");
	must(recv(b, buffer, sizeof(buffer), 0));
	ok(task_ends(&task) && task.result == 700, "400 more are");
	close(a);
	close(b);

	/* It may also become too large while it waits. */
	vm_pair(type, &a, &b);
	fill(a);
	wanted = 200000;
	task_start(&task, wait_send_wanted, NULL);
	ok(task_sleeps(&task), "a message of 200000 waits");
	must(-set_buffer(b, SO_VM_SOCKETS_BUFFER_SIZE, 1000));
	peer_receives();
	if (!ok(task_ends(&task), "until it cannot fit any more"))
		exit(done());
	ok(task.result == 200000 || (task.result < 0 && task.error == EMSGSIZE), "it went, or is told so");
	close(a);
	close(b);
}

/* SO_RCVLOWAT asks for more than a call has room for, or than comes at once. */
static void check_lowat_waits(void)
{
	struct task task;
	int lowat = 1000;

	vm_pair(type, &a, &b);
	must(setsockopt(a, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat)));
	wanted = 10;
	task_start(&task, wait_recv_wanted, NULL);
	ok(task_sleeps(&task), "a receiver of 10 waits, with SO_RCVLOWAT 1000");
	must(send(b, buffer, 10, 0));
	ok(task_ends(&task) && task.result == 10, "10 are enough");
	wanted = 2000;
	task_start(&task, wait_recv_wanted, NULL);
	ok(task_sleeps(&task), "a receiver of 2000 waits");
	must(send(b, buffer, 600, 0));
	ok(task_sleeps(&task), "600 are not enough");
	must(send(b, buffer, 400, 0));
	ok(task_ends(&task) && task.result == 1000, "400 more are");
	/* More than will ever be there at once: the sender waits as well. */
	lowat = BUFFER_SIZE;
	must(setsockopt(a, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat)));
	wanted = 100000;
	task_start(&task, wait_recv_wanted, NULL);
	ok(task_sleeps(&task), "a receiver of 100000 waits");
	must(-set_buffer(b, SO_VM_SOCKETS_BUFFER_SIZE, 1000));
	is_int(send(b, buffer, 100000, 0), 100000, "through a buffer of 1000 they all go");
	ok(task_ends(&task) && task.result == 100000, "and arrive");
	close(a);
	close(b);
}

static void check_timeouts(void)
{
	long long start;
	int listener;

	/* An emulated machine's clock tick may come late, and all that were missed at once: no exact times. */
	vm_pair(type, &a, &b);
	set_timeout(a, SO_RCVTIMEO, 300);
	start = now_ms();
	is_errno(errno_of(recv(a, buffer, 1, 0)), EAGAIN, "%s: SO_RCVTIMEO", T);
	ok(now_ms() - start >= 200, "%s: not before its time", T);
	is_errno(errno_of(recv(a, buffer, 1, MSG_DONTWAIT)), EAGAIN, "%s: MSG_DONTWAIT", T);
	set_nonblock(a, true);
	is_errno(errno_of(recv(a, buffer, 1, 0)), EAGAIN, "%s: O_NONBLOCK", T);
	set_nonblock(a, false);
	fill(a);
	set_timeout(a, SO_SNDTIMEO, 300);
	start = now_ms();
	is_errno(errno_of(send(a, buffer, 1024, 0)), EAGAIN, "%s: SO_SNDTIMEO", T);
	ok(now_ms() - start >= 200, "%s: not before its time", T);
	peer_receives();
	if (type == SOCK_STREAM)
		is_int(send(a, buffer, sizeof(buffer), 0), BUFFER_SIZE, "%s: what fits in time is sent", T);
	close(a);
	close(b);

	/* Bounded by something else than the socket's own timeout: nothing is lost. */
	listener = vm_listen(type);
	must(listen(listener, 1));
	set_timeout(listener, SO_RCVTIMEO, 100);
	start = now_ms();
	is_errno(errno_of(accept(listener, NULL, NULL)), EAGAIN, "%s: accept in time", T);
	ok(now_ms() - start >= 50, "%s: not before its time", T);
	close(listener);
}

static void check_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct task task;

	must(sigaction(SIGUSR1, &action, NULL));
	vm_pair(type, &a, &b);
	/* A timeout makes a call that is interrupted end, so none here. */
	set_timeout(a, SO_RCVTIMEO, 0);
	set_timeout(a, SO_SNDTIMEO, 0);
	task_start(&task, wait_recv, NULL);
	ok(task_sleeps(&task), "%s: a receiver waits", T);
	pthread_kill(task.thread, SIGUSR1);
	ok(task_ends(&task) && task.result < 0, "%s: a signal ends it", T);
	is_errno(task.error, EINTR, "%s: with", T);
	fill(a);
	task_start(&task, wait_send, NULL);
	ok(task_sleeps(&task), "%s: a sender waits", T);
	pthread_kill(task.thread, SIGUSR1);
	ok(task_ends(&task) && task.result < 0, "%s: a signal ends it", T);
	is_errno(task.error, EINTR, "%s: with", T);

	/* With SA_RESTART it goes on. */
	action.sa_flags = SA_RESTART;
	must(sigaction(SIGUSR1, &action, NULL));
	alarm_signals = 0;
	task_start(&task, wait_recv, NULL);
	ok(task_sleeps(&task), "%s: a receiver waits", T);
	pthread_kill(task.thread, SIGUSR1);
	while (!alarm_signals)
		sched_yield();
	ok(task_sleeps(&task), "%s: a signal does not end it", T);
	peer_sends();
	ok(task_ends(&task) && task.result == 3, "%s: data does", T);
	close(a);
	close(b);
}

int main(void)
{
	watchdog(90);
	for_each_type(type) {
		check_shutdown_write();
		check_shutdown_read();
		check_shutdown_both();
		check_shutdown_arguments();
		check_close();
		check_sigpipe();
		check_waits();
		check_both_full();
		if (type == SOCK_STREAM)
			check_lowat_waits();
		else if (!native())
			check_message_waits();
		check_timeouts();
		check_signals();
	}
	return done();
}
