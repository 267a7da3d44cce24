// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that do everything to the same few sockets at once: what is asked is
 * that each call ends, with an answer that may be, and that nothing is left.
 * Each race runs for a fixed number of rounds.
 */
#include "vsock_test.h"

#include <sys/epoll.h>

static int rounds = 300;

/* Of each race, not of all together: a busy machine may need long for those. */
#define RACE_SECONDS	100

/* Every thread of a round starts when the last one is there. */
static void wait_at(atomic_int *gate)
{
	atomic_fetch_sub(gate, 1);
	while (atomic_load(gate) > 0)
		sched_yield();
}

/* Two bound sockets call each other; a self call; a third calls both. */
struct call {
	atomic_int *gate;
	int fd;
	unsigned int port;
	int err;
};

static void *call_thread(void *arg)
{
	struct call *call = arg;

	wait_at(call->gate);
	call->err = vm_connect(call->fd, VMADDR_CID_LOCAL, call->port);
	return NULL;
}

static bool refused(int err)
{
	return err == ECONNRESET || err == EPROTO;
}

static void race_mutual_connect(void)
{
	int bad = 0;

	watchdog(RACE_SECONDS);
	for (int i = 0; i < rounds; i++) {
		int a = vm_socket(SOCK_STREAM), b = vm_socket(SOCK_STREAM);
		atomic_int gate = 2;
		struct call calls[2];
		pthread_t threads[2];

		must(-vm_bind(a, VMADDR_CID_ANY, VMADDR_PORT_ANY));
		must(-vm_bind(b, VMADDR_CID_ANY, VMADDR_PORT_ANY));
		calls[0] = (struct call){ &gate, a, vm_port(b), 0 };
		calls[1] = (struct call){ &gate, b, vm_port(a), 0 };
		for (int t = 0; t < 2; t++)
			must(-pthread_create(&threads[t], NULL, call_thread,
					     &calls[t]));
		for (int t = 0; t < 2; t++) {
			pthread_join(threads[t], NULL);
			bad += !refused(calls[t].err);
		}
		close(a);
		close(b);
	}
	is_int(bad, 0, "two sockets that call each other are both refused");
}

/* A listener is closed while others connect to it. */
static void race_listener_close(void)
{
	int bad = 0, connected = 0;

	watchdog(RACE_SECONDS);
	for (int i = 0; i < rounds; i++) {
		int listener = vm_listen(SOCK_SEQPACKET);
		struct call calls[3];
		pthread_t threads[3];
		atomic_int gate = 4;
		char byte;

		for (int t = 0; t < 3; t++) {
			calls[t] = (struct call){ &gate,
				vm_socket(SOCK_SEQPACKET), vm_port(listener), 0 };
			must(-pthread_create(&threads[t], NULL, call_thread,
					     &calls[t]));
		}
		wait_at(&gate);
		close(listener);
		for (int t = 0; t < 3; t++) {
			pthread_join(threads[t], NULL);
			if (!calls[t].err) {
				/* Nobody accepted: it ends by itself. */
				connected++;
				bad += recv(calls[t].fd, &byte, 1, 0) != 0;
			} else {
				bad += !refused(calls[t].err);
			}
			close(calls[t].fd);
		}
	}
	is_int(bad, 0, "who connects while the listener closes is refused or sees the end");
	diag("%d of %d connected", connected, 3 * rounds);
}

/* One connection, and threads that send, receive, shut, poll and dup on it. */
struct crowd {
	atomic_int gate;
	int fds[2];
	atomic_int bad;
};

static void judge(struct crowd *crowd, ssize_t n)
{
	/* EMSGSIZE: another thread makes the buffer small meanwhile. */
	static const int fine[] = {
		EPIPE, EAGAIN, ENOTCONN, ECONNRESET, EMSGSIZE,
	};
	int err = errno;

	if (n >= 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(fine); i++)
		if (err == fine[i])
			return;
	diag("unexpected: %s", strerror(err));
	atomic_fetch_add(&crowd->bad, 1);
}

static void *send_thread(void *arg)
{
	struct crowd *crowd = arg;
	char buf[3000];
	ssize_t n = 0;

	memset(buf, 's', sizeof(buf));
	wait_at(&crowd->gate);
	for (int i = 0; i < 40 && n >= 0; i++) {
		n = send(crowd->fds[0], buf, 1 + i * 70, MSG_NOSIGNAL);
		judge(crowd, n);
	}
	return NULL;
}

static void *recv_thread(void *arg)
{
	struct crowd *crowd = arg;
	char buf[2000];
	ssize_t n = 1;

	wait_at(&crowd->gate);
	for (int i = 0; n > 0; i++) {
		n = recv(crowd->fds[1], buf, sizeof(buf),
			 i % 5 ? 0 : MSG_PEEK);
		judge(crowd, n);
	}
	return NULL;
}

static void *shut_thread(void *arg)
{
	struct crowd *crowd = arg;

	wait_at(&crowd->gate);
	for (int i = 0; i < 10; i++)
		sched_yield();
	judge(crowd, shutdown(crowd->fds[0], SHUT_WR));
	judge(crowd, shutdown(crowd->fds[1], SHUT_RDWR));
	return NULL;
}

static void *watch_thread(void *arg)
{
	struct crowd *crowd = arg;
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP };
	int epoll = must(epoll_create1(0));
	int value, copy;

	must(epoll_ctl(epoll, EPOLL_CTL_ADD, crowd->fds[0], &event));
	must(epoll_ctl(epoll, EPOLL_CTL_ADD, crowd->fds[1], &event));
	wait_at(&crowd->gate);
	for (int i = 0; i < 30; i++) {
		epoll_wait(epoll, &event, 1, 0);
		poll_now(crowd->fds[i % 2]);
		ioctl(crowd->fds[i % 2], SIOCINQ, &value);
		vm_name(crowd->fds[i % 2]);
		copy = must(dup(crowd->fds[i % 2]));
		set_buffer(copy, SO_VM_SOCKETS_BUFFER_SIZE, 1000 + i * 500);
		close(copy);
	}
	close(epoll);
	return NULL;
}

static void race_crowd(int type)
{
	static void *(*const jobs[])(void *) = {
		send_thread, recv_thread, recv_thread, shut_thread, watch_thread,
	};
	int bad = 0;

	watchdog(RACE_SECONDS);
	for (int i = 0; i < rounds; i++) {
		struct crowd crowd = { .gate = ARRAY_SIZE(jobs) };
		pthread_t threads[ARRAY_SIZE(jobs)];

		vm_pair(type, &crowd.fds[0], &crowd.fds[1]);
		for (size_t t = 0; t < ARRAY_SIZE(jobs); t++)
			must(-pthread_create(&threads[t], NULL, jobs[t],
					     &crowd));
		for (size_t t = 0; t < ARRAY_SIZE(jobs); t++)
			pthread_join(threads[t], NULL);
		bad += crowd.bad;
		close(crowd.fds[0]);
		close(crowd.fds[1]);
	}
	is_int(bad, 0, "%s: send, receive, shutdown, poll and options at once",
	       type_name(type));
}

/* Both ends are closed at the same moment, with data on the way. */
static void *close_thread(void *arg)
{
	struct call *call = arg;
	char buf[100] = "";

	wait_at(call->gate);
	send(call->fd, buf, sizeof(buf), MSG_NOSIGNAL | MSG_DONTWAIT);
	call->err = errno_of(close(call->fd));
	return NULL;
}

static void race_close_both(int type)
{
	int bad = 0;

	watchdog(RACE_SECONDS);
	for (int i = 0; i < 3 * rounds; i++) {
		atomic_int gate = 2;
		struct call calls[2] = { { .gate = &gate }, { .gate = &gate } };
		pthread_t threads[2];

		vm_pair(type, &calls[0].fd, &calls[1].fd);
		for (int t = 0; t < 2; t++)
			must(-pthread_create(&threads[t], NULL, close_thread,
					     &calls[t]));
		for (int t = 0; t < 2; t++) {
			pthread_join(threads[t], NULL);
			bad += calls[t].err;
		}
	}
	is_int(bad, 0, "%s: both ends close at once", type_name(type));
}

/* Accepting threads share a listener, connecting ones share its port. */
struct service {
	int listener;
	atomic_int left, accepted, bad;
};

static void *accept_thread(void *arg)
{
	struct service *service = arg;
	char byte;
	int fd;

	while (atomic_load(&service->accepted) < rounds) {
		fd = accept(service->listener, NULL, NULL);
		if (fd < 0)
			break;
		if (recv(fd, &byte, 1, 0) == 1)
			atomic_fetch_add(&service->accepted, 1);
		close(fd);
	}
	/* Whoever still waits is to look again. */
	shutdown(service->listener, SHUT_RDWR);
	return NULL;
}

static void *client_thread(void *arg)
{
	struct service *service = arg;
	unsigned int port = vm_port(service->listener);

	while (atomic_fetch_sub(&service->left, 1) > 0) {
		int fd = vm_socket(SOCK_STREAM), err;

		/* A full backlog refuses; that is an answer to try again. */
		while ((err = vm_connect(fd, VMADDR_CID_LOCAL, port)) ==
		       ECONNRESET)
			sched_yield();
		if (err || send(fd, "x", 1, MSG_NOSIGNAL) != 1)
			atomic_fetch_add(&service->bad, 1);
		close(fd);
	}
	return NULL;
}

static void race_accept(void)
{
	struct service service = { .listener = vm_listen(SOCK_STREAM) };
	pthread_t clients[3], servers[2];

	watchdog(RACE_SECONDS);
	atomic_store(&service.left, rounds);
	set_timeout(service.listener, SO_RCVTIMEO, 3000);
	for (int t = 0; t < 2; t++)
		must(-pthread_create(&servers[t], NULL, accept_thread, &service));
	for (int t = 0; t < 3; t++)
		must(-pthread_create(&clients[t], NULL, client_thread, &service));
	for (int t = 0; t < 3; t++)
		pthread_join(clients[t], NULL);
	for (int t = 0; t < 2; t++)
		pthread_join(servers[t], NULL);
	is_int(service.bad, 0, "clients of a shared listener");
	is_int(service.accepted, rounds, "every connection was accepted once");
	close(service.listener);
}

/* A namespace's last process ends while its sockets talk to the outside. */
static void talk_and_die(void)
{
	int listener = vm_listen(SOCK_STREAM);
	int client, server, half;

	vm_pair(SOCK_STREAM, &client, &server);
	half = vm_socket(SOCK_STREAM);
	must(-vm_connect(half, VMADDR_CID_LOCAL, vm_port(listener)));
	set_nonblock(client, true);
	while (send(client, "full", 4, MSG_NOSIGNAL) > 0)
		;
	_exit(0);
}

static void race_namespace_exit(void)
{
	int bad = 0;

	watchdog(RACE_SECONDS);
	for (int i = 0; i < rounds / 10; i++) {
		int ns = i % 2 ? ns_new_local() : ns_new_global();
		pid_t pids[3];
		int status;

		for (int p = 0; p < 3; p++) {
			pids[p] = must(fork());
			if (!pids[p]) {
				ns_enter(ns);
				talk_and_die();
			}
		}
		close(ns);
		for (int p = 0; p < 3; p++) {
			must(waitpid(pids[p], &status, 0));
			bad += status;
		}
	}
	is_int(bad, 0, "namespaces end with sockets open and full");
}

int main(void)
{
	if (is_slow_kernel())
		rounds = 60;

	race_mutual_connect();
	race_listener_close();
	race_crowd(SOCK_STREAM);
	race_crowd(SOCK_SEQPACKET);
	race_close_both(SOCK_STREAM);
	race_close_both(SOCK_SEQPACKET);
	race_accept();
	race_namespace_exit();
	check_unload();

	return done();
}
