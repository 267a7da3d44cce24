/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What random system calls are made with: numbers, memory, flags, addresses, and the descriptors that the threads of a
 * process share.  Much of it is wrong.
 */
#ifndef RANDOM_ARGUMENTS_H
#define RANDOM_ARGUMENTS_H

#include "random.h"

#include <sys/epoll.h>
#include <sys/mman.h>
#include <linux/netlink.h>

#define SLOTS 32
/* The first of them; these live longer. */
#define LISTENERS 8
/* Few, so that they meet. */
#define PORT 2000
#define PORTS 5

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

/* In each process, before its threads start. */
static void open_arguments(void)
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

#endif
