/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What test programs share: sockets, network namespaces, sysctls, helpers that
 * block, data that proves itself.  Nothing here waits for ever.
 */
#ifndef VSOCK_TEST_H
#define VSOCK_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/sockios.h>
#include <linux/vm_sockets.h>

#include "tap.h"

/* The debug kernel checks each access to memory. */
static TAP_UNUSED bool is_slow_kernel(void)
{
	const char *kernel = getenv("KERNEL");

	return kernel && !strcmp(kernel, "debug");
}

/* Longer than anything that works takes, also emulated and on a busy machine. */
#define PATIENCE_SECONDS (is_slow_kernel() ? 80 : 20)
#define PATIENCE_MS (PATIENCE_SECONDS * 1000)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define errno_of(call) ((call) < 0 ? errno : 0)

/* The kernel under test has the feature itself. */
static TAP_UNUSED bool native(void)
{
	return getenv("NATIVE") != NULL;
}

/* A check of an error number, 0 for success; tells names, not numbers. */
static TAP_PRINTF(5, 6) bool check_errno(const char *file, int line, int got,
					 int want, const char *format, ...)
{
	char name[512];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	if (tap_check(file, line, got == want, "%s", name))
		return true;
	diag("got %s, want %s", got ? strerrorname_np(got) ?: "?" : "success",
	     want ? strerrorname_np(want) : "success");
	return false;
}

#define is_errno(got, want, ...) \
	check_errno(__FILE__, __LINE__, got, want, __VA_ARGS__)

/* What fails here is not the subject of the test. */
#define must(call) ({							\
	long long must_ret = (call);					\
	if (must_ret < 0)						\
		bail_out("%s:%d: %s: %s", __FILE__, __LINE__, #call,	\
			 strerror(errno));				\
	must_ret;							\
})

static void watchdog_bark(int signal)
{
	static const char text[] = "not ok - hangs: the time is up\n";

	(void)signal;
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		_exit(254);
	_exit(255);
}

/* First call of main(): a hang ends the program, and the test with it. */
static TAP_UNUSED void watchdog(unsigned int seconds)
{
	if (is_slow_kernel())
		seconds *= 3;
	signal(SIGALRM, watchdog_bark);
	signal(SIGPIPE, SIG_IGN);
	alarm(seconds);
}

static TAP_UNUSED long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* ---- Namespaces: a file descriptor each ---- */

static TAP_UNUSED int ns_here(void)
{
	return must(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
}

static TAP_UNUSED void ns_enter(int ns)
{
	must(setns(ns, CLONE_NEWNET));
}

/* A new namespace whose creator is in @parent. */
static TAP_UNUSED int ns_new(int parent)
{
	int here = ns_here();
	int ns;

	ns_enter(parent);
	must(unshare(CLONE_NEWNET));
	ns = ns_here();
	ns_enter(here);
	close(here);

	return ns;
}

#define SYSCTL_DIR "/proc/sys/net/vsock/"

/* 0 or an error; one write() of @len bytes, in the namespace we are in. */
static TAP_UNUSED int sysctl_write(const char *name, const char *value, size_t len)
{
	char path[128];
	int fd, err = 0;
	ssize_t n;

	snprintf(path, sizeof(path), SYSCTL_DIR "%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	n = write(fd, value, len);
	if (n < 0)
		err = errno;
	else if ((size_t)n != len)
		err = EIO;
	close(fd);

	return err;
}

static TAP_UNUSED int sysctl_set(const char *name, const char *value)
{
	return sysctl_write(name, value, strlen(value));
}

/* In a buffer of its own per call (eight of them in turn); "?" when it fails. */
static TAP_UNUSED const char *sysctl_get(const char *name)
{
	static char buffers[8][64];
	static int next;
	char *buffer = buffers[next++ % ARRAY_SIZE(buffers)];
	char path[128];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), SYSCTL_DIR "%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, buffer, sizeof(buffers[0]) - 1);
		close(fd);
	}
	strcpy(buffer + (n < 0 ? 0 : n), n < 0 ? "?" : "");

	return buffer;
}

static TAP_UNUSED int sysctl_set_in(int ns, const char *name, const char *value)
{
	int here = ns_here();
	int err;

	ns_enter(ns);
	err = sysctl_set(name, value);
	ns_enter(here);
	close(here);

	return err;
}

static TAP_UNUSED const char *sysctl_get_in(int ns, const char *name)
{
	int here = ns_here();
	const char *value;

	ns_enter(ns);
	value = sysctl_get(name);
	ns_enter(here);
	close(here);

	return value;
}

/* A namespace whose children are local; child_ns_mode of init is left alone. */
static TAP_UNUSED int ns_local_parent(void)
{
	static int parent = -1;
	int here;

	if (parent < 0) {
		here = ns_here();
		parent = ns_new(here);
		close(here);
		if (sysctl_set_in(parent, "child_ns_mode", "local"))
			bail_out("child_ns_mode cannot be set");
	}
	return parent;
}

static TAP_UNUSED int ns_new_global(void)
{
	int here = ns_here();
	int ns = ns_new(here);

	close(here);
	return ns;
}

/* With GLOBAL_ONLY set the transport under test knows no namespaces: a global one. */
static TAP_UNUSED int ns_new_local(void)
{
	return getenv("GLOBAL_ONLY") ? ns_new_global() : ns_new(ns_local_parent());
}

/* The kinds of namespace that tests go through; two of each but init. */
enum { NS_INIT, NS_GA, NS_GB, NS_LA, NS_LB, NS_COUNT };
static TAP_UNUSED const char *const ns_names[NS_COUNT] = {
	"init", "global A", "global B", "local A", "local B",
};
static TAP_UNUSED int ns_fd[NS_COUNT];

static TAP_UNUSED void ns_setup(void)
{
	ns_fd[NS_INIT] = ns_here();
	ns_fd[NS_GA] = ns_new_global();
	ns_fd[NS_GB] = ns_new_global();
	ns_fd[NS_LA] = ns_new_local();
	ns_fd[NS_LB] = ns_new_local();
}

/* Whether two of them reach each other. */
static TAP_UNUSED bool ns_reach(int a, int b)
{
	return a == b || (a < NS_LA && b < NS_LA);
}

/* ---- Memory ---- */

/* Of the whole machine, in bytes, what neither is free nor can be at once: what the kernel took shows here. */
static TAP_UNUSED long long memory_used(void)
{
	static const char *const lines[] = { "MemFree:", "Cached:", "Buffers:" };
	long long total = 0, value;
	char line[128], name[64];
	FILE *file = fopen("/proc/meminfo", "re");

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %lld", name, &value) != 2)
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
			if (!strcmp(name, lines[i]))
				total += value * 1024;
	}
	if (file)
		fclose(file);
	return -total;
}

/* ---- Sockets ---- */

static TAP_UNUSED const char *type_name(int type)
{
	return type == SOCK_STREAM ? "stream" : "seqpacket";
}

static TAP_UNUSED struct sockaddr_vm vm_addr(unsigned int cid, unsigned int port)
{
	return (struct sockaddr_vm) {
		.svm_family = AF_VSOCK,
		.svm_cid = cid,
		.svm_port = port,
	};
}

static TAP_UNUSED void set_timeout(int fd, int option, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	must(setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv)));
}

/* A call that blocks on this socket ends with EAGAIN when patience does. */
static TAP_UNUSED int vm_socket(int type)
{
	int fd = must(socket(AF_VSOCK, type | SOCK_CLOEXEC, 0));

	set_timeout(fd, SO_RCVTIMEO, PATIENCE_MS);
	set_timeout(fd, SO_SNDTIMEO, PATIENCE_MS);

	return fd;
}

/* A socket belongs to the namespace it was made in, wherever we are. */
static TAP_UNUSED int vm_socket_in(int ns, int type)
{
	int here = ns_here();
	int fd;

	ns_enter(ns);
	fd = vm_socket(type);
	ns_enter(here);
	close(here);

	return fd;
}

/* 0 or an error. */
static TAP_UNUSED int vm_bind(int fd, unsigned int cid, unsigned int port)
{
	struct sockaddr_vm addr = vm_addr(cid, port);

	return errno_of(bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
}

static TAP_UNUSED int vm_connect(int fd, unsigned int cid, unsigned int port)
{
	struct sockaddr_vm addr = vm_addr(cid, port);

	return errno_of(connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
}

static TAP_UNUSED struct sockaddr_vm vm_name(int fd)
{
	struct sockaddr_vm addr = {};
	socklen_t len = sizeof(addr);

	must(getsockname(fd, (struct sockaddr *)&addr, &len));
	return addr;
}

static TAP_UNUSED struct sockaddr_vm vm_peer(int fd)
{
	struct sockaddr_vm addr = {};
	socklen_t len = sizeof(addr);

	if (getpeername(fd, (struct sockaddr *)&addr, &len))
		addr.svm_family = AF_UNSPEC;
	return addr;
}

static TAP_UNUSED unsigned int vm_port(int fd)
{
	return vm_name(fd).svm_port;
}

/* Listens at a port that the kernel chooses, see vm_port(). */
static TAP_UNUSED int vm_listen_in(int ns, int type, unsigned int cid, int backlog)
{
	int fd = vm_socket_in(ns, type);
	int err = vm_bind(fd, cid, VMADDR_PORT_ANY);

	if (err)
		bail_out("bind: %s", strerror(err));
	must(listen(fd, backlog));

	return fd;
}

static TAP_UNUSED int vm_listen(int type)
{
	int here = ns_here();
	int fd = vm_listen_in(here, type, VMADDR_CID_ANY, 8);

	close(here);
	return fd;
}

static TAP_UNUSED int vm_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0) {
		set_timeout(fd, SO_RCVTIMEO, PATIENCE_MS);
		set_timeout(fd, SO_SNDTIMEO, PATIENCE_MS);
	}
	return fd;
}

/* A connection inside a namespace; only the two ends stay open. */
static TAP_UNUSED void vm_pair_in(int ns, int type, int *client, int *server)
{
	int listener = vm_listen_in(ns, type, VMADDR_CID_ANY, 8);
	int err;

	*client = vm_socket_in(ns, type);
	err = vm_connect(*client, VMADDR_CID_LOCAL, vm_port(listener));
	if (err)
		bail_out("connect: %s", strerror(err));
	*server = must(vm_accept(listener));
	close(listener);
}

static TAP_UNUSED void vm_pair(int type, int *client, int *server)
{
	int here = ns_here();

	vm_pair_in(here, type, client, server);
	close(here);
}

/* 0 or an error: a byte there, the same byte back. */
static TAP_UNUSED int vm_echo(int a, int b)
{
	char byte = 0;

	if (send(a, "?", 1, 0) != 1 || recv(b, &byte, 1, 0) != 1)
		return errno ?: EPROTO;
	if (byte != '?')
		return EBADMSG;
	if (send(b, "!", 1, 0) != 1 || recv(a, &byte, 1, 0) != 1)
		return errno ?: EPROTO;

	return byte == '!' ? 0 : EBADMSG;
}

static TAP_UNUSED int so_error(int fd)
{
	int err = -1;
	socklen_t len = sizeof(err);

	must(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len));
	return err;
}

/* Events that are true now, of those that a user may care for. */
#define POLL_ALL (POLLIN | POLLOUT | POLLRDHUP | POLLPRI)
static TAP_UNUSED int poll_now(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLL_ALL };

	must(poll(&p, 1, 0));
	return p.revents;
}

/* Waits for one of @events; all that is true then, 0 when patience ended. */
static TAP_UNUSED int poll_for(int fd, int events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return must(poll(&p, 1, PATIENCE_MS)) ? poll_now(fd) : 0;
}

static TAP_UNUSED void set_nonblock(int fd, bool on)
{
	int flags = must(fcntl(fd, F_GETFL));

	must(fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

/* 0 or an error. */
static TAP_UNUSED int set_buffer(int fd, int option, unsigned long long size)
{
	return errno_of(setsockopt(fd, AF_VSOCK, option, &size, sizeof(size)));
}

static TAP_UNUSED unsigned long long get_buffer(int fd, int option)
{
	unsigned long long size = 0;
	socklen_t len = sizeof(size);

	must(getsockopt(fd, AF_VSOCK, option, &size, &len));
	return size;
}

/* ---- Data that proves itself: each byte follows from its place ---- */

static TAP_UNUSED void data_fill(void *buffer, size_t len, uint64_t place)
{
	unsigned char *byte = buffer;

	for (; len--; place++)
		*byte++ = (place * 2654435761u) >> 13;
}

/* -1 when all is right, else the place of the first wrong byte. */
static TAP_UNUSED long long data_check(const void *buffer, size_t len, uint64_t place)
{
	const unsigned char *byte = buffer;

	for (; len--; place++)
		if (*byte++ != (unsigned char)((place * 2654435761u) >> 13))
			return place;
	return -1;
}

/* ---- Calls that block, each in a thread ---- */

struct task {
	pthread_t thread;
	atomic_int tid;
	long long (*run)(void *arg);
	void *arg;
	long long result;
	int error;
};

static void *task_main(void *arg)
{
	struct task *task = arg;

	task->tid = syscall(SYS_gettid);
	errno = 0;
	task->result = task->run(task->arg);
	task->error = errno;
	return NULL;
}

static TAP_UNUSED void task_start(struct task *task, long long (*run)(void *), void *arg)
{
	*task = (struct task) { .run = run, .arg = arg };
	if (pthread_create(&task->thread, NULL, task_main, task))
		bail_out("no more threads");
}

/* The state letter of /proc: S is asleep, and a task sleeps in its call only. */
static char task_state(int tid)
{
	char path[64], text[512];
	char *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 'X';
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 'X';
	text[n] = '\0';
	end = strrchr(text, ')');
	return end ? end[2] : 'X';
}

/* True once the task sleeps; false when it ended, or never does. */
static TAP_UNUSED bool task_sleeps(struct task *task)
{
	long long end = now_ms() + PATIENCE_MS;
	char state;

	while (now_ms() < end) {
		state = task->tid ? task_state(task->tid) : 'R';
		if (state == 'S')
			return true;
		if (state == 'X' || state == 'Z')
			return false;
		sched_yield();
	}
	return false;
}

/* True when the task ended; its result and error are there then. */
static TAP_UNUSED bool task_ends(struct task *task)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE_SECONDS + 5;
	return !pthread_timedjoin_np(task->thread, NULL, &end);
}

/* ---- Checks in a process of their own, numbered with ours ---- */

static TAP_UNUSED void in_child(void (*run)(void))
{
	int count[2] = { tap_count, tap_failed };
	int result[2], status;
	pid_t pid;

	must(pipe2(result, O_CLOEXEC));
	pid = must(fork());
	if (!pid) {
		must(prctl(PR_SET_PDEATHSIG, SIGKILL));
		run();
		count[0] = tap_count;
		count[1] = tap_failed;
		must(write(result[1], count, sizeof(count)));
		_exit(0);
	}
	close(result[1]);
	if (read(result[0], count, sizeof(count)) != sizeof(count))
		diag("the child process died");
	close(result[0]);
	tap_count = count[0];
	tap_failed = count[1];
	must(waitpid(pid, &status, 0));
	if (status)
		ok(false, "the child process ended well, not with status %#x", status);
}

/* ---- The end of a test: nothing holds the modules any more ---- */

static TAP_UNUSED void check_unload(void)
{
	long long end = now_ms() + PATIENCE_MS;
	bool gone = false;

	/* Namespaces and timers may still be on their way out. */
	while (!gone && now_ms() < end) {
		if (system("modprobe -q -r vsock_loopback vsock 2>/dev/null"))
			poll(NULL, 0, 100);
		gone = access("/sys/module/vsock", F_OK);
	}
	if (!ok(gone, "the modules unload"))
		system("lsmod | grep vsock | sed 's/^/# /' >&2");
}

#endif
