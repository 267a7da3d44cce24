// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connects that wait for an answer which does not come, and sockets that go from one transport to another: a guest of
 * vhost_vsock that does not run is who does not answer. tests/known-fixes.md says which check is for which old mistake.
 */
#include "vsock_test.h"

#include <linux/vhost.h>

#define GUEST_CID 42
#define GUEST_PORT 7
#define NOBODY_CID 77

static int type = SOCK_STREAM;
#define T type_name(type)

static int listener;
static unsigned int port;

/* A guest's device, with nothing behind it. */
static int open_guest(void)
{
	unsigned long long cid = GUEST_CID;
	int fd = must(open("/dev/vhost-vsock", O_RDWR | O_CLOEXEC));

	must(ioctl(fd, VHOST_SET_OWNER));
	must(ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &cid));
	return fd;
}

static int pending_socket(int timeout_ms)
{
	struct timeval tv = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	int fd = vm_socket(type);

	must(setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv)));
	return fd;
}

static long long connect_guest(void *arg)
{
	return vm_connect(*(int *)arg, GUEST_CID, GUEST_PORT);
}

static void on_signal(int signal)
{
	(void)signal;
}

/* @fd works as a new socket would. */
static void check_works(int fd, const char *after)
{
	int server;

	set_nonblock(fd, false);
	is_errno(so_error(fd), 0, "%s: no error is left", after);
	is_errno(vm_connect(fd, VMADDR_CID_LOCAL, port), 0, "%s: the next try connects", after);
	server = must(vm_accept(listener));
	is_errno(vm_echo(fd, server), 0, "%s: and talks", after);
	close(server);
}

static void check_timeouts(void)
{
	int fd = pending_socket(200);

	is_errno(vm_connect(fd, GUEST_CID, GUEST_PORT), ETIMEDOUT, "nobody answers in time");
	check_works(fd, "after a timeout");
	close(fd);

	fd = pending_socket(200);
	set_nonblock(fd, true);
	is_errno(vm_connect(fd, GUEST_CID, GUEST_PORT), EINPROGRESS, "nonblocking, nobody answers");
	is_errno(vm_connect(fd, GUEST_CID, GUEST_PORT), EALREADY, "it goes on");
	is_errno(vm_connect(fd, VMADDR_CID_LOCAL, port), EALREADY, "whatever the address");
	is_int(poll_for(fd, POLLOUT) & POLLERR, POLLERR, "poll tells the timeout");
	is_errno(so_error(fd), ETIMEDOUT, "SO_ERROR too");
	check_works(fd, "after a nonblocking timeout");
	close(fd);

	fd = pending_socket(200);
	set_nonblock(fd, true);
	is_errno(vm_connect(fd, GUEST_CID, GUEST_PORT), EINPROGRESS, "nonblocking again, nobody answers");
	is_int(poll_for(fd, POLLOUT) & POLLERR, POLLERR, "poll tells the timeout");
	set_nonblock(fd, false);
	is_errno(vm_connect(fd, VMADDR_CID_LOCAL, port), 0, "who did not ask SO_ERROR connects as well");
	is_errno(so_error(fd), 0, "and the timeout is forgotten");
	close(must(vm_accept(listener)));
	close(fd);
}

/* Two threads wait for one connection. */
static void check_two_wait(void)
{
	struct task tasks[2];
	/* Longer than we wait for a thread to end. */
	int fd = pending_socket(100000), i;

	for (i = 0; i < 2; i++) {
		task_start(&tasks[i], connect_guest, &fd);
		ok(task_sleeps(&tasks[i]), "thread %d waits for an answer", i);
	}
	pthread_kill(tasks[0].thread, SIGUSR1);
	ok(task_ends(&tasks[0]), "a signal ends the first one's");
	is_errno(tasks[0].result, EINTR, "with");
	if (!ok(task_ends(&tasks[1]), "and the second one's too"))
		exit(done());
	is_errno(tasks[1].result, ECONNRESET, "with");
	check_works(fd, "after a signal");
	close(fd);
}

/* Gives a connect up before its timeout, whose timer stays behind. */
static void give_up(int fd)
{
	struct task task;

	set_nonblock(fd, true);
	is_errno(vm_connect(fd, GUEST_CID, GUEST_PORT), EINPROGRESS, "a connect with a short timeout");
	set_nonblock(fd, false);
	task_start(&task, connect_guest, &fd);
	/* The timer itself may come first: then there is nothing to see. */
	task_sleeps(&task);
	pthread_kill(task.thread, SIGUSR1);
	ok(task_ends(&task), "is given up");
	so_error(fd);
}

/* The timer of a connect that was given up does not end the connection that came after it. */
static void check_old_timer(void)
{
	int fd = pending_socket(300), server;

	give_up(fd);
	is_errno(vm_connect(fd, VMADDR_CID_LOCAL, port), 0, "another one connects");
	server = must(vm_accept(listener));
	poll(NULL, 0, 500);
	is_errno(so_error(fd), 0, "the timeout of the first one passes without an error");
	is_errno(vm_echo(fd, server), 0, "and the connection stands");
	close(server);
	close(fd);
}

/* The same, but another connect is pending when the old time is up. */
static void check_later_deadline(void)
{
	struct timeval tv = { 10, 0 };
	int fd = pending_socket(300);

	give_up(fd);
	must(setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv)));
	set_nonblock(fd, true);
	is_errno(vm_connect(fd, GUEST_CID, GUEST_PORT), EINPROGRESS, "another one with a long timeout");
	poll(NULL, 0, 500);
	is_errno(so_error(fd), 0, "is not ended by the first one's");
	is_errno(vm_connect(fd, GUEST_CID, GUEST_PORT), EALREADY, "but goes on");
	close(fd);
}

/* Shutting down ends the wait; the timer then finds nothing to do. */
static void check_shutdown(void)
{
	struct task task;
	int fd = pending_socket(10000);

	task_start(&task, connect_guest, &fd);
	ok(task_sleeps(&task), "one waits for an answer");
	is_errno(errno_of(shutdown(fd, SHUT_RDWR)), 0, "another one shuts down");
	ok(task_ends(&task), "which ends the wait");
	is_errno(task.result, EPIPE, "with");
	close(fd);

	fd = pending_socket(200);
	set_nonblock(fd, true);
	is_errno(vm_connect(fd, GUEST_CID, GUEST_PORT), EINPROGRESS, "a nonblocking connect");
	is_errno(errno_of(shutdown(fd, SHUT_RDWR)), 0, "is shut down");
	poll(NULL, 0, 400);
	is_errno(so_error(fd), 0, "no timeout comes after that");
	close(fd);
}

/* What is pending when a socket is closed goes with it: modules and memory can tell. */
static void check_closed(void)
{
	int fd, i, bad = 0;

	for (i = 0; i < 200; i++) {
		fd = pending_socket(i % 2 ? 8 : 20000);
		set_nonblock(fd, true);
		bad += vm_connect(fd, GUEST_CID, GUEST_PORT) != EINPROGRESS;
		if (i % 3)
			bad += vm_connect(fd, GUEST_CID, GUEST_PORT) == 0;
		close(fd);
	}
	is_int(bad, 0, "sockets are closed while they connect");
}

/* ---- From one transport to the next ---- */

static void check_keeps_port(void)
{
	int fd = pending_socket(50), other = vm_socket(type), i, bad = 0;
	unsigned int own;

	must(-vm_bind(fd, VMADDR_CID_ANY, VMADDR_PORT_ANY));
	own = vm_port(fd);
	for (i = 0; i < 3; i++) {
		is_errno(vm_connect(fd, GUEST_CID, GUEST_PORT), ETIMEDOUT, "a bound socket, by the guest's transport");
		bad += vm_bind(other, VMADDR_CID_ANY, own) != EADDRINUSE || vm_port(fd) != own;
		is_errno(vm_connect(fd, VMADDR_CID_LOCAL, own), EPROTO, "by loopback");
		bad += vm_bind(other, VMADDR_CID_ANY, own) != EADDRINUSE || vm_port(fd) != own;
		is_errno(vm_connect(fd, VMADDR_CID_HYPERVISOR, GUEST_PORT), ENODEV, "by none");
		bad += vm_bind(other, VMADDR_CID_ANY, own) != EADDRINUSE || vm_port(fd) != own;
	}
	is_int(bad, 0, "it keeps its port through all of them");
	check_works(fd, "after all of them");
	close(fd);
	is_errno(vm_bind(other, VMADDR_CID_ANY, own), 0, "and gives it back at its end");
	close(other);
}

/* A guest's end concerns those only who talk to it. */
static void check_guest_ends(int guest)
{
	int a, b, fd = pending_socket(300);

	vm_pair(type, &a, &b);
	set_nonblock(fd, true);
	is_errno(vm_connect(fd, GUEST_CID, GUEST_PORT), EINPROGRESS, "a connect to the guest");
	close(guest);
	is_errno(vm_echo(a, b), 0, "the guest's device goes: a local connection stays");
	is_int(poll_now(a), POLLOUT, "without any event");
	is_int(poll_for(fd, POLLOUT) & POLLERR, POLLERR, "the connect to the guest ends");
	ok(so_error(fd) != 0, "with an error");
	check_works(fd, "after the guest");
	close(fd);
	close(a);
	close(b);
}

struct crowd {
	int fd;
	atomic_bool over;
	atomic_int calls;
};

/* Everything that looks at a transport. */
static void *watch(void *arg)
{
	struct crowd *crowd = arg;
	unsigned long long size;
	int value = 1;
	char byte;

	while (!crowd->over) {
		size = 1000 + crowd->calls++ % 5000;
		poll_now(crowd->fd);
		ioctl(crowd->fd, SIOCINQ, &value);
		ioctl(crowd->fd, SIOCOUTQ, &value);
		if (recv(crowd->fd, &byte, 1, MSG_DONTWAIT) > 0 || send(crowd->fd, "x", 1, MSG_DONTWAIT) > 0)
			break;
		setsockopt(crowd->fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &size, sizeof(size));
		value = 1 + size % 3;
		setsockopt(crowd->fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value));
		vm_name(crowd->fd);
		vm_peer(crowd->fd);
	}
	return NULL;
}

/* A socket changes its transport again and again while two threads look at it. */
static void check_crowd(void)
{
	static const int fine[] = { ETIMEDOUT, ECONNRESET, ENODEV, ESOCKTNOSUPPORT };
	struct crowd crowd = { .fd = pending_socket(8) };
	const struct { unsigned int cid, port; } goals[] = {
		{ GUEST_CID, GUEST_PORT }, { VMADDR_CID_LOCAL, 1 }, { NOBODY_CID, 1 }, { VMADDR_CID_HYPERVISOR, 1 },
	};
	int value = 1, bad = 0, i, err;
	pthread_t threads[2];
	size_t k;

	for (i = 0; i < 2; i++)
		must(-pthread_create(&threads[i], NULL, watch, &crowd));
	for (i = 0; i < 200; i++) {
		err = vm_connect(crowd.fd, goals[i % ARRAY_SIZE(goals)].cid, goals[i % ARRAY_SIZE(goals)].port);
		for (k = 0; k < ARRAY_SIZE(fine) && err != fine[k]; k++)
			;
		if (k == ARRAY_SIZE(fine)) {
			diag("connect: %s", strerror(err));
			bad++;
		}
	}
	crowd.over = true;
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	is_int(bad, 0, "%s: a socket that changes transports, %d calls meanwhile", T, crowd.calls);
	must(setsockopt(crowd.fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value)));
	close(crowd.fd);
}

/* The flag of an address decides where it leads, not the CID alone. */
static void check_flag(void)
{
	struct sockaddr_vm addr = vm_addr(NOBODY_CID, 1);
	int local = ns_new_local(), fd;

	/* From a local namespace nothing goes to the hypervisor, which another error tells. */
	must(-sysctl_set_in(local, "g2h_fallback", "0"));
	fd = vm_socket_in(local, type);
	is_errno(errno_of(connect(fd, (struct sockaddr *)&addr, sizeof(addr))), ENODEV,
		 "without VMADDR_FLAG_TO_HOST a CID is a guest's");
	addr.svm_flags = VMADDR_FLAG_TO_HOST;
	is_errno(errno_of(connect(fd, (struct sockaddr *)&addr, sizeof(addr))), ENETUNREACH,
		 "with it, it is the hypervisor's business");
	addr.svm_flags = 0;
	is_errno(errno_of(connect(fd, (struct sockaddr *)&addr, sizeof(addr))), ENODEV,
		 "and the flag does not stay");
	close(fd);
	close(local);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	int guest;

	(void)argv;
	watchdog(120);
	/* With a guest transport loaded, CIDs without a guest lead there. */
	if (argc > 1) {
		check_flag();
		return done();
	}
	must(sigaction(SIGUSR1, &action, NULL));
	guest = open_guest();
	listener = vm_listen(type);
	port = vm_port(listener);
	check_timeouts();
	check_two_wait();
	check_old_timer();
	check_later_deadline();
	check_shutdown();
	check_closed();
	check_keeps_port();
	check_crowd();
	type = SOCK_SEQPACKET;
	check_crowd();
	type = SOCK_STREAM;
	check_guest_ends(guest);
	close(listener);

	return done();
}
