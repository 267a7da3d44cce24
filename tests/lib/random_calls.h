/* SPDX-License-Identifier: GPL-2.0-only */
/* The system calls that random-calls makes, each with random arguments, and how often each is made. */
#ifndef RANDOM_CALLS_H
#define RANDOM_CALLS_H

#include "random_arguments.h"

#include <linux/sock_diag.h>
#include <linux/vm_sockets_diag.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

/* What came of them, in all processes. */
struct call_results {
	_Atomic unsigned long connected, accepted, sent, received, refused;
};

static struct call_results *results;

static void call_socket(void)
{
	static const int types[] = {
		SOCK_STREAM, SOCK_STREAM, SOCK_STREAM, SOCK_SEQPACKET, SOCK_SEQPACKET,
		SOCK_SEQPACKET, SOCK_DGRAM, SOCK_RAW,
	};
	int fd = socket(AF_VSOCK, pick(types) | (one_in(2) ? SOCK_NONBLOCK : 0),
			one_in(16) ? rnd(300) : 0);
	struct timeval tv = { 0, 1000 * (1 + rnd(30)) };

	if (fd >= 0 && !one_in(4)) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	}
	keep(fd);
}

/* What random calls alone would seldom make. */
static void call_client(void)
{
	int fd = socket(AF_VSOCK, (one_in(2) ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_NONBLOCK, 0);

	int err = fd < 0 ? errno : vm_connect(fd, VMADDR_CID_LOCAL, PORT + rnd(PORTS));

	/* It may be refused still, as is told later. */
	if (!err || err == EINPROGRESS)
		results->connected++;
	else
		results->refused++;
	if (fd >= 0 && one_in(2))
		set_nonblock(fd, false);
	keep(fd);
}

static void call_listener(void)
{
	int fd = socket(AF_VSOCK, (one_in(2) ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_NONBLOCK, 0);

	if (fd >= 0 && !vm_bind(fd, VMADDR_CID_ANY, PORT + rnd(PORTS)))
		listen(fd, rnd(8));
	keep_at(fd, rnd(LISTENERS));
}

static void call_bind(void)
{
	struct sockaddr_vm addr = rnd_address();

	bind(rnd_fd(), one_in(16) ? rnd_pointer(16) : (void *)&addr, rnd_address_length());
}

static void call_connect(void)
{
	struct sockaddr_vm addr = rnd_address();

	if (connect(rnd_fd(), one_in(16) ? rnd_pointer(16) : (void *)&addr, rnd_address_length()))
		results->refused++;
	else
		results->connected++;
}

static void call_listen(void)
{
	listen(rnd_fd(), one_in(4) ? (int)rnd_number() : (int)rnd(8));
}

static void call_accept(void)
{
	socklen_t length = rnd_address_length();
	int fd = accept4(one_in(4) ? rnd_fd() : (int)slot[rnd(LISTENERS)], one_in(2) ? NULL : rnd_pointer(16),
			 one_in(8) ? rnd_pointer(4) : &length,
			 one_in(16) ? (int)rnd_number() : one_in(2) ? SOCK_NONBLOCK : SOCK_CLOEXEC);

	if (fd >= 0)
		results->accepted++;
	keep(fd);
}

static void call_send(void)
{
	size_t len = rnd_length();
	struct sockaddr_vm addr = rnd_address();
	ssize_t n;

	if (one_in(8))
		n = sendto(rnd_fd(), rnd_pointer(len), len, rnd_flags(), (void *)&addr, rnd_address_length());
	else
		n = send(rnd_fd(), rnd_pointer(len), len, rnd_flags());
	if (n > 0)
		results->sent += n;
}

static void call_recv(void)
{
	size_t len = rnd_length();
	socklen_t length = rnd_address_length();
	ssize_t n;

	if (one_in(8))
		n = recvfrom(rnd_fd(), rnd_pointer(len), len, rnd_flags(), rnd_pointer(16),
			     one_in(4) ? rnd_pointer(4) : &length);
	else
		n = recv(rnd_fd(), rnd_pointer(len), len, rnd_flags());
	if (n > 0)
		results->received += n;
}

static int rnd_iovecs(struct iovec *iov, int most)
{
	int count = rnd(most + 1);

	for (int i = 0; i < count; i++) {
		iov[i].iov_len = rnd_length();
		iov[i].iov_base = rnd_pointer(iov[i].iov_len);
	}
	return one_in(64) ? (int)rnd_number() : count;
}

static void rnd_message(struct msghdr *msg, struct iovec *iov, struct sockaddr_vm *addr)
{
	*addr = rnd_address();
	*msg = (struct msghdr) {
		.msg_iov = one_in(16) ? rnd_pointer(sizeof(*iov)) : iov,
		.msg_iovlen = rnd_iovecs(iov, 12),
		.msg_name = one_in(4) ? addr : one_in(8) ? rnd_pointer(16) : NULL,
		.msg_namelen = rnd_address_length(),
	};
	if (one_in(4)) {
		msg->msg_controllen = one_in(4) ? rnd_number() : rnd(200);
		msg->msg_control = rnd_pointer(msg->msg_controllen);
	}
}

static void call_message(void)
{
	struct sockaddr_vm addr[4];
	struct iovec iov[4][12];
	struct mmsghdr messages[4];
	struct timespec wait = { 0, rnd(5000000) };
	int fd = rnd_fd();
	ssize_t n;

	for (int i = 0; i < 4; i++)
		rnd_message(&messages[i].msg_hdr, iov[i], &addr[i]);
	switch (rnd(4)) {
	case 0:
		n = sendmsg(fd, &messages[0].msg_hdr, rnd_flags());
		if (n > 0)
			results->sent += n;
		break;
	case 1:
		n = recvmsg(fd, &messages[0].msg_hdr, rnd_flags());
		if (n > 0)
			results->received += n;
		break;
	case 2:
		sendmmsg(fd, messages, 1 + rnd(4), rnd_flags());
		break;
	case 3:
		recvmmsg(fd, messages, 1 + rnd(4), rnd_flags(), &wait);
		break;
	}
}

static void call_read_write(void)
{
	struct iovec iov[12];
	int fd = rnd_fd();
	size_t len = rnd_length();

	switch (rnd(7)) {
	case 0:
		if (read(fd, rnd_pointer(len), len) > 0)
			results->received++;
		break;
	case 1:
		if (write(fd, rnd_pointer(len), len) > 0)
			results->sent++;
		break;
	case 2:
		readv(fd, iov, rnd_iovecs(iov, 12));
		break;
	case 3:
		writev(fd, iov, rnd_iovecs(iov, 12));
		break;
	case 4:
		lseek(fd, rnd_number(), rnd(5));
		break;
	case 5:
		syscall(SYS_pread64, fd, rnd_pointer(len), len, rnd_number());
		break;
	case 6:
		fsync(fd);
		break;
	}
}

static void call_setsockopt(void)
{
	static const int levels[] = { AF_VSOCK, AF_VSOCK, AF_VSOCK, SOL_SOCKET };
	int level = one_in(32) ? (int)rnd_number() : pick(levels);
	int name = one_in(32) ? (int)rnd_number() : (int)rnd(level == AF_VSOCK ? 12 : 84);
	uint64_t value[4] = { rnd_number(), rnd_number(), rnd(4), rnd(4) };
	struct linger linger = { one_in(2), rnd(3) };

	if (one_in(16))
		setsockopt(rnd_fd(), SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	else
		setsockopt(rnd_fd(), level, name, one_in(8) ? rnd_pointer(16) : value,
			   one_in(4) ? (socklen_t)rnd_number() : (socklen_t)(4 + 4 * rnd(4)));
}

static void call_getsockopt(void)
{
	socklen_t length = one_in(4) ? (socklen_t)rnd_number() : rnd(64);
	int level = one_in(2) ? AF_VSOCK : SOL_SOCKET;

	getsockopt(rnd_fd(), level, rnd(level == AF_VSOCK ? 12 : 84), rnd_pointer(64),
		   one_in(8) ? rnd_pointer(4) : &length);
}

static void call_name(void)
{
	socklen_t length = rnd_address_length();
	void *where = one_in(8) ? rnd_pointer(4) : &length;

	if (one_in(2))
		getsockname(rnd_fd(), rnd_pointer(16), where);
	else
		getpeername(rnd_fd(), rnd_pointer(16), where);
}

static void call_ioctl(void)
{
	static const unsigned long requests[] = {
		SIOCINQ, SIOCOUTQ, FIONREAD, FIONBIO, FIOASYNC, SIOCATMARK, SIOCGPGRP,
		SIOCGSTAMP_OLD, SIOCGSTAMPNS_NEW, IOCTL_VM_SOCKETS_GET_LOCAL_CID,
	};
	unsigned long request = pick(requests);

	/* Not the ioctls of network interfaces: lo has to stay up. */
	if (one_in(8))
		request = 0x700 + rnd(256);
	ioctl(one_in(8) ? device : rnd_fd(), request, rnd_pointer(8));
}

static void call_poll(void)
{
	struct pollfd p[8];
	struct epoll_event event = { .events = rnd64() & ~EPOLLWAKEUP };
	int n = 1 + rnd(8);

	switch (rnd(3)) {
	case 0:
		for (int i = 0; i < n; i++)
			p[i] = (struct pollfd) { .fd = rnd_fd(), .events = rnd64() };
		poll(p, n, one_in(2) ? 0 : rnd(20));
		break;
	case 1:
		epoll_ctl(epoll_fd, 1 + rnd(3), rnd_fd(), &event);
		break;
	case 2:
		epoll_wait(epoll_fd, &event, 1, one_in(2) ? 0 : rnd(20));
		break;
	}
}

static void call_splice(void)
{
	int flags = one_in(4) ? rnd(16) : SPLICE_F_NONBLOCK;
	struct iovec iov = { arena, 1 + rnd(20000) };

	switch (rnd(4)) {
	case 0:
		splice(rnd_fd(), NULL, pipes[1], NULL, rnd(100000), flags);
		break;
	case 1:
		splice(pipes[0], NULL, rnd_fd(), NULL, rnd(100000), flags);
		break;
	case 2:
		vmsplice(pipes[1], &iov, 1, SPLICE_F_NONBLOCK | (one_in(2) ? SPLICE_F_GIFT : 0));
		break;
	case 3:
		sendfile(rnd_fd(), file, &(off_t) { 0 }, rnd(200000));
		break;
	}
}

static void call_shutdown(void)
{
	shutdown(rnd_fd(), one_in(8) ? (int)rnd_number() : (int)rnd(3));
}

static void call_descriptor(void)
{
	int fd;

	switch (rnd(4)) {
	case 0:
		keep(dup(rnd_fd()));
		break;
	case 1:
		fd = atomic_exchange(&slot[rnd(SLOTS)], -1);
		if (fd >= 0)
			close(fd);
		break;
	case 2:
		fcntl(rnd_fd(), F_SETFL, (one_in(2) ? O_NONBLOCK : 0) | (one_in(8) ? O_ASYNC : 0));
		break;
	case 3:
		mmap(NULL, 4096, PROT_READ, MAP_SHARED, rnd_fd(), 0);
		break;
	}
}

/* Sockets on their way in a message, some of which nobody ever receives. */
static void call_pass(void)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {
		.header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS },
	};
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room),
	};
	int fd = rnd_fd();

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	if (one_in(2)) {
		sendmsg(unix_pair[0], &msg, MSG_DONTWAIT);
	} else if (recvmsg(unix_pair[1], &msg, MSG_DONTWAIT) == 1 && msg.msg_controllen) {
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
		keep(fd);
	}
}

static void call_namespace(void)
{
	if (one_in(16)) {
		if (!unshare(CLONE_NEWNET) && one_in(2))
			sysctl_set("child_ns_mode", one_in(2) ? "local" : "global");
	} else {
		setns(ns_fd[rnd(NS_COUNT)], CLONE_NEWNET);
	}
	if (one_in(16))
		sysctl_set("g2h_fallback", one_in(2) ? "0" : "1");
}

/* What ss --vsock asks. */
static void call_dump(void)
{
	struct {
		struct nlmsghdr header;
		struct vsock_diag_req request;
	} ask = {
		.header = { sizeof(ask), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 0, 0 },
		.request = { .sdiag_family = AF_VSOCK, .vdiag_states = ~0U },
	};

	if (!one_in(8))
		return;
	send(diag_socket, &ask, sizeof(ask), MSG_DONTWAIT);
	while (recv(diag_socket, arena, 65536, MSG_DONTWAIT) > 0)
		;
}

static void call_fork(void);

static const struct call {
	const char *name;
	void (*make)(void);
	int weight;
} calls[] = {
	{ "socket", call_socket, 8 },
	{ "client", call_client, 10 },
	{ "listener", call_listener, 2 },
	{ "bind", call_bind, 3 },
	{ "connect", call_connect, 10 },
	{ "listen", call_listen, 3 },
	{ "accept", call_accept, 12 },
	{ "send", call_send, 14 },
	{ "recv", call_recv, 14 },
	{ "message", call_message, 12 },
	{ "read or write", call_read_write, 6 },
	{ "setsockopt", call_setsockopt, 10 },
	{ "getsockopt", call_getsockopt, 4 },
	{ "name", call_name, 2 },
	{ "ioctl", call_ioctl, 3 },
	{ "poll", call_poll, 8 },
	{ "splice", call_splice, 8 },
	{ "shutdown", call_shutdown, 3 },
	{ "descriptor", call_descriptor, 4 },
	{ "pass", call_pass, 2 },
	{ "namespace", call_namespace, 1 },
	{ "dump", call_dump, 1 },
	{ "fork", call_fork, 1 },
};

static const struct call *rnd_call(void)
{
	int total = 0, n;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		total += calls[i].weight;
	n = rnd(total);
	for (i = 0; n >= calls[i].weight; i++)
		n -= calls[i].weight;

	return &calls[i];
}

/* A child that does some, and is killed in the middle of one that waits. */
static void call_fork(void)
{
	uint64_t seed = rnd64();

	if (!one_in(8) || fork())
		return;
	rnd_state = seed;
	signal(SIGALRM, SIG_DFL);
	alarm(1);
	for (int i = rnd(60); i; i--)
		rnd_call()->make();
	_exit(0);
}

#endif
