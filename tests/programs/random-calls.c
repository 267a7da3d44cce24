// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hostile caller: processes whose threads make random system calls on the same
 * AF_VSOCK sockets, in several namespaces, with random and wrong arguments, while
 * signals interrupt them. RANDOM_SECONDS says how long, RANDOM_SEED repeats a run
 * as far as threads that race can be repeated.
 *
 * What must hold is that every call comes back, that processes can be killed, and
 * that all works afterwards. Whether an answer is right is for other tests.
 */
#include "vsock_test.h"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/vm_sockets_diag.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define PROCESSES 3
#define THREADS 4
#define SLOTS 32
/* The first of them; these live longer. */
#define LISTENERS 8
/* Few, so that they meet. */
#define PORT 2000
#define PORTS 5
/* A call that took longer, though signals interrupt it, does not come back. */
#define STUCK_SECONDS 60

/* ---- What the processes share with the one that watches them ---- */

struct progress {
	_Atomic unsigned long calls;
	_Atomic(const char *) last;
};

static struct shared {
	struct progress thread[PROCESSES][THREADS];
	_Atomic unsigned long connected, accepted, sent, received, refused;
} *shared;

/* ---- Randomness ---- */

static __thread uint64_t state;

static uint64_t rnd64(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dULL;
}

static unsigned int rnd(unsigned int below)
{
	return (rnd64() >> 33) % below;
}

static bool one_in(unsigned int n)
{
	return !rnd(n);
}

#define pick(array) ((array)[rnd(ARRAY_SIZE(array))])

/* Edges of numbers more often than what is between them. */
static uint64_t rnd_number(void)
{
	static const uint64_t edges[] = {
		0, 1, 2, 3, 4, 7, 8, 16, 127, 128, 255, 4095, 4096, 4097, 65536,
		262144, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
		0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
	};

	return one_in(4) ? rnd64() : pick(edges);
}

/* ---- Memory: an arena that the kernel may write to, and what it may not ---- */

#define ARENA (256 * 1024)
static char *arena, *read_only;

/* Any of it, or memory that is not there, for @len bytes. */
static void *rnd_pointer(size_t len)
{
	switch (rnd(16)) {
	case 0:
		return NULL;
	case 1:
		return (void *)rnd_number();
	case 2:
		return (void *)0xffff888000001000;
	case 3:
		return read_only;
	case 4:
		/* Its second half is not there. */
		return arena + ARENA - len / 2;
	default:
		return arena + rnd(ARENA - (len < ARENA ? len : 1));
	}
}

/* Most are small. */
static size_t rnd_length(void)
{
	switch (rnd(8)) {
	case 0:
		return rnd_number() & 0x7fffffff;
	case 1:
		return rnd(ARENA / 2);
	case 2:
		return 0;
	case 3:
		return rnd(16384);
	default:
		return rnd(300);
	}
}

static int rnd_flags(void)
{
	static const int usual[] = {
		0, MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC, MSG_WAITALL, MSG_EOR, MSG_MORE,
		MSG_OOB, MSG_ERRQUEUE, MSG_ZEROCOPY, MSG_NOSIGNAL, MSG_CTRUNC,
		MSG_PEEK | MSG_TRUNC, MSG_PEEK | MSG_WAITALL, MSG_ERRQUEUE | MSG_DONTWAIT,
		MSG_WAITFORONE, MSG_CMSG_CLOEXEC, MSG_CONFIRM, MSG_DONTROUTE,
	};

	if (one_in(8))
		return rnd64();
	return pick(usual) | pick(usual) | (one_in(3) ? 0 : MSG_DONTWAIT);
}

/* ---- Descriptors, which the threads of a process share ---- */

static _Atomic int slot[SLOTS];
static int pipes[2], epoll_fd, unix_pair[2], device, file, diag_socket;
static int namespaces[NS_COUNT];

static int rnd_fd(void)
{
	return slot[rnd(SLOTS)];
}

/* Into a slot; what was there is closed. */
static void keep_at(int fd, int where)
{
	int old;

	if (fd < 0)
		return;
	old = atomic_exchange(&slot[where], fd);
	if (old >= 0)
		close(old);
}

static void keep(int fd)
{
	keep_at(fd, LISTENERS + rnd(SLOTS - LISTENERS));
}

static struct sockaddr_vm rnd_address(void)
{
	static const unsigned int cids[] = {
		VMADDR_CID_LOCAL, VMADDR_CID_LOCAL, VMADDR_CID_LOCAL, VMADDR_CID_ANY,
		VMADDR_CID_HOST, VMADDR_CID_HYPERVISOR, 3, 42, 0x7fffffff,
	};
	struct sockaddr_vm addr = vm_addr(pick(cids), PORT + rnd(PORTS));

	if (one_in(16))
		addr.svm_port = rnd_number();
	if (one_in(16))
		addr.svm_port = VMADDR_PORT_ANY;
	if (one_in(32))
		addr.svm_cid = rnd_number();
	if (one_in(32))
		addr.svm_family = one_in(2) ? AF_UNSPEC : rnd(50);
	if (one_in(32))
		addr.svm_flags = rnd(256);
	if (one_in(64))
		addr.svm_reserved1 = rnd(65536);

	return addr;
}

static socklen_t rnd_address_length(void)
{
	return one_in(16) ? (socklen_t)rnd_number() : sizeof(struct sockaddr_vm);
}

/* ---- The calls ---- */

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
		shared->connected++;
	else
		shared->refused++;
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
		shared->refused++;
	else
		shared->connected++;
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
		shared->accepted++;
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
		shared->sent += n;
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
		shared->received += n;
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
			shared->sent += n;
		break;
	case 1:
		n = recvmsg(fd, &messages[0].msg_hdr, rnd_flags());
		if (n > 0)
			shared->received += n;
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
			shared->received++;
		break;
	case 1:
		if (write(fd, rnd_pointer(len), len) > 0)
			shared->sent++;
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
		setns(namespaces[rnd(NS_COUNT)], CLONE_NEWNET);
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
	state = seed;
	signal(SIGALRM, SIG_DFL);
	alarm(1);
	for (int i = rnd(60); i; i--)
		rnd_call()->make();
	_exit(0);
}

/* ---- A process: its threads, and the signals that interrupt them ---- */

static int process_number;
static pthread_t threads[THREADS];

static void nothing(int signal)
{
	(void)signal;
}

/* With FAILING=1 the fault injection of the debug kernel has been told how often. */
static void fail_at_random(void)
{
	int fd = must(open("/proc/thread-self/make-it-fail", O_WRONLY | O_CLOEXEC));

	must(write(fd, "1", 1));
	close(fd);
}

static void *run_calls(void *arg)
{
	struct progress *progress = arg;

	state = progress->calls;
	progress->calls = 0;
	if (getenv("FAILING"))
		fail_at_random();
	for (;;) {
		const struct call *call = rnd_call();

		progress->last = call->name;
		call->make();
		progress->calls++;
	}
	return NULL;
}

static void open_descriptors(void)
{
	for (int i = 0; i < SLOTS; i++)
		slot[i] = -1;
	must(pipe2(pipes, O_NONBLOCK));
	epoll_fd = must(epoll_create1(0));
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, unix_pair));
	file = must(memfd_create("file", 0));
	must(ftruncate(file, 200000));
	device = must(open("/dev/vsock", O_RDONLY));
	diag_socket = must(socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG));
	arena = mmap(NULL, ARENA + 0x100000, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(mprotect(arena, ARENA, PROT_READ | PROT_WRITE));
	read_only = mmap(NULL, ARENA, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static __attribute__((noreturn)) void run_process(uint64_t seed)
{
	struct sigaction restart = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	struct sigaction interrupt = { .sa_handler = nothing };
	struct progress *progress = shared->thread[process_number];

	must(prctl(PR_SET_PDEATHSIG, SIGKILL));
	signal(SIGALRM, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	signal(SIGURG, SIG_IGN);
	must(sigaction(SIGUSR1, &interrupt, NULL));
	must(sigaction(SIGUSR2, &restart, NULL));
	open_descriptors();
	state = seed;
	for (int i = 0; i < THREADS; i++) {
		progress[i].calls = rnd64() | 1;
		if (pthread_create(&threads[i], NULL, run_calls, &progress[i]))
			bail_out("no more threads");
	}
	for (;;) {
		usleep(1 + rnd(4000));
		pthread_kill(threads[rnd(THREADS)], one_in(2) ? SIGUSR1 : SIGUSR2);
	}
}

/* ---- The one that starts, watches and ends them ---- */

static pid_t start_process(int number, uint64_t seed)
{
	pid_t pid;

	/* First of its own process namespace: those that it forks end with it. */
	pid = must(syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL));
	if (!pid) {
		process_number = number;
		run_process(seed + 1000003ULL * number);
	}
	return pid;
}

/* The name of the call that a thread does not come back from, or NULL. */
static const char *stuck(void)
{
	static unsigned long seen[PROCESSES][THREADS];
	static long long since[PROCESSES][THREADS];

	for (int p = 0; p < PROCESSES; p++) {
		for (int t = 0; t < THREADS; t++) {
			struct progress *progress = &shared->thread[p][t];

			if (progress->calls != seen[p][t]) {
				seen[p][t] = progress->calls;
				since[p][t] = now_ms();
			} else if (since[p][t] && now_ms() - since[p][t] > STUCK_SECONDS * 1000) {
				return progress->last;
			}
		}
	}
	return NULL;
}

static void check_all_works(void)
{
	int client, server;

	for (int i = 0; i < NS_COUNT; i++) {
		vm_pair_in(ns_fd[i], SOCK_STREAM, &client, &server);
		is_errno(vm_echo(client, server), 0, "a stream works in %s", ns_names[i]);
		close(client);
		close(server);
		vm_pair_in(ns_fd[i], SOCK_SEQPACKET, &client, &server);
		is_errno(vm_echo(client, server), 0, "messages work in %s", ns_names[i]);
		close(client);
		close(server);
	}
}

int main(void)
{
	unsigned int seconds = atoi(getenv("RANDOM_SECONDS") ?: "20");
	uint64_t seed = getenv("RANDOM_SEED") ? strtoull(getenv("RANDOM_SEED"), NULL, 0) : (uint64_t)time(NULL);
	unsigned long total = 0;
	const char *name = NULL;
	pid_t pid[PROCESSES];
	long long end;
	int status;
	bool died = false;

	watchdog(seconds + 4 * STUCK_SECONDS);
	printf("# RANDOM_SEED=%llu RANDOM_SECONDS=%u\n", (unsigned long long)seed, seconds);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ns_setup();
	memcpy(namespaces, ns_fd, sizeof(ns_fd));
	for (int p = 0; p < PROCESSES; p++)
		pid[p] = start_process(p, seed);
	for (end = now_ms() + seconds * 1000LL; now_ms() < end && !name && !died;) {
		poll(NULL, 0, 500);
		name = stuck();
		for (int p = 0; p < PROCESSES; p++)
			if (waitpid(pid[p], &status, WNOHANG) == pid[p]) {
				diag("process %d ended with status %#x", p, status);
				pid[p] = 0;
				died = true;
			}
	}
	ok(!name, "every call comes back%s%s", name ? ", not so " : "", name ?: "");
	ok(!died, "no process dies");
	for (int p = 0; p < PROCESSES; p++) {
		for (int t = 0; t < THREADS; t++)
			total += shared->thread[p][t].calls;
		if (pid[p])
			must(kill(pid[p], SIGKILL));
	}
	/* A process that cannot be killed is for the watchdog. */
	for (int p = 0; p < PROCESSES; p++)
		if (pid[p])
			must(waitpid(pid[p], &status, 0));
	ok(true, "killed, they go");
	diag("%lu calls; %lu connects, %lu refused, %lu accepts, %lu bytes sent, %lu received",
	     total, shared->connected, shared->refused, shared->accepted, shared->sent, shared->received);
	ok(shared->connected > 10 && shared->accepted > 10 && shared->sent > 1000 && shared->received > 1000,
	   "many calls did what they can do");
	check_all_works();
	for (int i = 0; i < NS_COUNT; i++)
		close(ns_fd[i]);

	return done();
}
