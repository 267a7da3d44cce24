// SPDX-License-Identifier: GPL-2.0-only
/*
 * A container whose memory is limited (a memory cgroup, a local namespace) takes
 * without end: the memory is charged to it, so it is told that there is none, or is
 * killed, alone, and the machine has what it had.
 */
#include "cgroup.h"

#include <sys/resource.h>

#define LIMIT (20LL << 20)
/* What else goes on in the machine, and caches that nobody is charged for. */
#define SLACK (24LL << 20)

static int ns;

/* ---- What the container does: each goes on until an error, which it returns ---- */

static char block[65536];

/* Both ends of a connection that holds as much as it is given; 0 or an error. */
static int pair_of(int listener, unsigned int port, int type, int *client, int *server)
{
	int err;

	*client = socket(AF_VSOCK, type, 0);
	if (*client < 0)
		return errno;
	err = vm_connect(*client, VMADDR_CID_LOCAL, port);
	if (err)
		return err;
	*server = accept(listener, NULL, NULL);
	return errno_of(*server);
}

static int listen_with(int type, int backlog, unsigned int *port)
{
	int listener = socket(AF_VSOCK, type, 0);

	must(-vm_bind(listener, VMADDR_CID_ANY, VMADDR_PORT_ANY));
	must(listen(listener, backlog));
	*port = vm_port(listener);
	return listener;
}

static int queue_data(int type, size_t piece)
{
	const unsigned long long most = 1ULL << 30;
	unsigned int port;
	int listener = listen_with(type, 8, &port), client = -1, server = -1, err;

	for (;;) {
		err = pair_of(listener, port, type, &client, &server);
		if (err)
			return err;
		for (int i = 0; i < 2; i++) {
			must(-set_buffer(i ? client : server, SO_VM_SOCKETS_BUFFER_MAX_SIZE, most));
			must(-set_buffer(i ? client : server, SO_VM_SOCKETS_BUFFER_SIZE, most));
		}
		while (send(client, block, piece, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			;
		if (errno != EAGAIN)
			return errno;
	}
}

static int take_data(void)
{
	return queue_data(SOCK_STREAM, sizeof(block));
}

static int take_messages(void)
{
	return queue_data(SOCK_SEQPACKET, sizeof(block));
}

static int take_small_messages(void)
{
	return queue_data(SOCK_SEQPACKET, 300);
}

static int take_sockets(void)
{
	int fd, err;

	for (;;) {
		fd = socket(AF_VSOCK, SOCK_STREAM, 0);
		if (fd < 0)
			return errno;
		err = vm_bind(fd, VMADDR_CID_ANY, VMADDR_PORT_ANY);
		if (err)
			return err;
	}
}

static int take_connections(void)
{
	unsigned int port;
	int listener = listen_with(SOCK_STREAM, 8, &port), client, server, err;

	do {
		err = pair_of(listener, port, SOCK_STREAM, &client, &server);
	} while (!err);
	return err;
}

/* Nobody accepts them. The system bounds a backlog (net.core.somaxconn), not the number of listeners. */
static int take_backlog(void)
{
	unsigned int port = VMADDR_PORT_ANY;
	int fd, err;

	for (;;) {
		fd = socket(AF_VSOCK, SOCK_STREAM, 0);
		err = fd < 0 ? errno : vm_connect(fd, VMADDR_CID_LOCAL, port);
		if (err == ECONNRESET)
			listen_with(SOCK_STREAM, INT_MAX, &port);
		else if (err)
			return err;
		else
			close(fd);
	}
}

/* ---- The container, and who looks at it from outside ---- */

static void run_container(int (*take)(void), int out)
{
	struct rlimit files = { 1 << 20, 1 << 20 };
	int err;

	must(prctl(PR_SET_PDEATHSIG, SIGKILL));
	must(setrlimit(RLIMIT_NOFILE, &files));
	group_enter();
	ns_enter(ns);
	err = take();
	must(write(out, &err, sizeof(err)));
	pause();
}

static void check(const char *name, int (*take)(void))
{
	int out[2], error = 0, status, client, server, works = 0, fails = 0;
	long long before, used, worst = 0, end = now_ms() + 5 * PATIENCE_MS;
	struct pollfd p;
	bool killed;
	pid_t pid;

	if (!group_new(LIMIT))
		bail_out("no memory cgroup: %s", strerror(errno));
	before = memory_used();
	must(pipe2(out, O_CLOEXEC));
	pid = must(fork());
	if (!pid) {
		run_container(take, out[1]);
		_exit(1);
	}
	close(out[1]);
	/* It says its error, or its end closes the pipe. */
	p = (struct pollfd) { .fd = out[0], .events = POLLIN };
	do {
		vm_pair(SOCK_STREAM, &client, &server);
		if (vm_echo(client, server))
			fails++;
		else
			works++;
		close(client);
		close(server);
		used = memory_used() - before;
		if (used > worst)
			worst = used;
	} while (!poll(&p, 1, 10) && worst < LIMIT + 4 * SLACK && now_ms() < end);
	if (!p.revents)
		diag("it does not end");
	else if (read(out[0], &error, sizeof(error)) != sizeof(error))
		error = 0;
	killed = waitpid(pid, &status, WNOHANG) == pid || (!error && p.revents);
	if (killed && !error)
		ok(group_read("memory.events", "oom_kill ") > 0, "%s: it is killed for its memory", name);
	else
		ok(error == ENOMEM || error == ENOBUFS, "%s: it is told that there is no memory (%s)", name,
		   error ? strerrorname_np(error) : "nothing");
	ok(worst < LIMIT + SLACK, "%s: the machine lacks %lld KiB at most", name, worst / 1024);
	if (group_read("memory.peak", NULL) >= 0)
		ok(group_read("memory.peak", NULL) > LIMIT * 9 / 10, "%s: and the container has them", name);
	ok(works && !fails, "%s: meanwhile others connect and talk", name);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(out[0]);
	end = now_ms() + PATIENCE_MS;
	while ((used = memory_used() - before) > SLACK && now_ms() < end)
		poll(NULL, 0, 50);
	ok(used < SLACK, "%s: afterwards the memory is there again (%lld KiB are not)", name, used / 1024);
	group_end();
}

int main(void)
{
	int client, server;

	watchdog(280);
	if (!group_new(LIMIT)) {
		skip("a container", "this kernel has no memory cgroups");
		return done();
	}
	group_end();
	ns = ns_new_local();
	/* So that what is made once, the first time, is there. */
	vm_pair(SOCK_STREAM, &client, &server);
	close(client);
	close(server);

	check("data", take_data);
	check("messages", take_messages);
	check("small messages", take_small_messages);
	check("sockets", take_sockets);
	check("connections", take_connections);
	check("a backlog", take_backlog);
	close(ns);

	return done();
}
