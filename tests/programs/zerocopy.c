// SPDX-License-Identifier: GPL-2.0-only
/* SO_ZEROCOPY and MSG_ZEROCOPY: what is sent, and what the error queue tells of it. */
#include "ns_alive.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <linux/errqueue.h>
#include <linux/io_uring.h>
#include <linux/vm_sockets.h>

#ifndef SOL_VSOCK
#define SOL_VSOCK 287
#endif
#ifndef VSOCK_RECVERR
#define VSOCK_RECVERR 1
#endif

#define PAGE 4096
#define BIG (400 * 1024)

static int type;
#define T type_name(type)

static int a, b;
static char *memory;
static char got[BIG];

static int set_zerocopy(int fd, int on)
{
	return errno_of(setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)));
}

static void zerocopy_pair(void)
{
	vm_pair(type, &a, &b);
	must(-set_zerocopy(a, 1));
	data_fill(memory, BIG, 0);
}

/* Receives @len bytes and compares them. */
static bool receive(size_t len)
{
	size_t sum = 0;
	ssize_t n;

	while (sum < len && (n = recv(b, got + sum, sizeof(got) - sum, 0)) > 0)
		sum += n;
	return sum == len && data_check(got, len, 0) < 0;
}

/* The next notification as text: "FIRST-LAST CODE", or an error. */
static const char *notification(void)
{
	static char text[64];
	char control[128];
	struct msghdr msg = { .msg_control = control, .msg_controllen = sizeof(control) };
	struct sock_extended_err err;
	struct cmsghdr *head;

	if (recvmsg(a, &msg, MSG_ERRQUEUE) < 0)
		return strerrorname_np(errno);
	head = CMSG_FIRSTHDR(&msg);
	if (!head || head->cmsg_level != SOL_VSOCK || head->cmsg_type != VSOCK_RECVERR)
		return "another message";
	memcpy(&err, CMSG_DATA(head), sizeof(err));
	snprintf(text, sizeof(text), "%u-%u %s", err.ee_info, err.ee_data,
		 err.ee_origin != SO_EE_ORIGIN_ZEROCOPY || err.ee_errno ? "is none" :
		 err.ee_code == SO_EE_CODE_ZEROCOPY_COPIED ? "copied" : "in place");
	return text;
}

static void is_notified(const char *want, const char *what)
{
	const char *is;

	if (strcmp(want, "EAGAIN"))
		must(poll(&(struct pollfd){ .fd = a }, 1, PATIENCE_MS));
	is = notification();
	ok(!strcmp(is, want), "%s: %s: %s", T, what, want) || (diag("got %s", is), 0);
}

static void check_option(void)
{
	int fd = vm_socket(type), value, dgram;
	socklen_t len = sizeof(value);

	is_errno(set_zerocopy(fd, 2), EINVAL, "%s: neither on nor off", T);
	is_errno(set_zerocopy(fd, -1), EINVAL, "%s: less than off", T);
	is_errno(errno_of(setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &value, 1)), EINVAL, "%s: a byte", T);
	is_errno(errno_of(setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, (void *)1, 4)), EFAULT, "%s: bad memory", T);
	is_errno(set_zerocopy(fd, 1), 0, "%s: on", T);
	must(getsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &value, &len));
	is_int(value, 1, "%s: is on", T);
	is_errno(set_zerocopy(fd, 0), 0, "%s: off", T);
	value = 4096;
	is_errno(errno_of(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, sizeof(value))), 0,
		 "%s: other options of that level work", T);
	value = 1;
	is_errno(errno_of(setsockopt(fd, SOL_SOCKET, 9999, &value, sizeof(value))), ENOPROTOOPT,
		 "%s: unknown ones do not", T);
	close(fd);

	vm_pair(type, &a, &b);
	is_errno(set_zerocopy(a, 1), 0, "%s: on, of a connected socket", T);
	is_errno(set_zerocopy(b, 1), 0, "%s: on, of an accepted socket", T);
	close(a);
	close(b);
	dgram = socket(AF_VSOCK, SOCK_DGRAM, 0);
	if (dgram >= 0) {
		is_errno(set_zerocopy(dgram, 1), EOPNOTSUPP, "not of SOCK_DGRAM");
		close(dgram);
	}
}

static void check_flag(void)
{
	vm_pair(type, &a, &b);
	data_fill(memory, BIG, 0);
	is_int(send(a, memory, PAGE, MSG_ZEROCOPY), PAGE, "%s: the flag without the option", T);
	ok(receive(PAGE), "%s: is received", T);
	is_notified("EAGAIN", "copied, and nobody told");
	close(a);
	close(b);

	zerocopy_pair();
	is_int(send(a, memory, PAGE, 0), PAGE, "%s: the option without the flag", T);
	ok(receive(PAGE), "%s: is received", T);
	is_notified("EAGAIN", "copied, and nobody told");
	close(a);
	close(b);
}

static void check_sends(void)
{
	struct iovec small[64];
	size_t i;

	zerocopy_pair();
	is_int(send(a, memory, PAGE, MSG_ZEROCOPY), PAGE, "%s: a page", T);
	is_int(poll_for(a, 0), 0, "%s: not yet notified", T);
	is_notified("EAGAIN", "not received");
	/* In place: what is received is what is there by then. */
	memory[0]++;
	must(recv(b, got, 1, MSG_PEEK));
	is_int(got[0], memory[0], "%s: it is in place", T);
	memory[0]--;
	ok(receive(PAGE), "%s: is received", T);
	is_notified("0-0 in place", "a page");
	is_notified("EAGAIN", "once");

	is_int(send(a, memory + 5, 200000, MSG_ZEROCOPY), 200000, "%s: 200000 bytes, not aligned", T);
	data_fill(memory, BIG, 0);
	must(recv(b, got, 200000, MSG_WAITALL));
	ok(!memcmp(got, memory + 5, 200000), "%s: are received", T);
	is_notified("1-1 in place", "200000 bytes");

	/* More pieces than one buffer has references. */
	for (i = 0; i < ARRAY_SIZE(small); i++)
		small[i] = (struct iovec){ memory + i * PAGE, 3000 };
	is_int(sendmsg(a, &(struct msghdr){ .msg_iov = small, .msg_iovlen = ARRAY_SIZE(small) }, MSG_ZEROCOPY),
	       64 * 3000, "%s: 64 pieces", T);
	must(recv(b, got, 64 * 3000, MSG_WAITALL));
	for (i = 0; i < ARRAY_SIZE(small) && !memcmp(got + i * 3000, small[i].iov_base, 3000); i++)
		;
	is_int(i, ARRAY_SIZE(small), "%s: are received", T);
	is_notified("2-2 in place", "64 pieces");

	is_int(send(a, memory, PAGE, MSG_ZEROCOPY), PAGE, "%s: two", T);
	is_int(send(a, memory + PAGE, PAGE, MSG_ZEROCOPY), PAGE, "%s: before one is received", T);
	ok(receive(type == SOCK_STREAM ? 2 * PAGE : PAGE), "%s: they are received", T);
	if (type == SOCK_SEQPACKET)
		must(recv(b, got, sizeof(got), 0));
	is_notified("3-4 in place", "are notified together");

	/* References would hold 40 times as much. */
	for (i = 0; i < ARRAY_SIZE(small); i++)
		small[i].iov_len = 100;
	is_int(sendmsg(a, &(struct msghdr){ .msg_iov = small, .msg_iovlen = ARRAY_SIZE(small) }, MSG_ZEROCOPY),
	       6400, "%s: 64 small pieces", T);
	is_notified("5-5 copied", "are copied");
	must(recv(b, got, 6400, MSG_WAITALL));
	for (i = 0; i < ARRAY_SIZE(small) && !memcmp(got + i * 100, small[i].iov_base, 100); i++)
		;
	is_int(i, ARRAY_SIZE(small), "%s: and received", T);
	close(a);
	close(b);
}

/* What is sent takes room: nobody is told that there is more. */
static void check_no_room(void)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET };
	int epoll = must(epoll_create1(EPOLL_CLOEXEC));

	zerocopy_pair();
	must(epoll_ctl(epoll, EPOLL_CTL_ADD, a, &event));
	is_int(epoll_wait(epoll, &event, 1, PATIENCE_MS), 1, "%s: there is room", T);
	must(send(a, memory, PAGE, MSG_ZEROCOPY));
	is_int(epoll_wait(epoll, &event, 1, 0), 0, "%s: a send tells of no more", T);
	close(epoll);
	close(a);
	close(b);
}

/* send() of @len bytes as a ring's SEND_ZC does it: 0 or an error. */
static int ring_send(int fd, const void *data, size_t len)
{
	struct io_uring_params params = {};
	int ring = must(syscall(SYS_io_uring_setup, 1, &params));
	/* Both queues are in one mapping on every kernel that has SEND_ZC. */
	char *rings = mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe),
			   PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
	struct io_uring_sqe *sqe = mmap(NULL, sizeof(*sqe), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
					IORING_OFF_SQES);

	if (rings == MAP_FAILED || sqe == MAP_FAILED)
		bail_out("a ring's mmap: %s", strerror(errno));
	*sqe = (struct io_uring_sqe) {
		.opcode = IORING_OP_SEND_ZC,
		.fd = fd,
		.addr = (unsigned long)data,
		.len = len,
	};
	((unsigned int *)(rings + params.sq_off.array))[0] = 0;
	atomic_store((_Atomic unsigned int *)(rings + params.sq_off.tail), 1);
	must(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	return -((struct io_uring_cqe *)(rings + params.cq_off.cqes))[0].res;
}

static void check_errors(void)
{
	struct rlimit locked = { 2 * PAGE, 2 * PAGE };
	struct iovec bad[2] = { { memory, PAGE }, { (void *)PAGE, PAGE } };
	pid_t child;
	int status;

	zerocopy_pair();
	is_errno(errno_of(send(a, (void *)PAGE, PAGE, MSG_ZEROCOPY)), ENOMEM, "%s: bad memory", T);
	is_notified("EAGAIN", "is not notified");
	is_errno(errno_of(sendmsg(a, &(struct msghdr){ .msg_iov = bad, .msg_iovlen = 2 }, MSG_ZEROCOPY)),
		 ENOMEM, "%s: bad memory behind good", T);
	is_int(send(a, memory, PAGE, MSG_ZEROCOPY), PAGE, "%s: good memory after that", T);
	ok(receive(PAGE), "%s: is received", T);
	is_notified("0-0 in place", "as the first");

	/* Root may lock what it likes. */
	child = must(fork());
	if (!child) {
		must(setrlimit(RLIMIT_MEMLOCK, &locked));
		must(setuid(1000));
		_exit(errno_of(send(a, memory, 16 * PAGE, MSG_ZEROCOPY)));
	}
	must(waitpid(child, &status, 0));
	is_errno(WEXITSTATUS(status), ENOBUFS, "%s: more than may be locked", T);
	child = must(fork());
	if (!child) {
		must(setrlimit(RLIMIT_MEMLOCK, &locked));
		must(setuid(1000));
		_exit(ring_send(a, memory, 16 * PAGE));
	}
	must(waitpid(child, &status, 0));
	is_errno(WEXITSTATUS(status), ENOMEM, "%s: nor by a ring", T);
	close(a);
	close(b);
}

static void check_too_much(void)
{
	pid_t child;

	if (type == SOCK_SEQPACKET)
		return;
	zerocopy_pair();
	child = must(fork());
	if (!child)
		_exit(!receive(BIG));
	is_int(send(a, memory, BIG, MSG_ZEROCOPY), BIG, "%s: more than there is room for", T);
	close(b);
	is_notified("0-0 copied", "is copied");
	must(waitpid(child, NULL, 0));
	close(a);

	vm_pair(type, &a, &b);
	must(-set_zerocopy(a, 1));
	is_int(send(a, memory, BIG, MSG_ZEROCOPY | MSG_DONTWAIT), 256 * 1024, "%s: a part of it", T);
	is_notified("0-0 copied", "is copied and notified at once");
	is_errno(errno_of(send(a, memory, 1, MSG_ZEROCOPY | MSG_DONTWAIT)), EAGAIN, "%s: no room", T);
	is_notified("EAGAIN", "is not notified");
	close(a);
	close(b);
}

static void check_ends(void)
{
	zerocopy_pair();
	must(send(a, memory, PAGE, MSG_ZEROCOPY));
	close(b);
	poll_for(a, POLLRDHUP);
	must(poll(&(struct pollfd){ .fd = a }, 1, PATIENCE_MS));
	ok(!strncmp(notification(), "0-0 ", 4), "%s: the peer closes without having received", T);
	close(a);

	zerocopy_pair();
	must(send(a, memory, 10 * PAGE, MSG_ZEROCOPY));
	close(a);
	ok(receive(10 * PAGE), "%s: the sender closes before it is received", T);
	is_int(recv(b, got, 1, 0), 0, "%s: then comes the end", T);
	close(b);

	zerocopy_pair();
	must(send(a, memory, 10 * PAGE, MSG_ZEROCOPY));
	close(a);
	close(b);
	ok(true, "%s: both close", T);
}

/* A receiver must not be able to keep another's namespace. */
static void check_namespaces(void)
{
	int ns = ns_new_global(), number = ns_tag(ns), listener = vm_listen(type);

	a = vm_socket_in(ns, type);
	must(-vm_connect(a, VMADDR_CID_LOCAL, vm_port(listener)));
	b = must(vm_accept(listener));
	close(listener);
	must(-set_zerocopy(a, 1));
	data_fill(memory, BIG, 0);
	is_int(send(a, memory, 16 * PAGE, MSG_ZEROCOPY), 16 * PAGE, "%s: to another namespace", T);
	is_notified("0-0 copied", "is copied");
	close(ns);
	close(a);
	ok(ns_dies(number), "%s: the sender's namespace goes before it is received", T);
	ok(receive(16 * PAGE), "%s: it is received after that", T);
	close(b);
}

int main(void)
{
	int fd = vm_socket(SOCK_STREAM), err = set_zerocopy(fd, 1);

	watchdog(60);
	close(fd);
	if (err == EOPNOTSUPP || err == 524) {
		skip("zerocopy", "setsockopt() of this kernel has no SO_ZEROCOPY for other families");
		return done();
	}
	memory = mmap(NULL, BIG + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		bail_out("mmap");
	for_each_type(type) {
		check_option();
		check_flag();
		check_sends();
		if (!native())
			check_no_room();
		check_errors();
		check_too_much();
		check_ends();
		check_namespaces();
	}
	return done();
}
