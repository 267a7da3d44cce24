/* SPDX-License-Identifier: GPL-2.0-only */
/* AF_VSOCK sockets for test programs: none of them blocks for ever. */
#ifndef SOCKETS_H
#define SOCKETS_H

#include "namespaces.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <linux/vm_sockets.h>

static TAP_UNUSED const char *type_name(int type)
{
	return type == SOCK_STREAM ? "stream" : "seqpacket";
}

/* What follows, for each type of connection. */
#define for_each_type(type) \
	for ((type) = SOCK_STREAM; (type); (type) = (type) == SOCK_STREAM ? SOCK_SEQPACKET : 0)

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

#endif
