// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out of memory at every allocation of every call on sockets, of a namespace's
 * creation and of the sysctls: see inject.h.
 */
#include "inject.h"

#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#define BIG 200000

static int type;

static const char *type_prefix(void)
{
	return type == SOCK_STREAM ? "stream: " : "seqpacket: ";
}

/* ---- What the calls work on ---- */

static int listener = -1, a = -1, b = -1;
static char *data, *back;
static ssize_t moved;

static void forget(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void forget_all(void)
{
	forget(&a);
	forget(&b);
	forget(&listener);
}

static void make_socket(void)
{
	a = vm_socket(type);
}

static void make_listener(void)
{
	listener = vm_listen(type);
	set_nonblock(listener, true);
	make_socket();
}

static void make_pair(void)
{
	vm_pair(type, &a, &b);
}

static const char *talk(void)
{
	return vm_echo(a, b) ? "the two do not talk" : NULL;
}

/* ---- socket(), bind() ---- */

static int call_socket(void)
{
	a = socket(AF_VSOCK, type, 0);
	return errno_of(a);
}

static int call_bind(void)
{
	return vm_bind(a, VMADDR_CID_ANY, 3000);
}

static int call_bind_any(void)
{
	return vm_bind(a, VMADDR_CID_ANY, VMADDR_PORT_ANY);
}

static const char *is_bound(void)
{
	return vm_port(a) == VMADDR_PORT_ANY ? "not bound" : NULL;
}

static const char *is_not_bound(void)
{
	return vm_port(a) != VMADDR_PORT_ANY ? "bound" : NULL;
}

static int call_listen(void)
{
	int err = call_bind_any();

	return err == EINVAL ? errno_of(listen(a, 1)) : err ?: errno_of(listen(a, 1));
}

/* ---- connect(), accept() ---- */

static int call_connect(void)
{
	return vm_connect(a, VMADDR_CID_LOCAL, vm_port(listener));
}

static int port;

static void make_connect(void)
{
	make_listener();
	port = vm_port(listener);
}

static void make_connect_nonblock(void)
{
	make_connect();
	set_nonblock(a, true);
}

static int call_connect_to_port(void)
{
	int err = vm_connect(a, VMADDR_CID_LOCAL, port);

	return err == EINPROGRESS ? so_error(a) : err;
}

static const char *nobody_came(void)
{
	int fd = accept(listener, NULL, NULL);

	if (fd >= 0) {
		close(fd);
		return "a connection that failed is accepted";
	}
	return errno == EAGAIN ? is_not_bound() : "accept fails";
}

static const char *connected(void)
{
	b = vm_accept(listener);
	if (b < 0)
		return "nobody came";
	set_nonblock(a, false);
	return talk();
}

static void make_waiting(void)
{
	make_listener();
	must(-call_connect());
}

static int call_accept(void)
{
	b = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	return errno_of(b);
}

static int call_accept_name(void)
{
	struct sockaddr_vm addr;
	socklen_t len = sizeof(addr);

	b = accept(listener, (struct sockaddr *)&addr, &len);
	return errno_of(b);
}

static int call_close_listener(void)
{
	int err = errno_of(close(listener));

	listener = -1;
	return err;
}

static const char *sees_end(void)
{
	char byte;
	ssize_t n = recv(a, &byte, 1, 0);

	return n == 0 || (n < 0 && errno == ECONNRESET) ? NULL : "the other side does not see the end";
}

static int call_close(void)
{
	int err = errno_of(close(b));

	b = -1;
	return err;
}

static int call_shutdown(void)
{
	return errno_of(shutdown(b, SHUT_RDWR));
}

/* ---- send(), recv() ---- */

static size_t size;

/* What came of a call that said it moved some: exactly those bytes come out. */
static const char *came(void)
{
	ssize_t n, got = 0;

	if (type == SOCK_SEQPACKET) {
		if (moved != (ssize_t)size)
			return "part of a message";
		got = recv(b, back, BIG, MSG_DONTWAIT);
	}
	while (type == SOCK_STREAM && (n = recv(b, back + got, BIG - got, MSG_DONTWAIT)) > 0)
		got += n;
	if (got != moved || memcmp(data, back, got)) {
		diag("sent %zd, received %zd", moved, got);
		return "not what was sent comes out";
	}
	return talk();
}

static const char *nothing_came(void)
{
	return recv(b, back, BIG, MSG_DONTWAIT) < 0 && errno == EAGAIN ? NULL : "what was not sent comes";
}

static int call_send(void)
{
	moved = send(a, data, size, 0);
	return errno_of(moved);
}

/* Behind something that waits already: another way through the kernel. */
static void make_pair_behind(void)
{
	make_pair();
	must(send(a, "first", 5, 0));
	must(send(b, "second", 6, 0));
}

static int call_send_behind(void)
{
	ssize_t n = send(a, data, size, 0);

	return errno_of(n);
}

static const char *first_comes(void)
{
	char text[8] = "";

	if (recv(b, text, 5, 0) != 5 || memcmp(text, "first", 5))
		return "what was there before is not";
	return NULL;
}

static const char *behind_comes(void)
{
	const char *wrong = first_comes();
	ssize_t n, got = 0;

	if (wrong)
		return wrong;
	/* A failed attempt that sent nothing and one that sent all of it. */
	while (got < (ssize_t)size && (n = recv(b, back + got, size - got, MSG_DONTWAIT)) > 0)
		got += n;
	if (got != (ssize_t)size || memcmp(data, back, size))
		return "not what was sent comes behind";
	return recv(b, back, 1, MSG_DONTWAIT) < 0 ? NULL : "more comes";
}

static void make_data(void)
{
	make_pair();
	must(send(a, data, size, 0) == (ssize_t)size ? 0 : -1);
}

static int recv_flags;

static int call_recv(void)
{
	moved = recv(b, back, size, recv_flags);
	return errno_of(moved);
}

static int call_recvmsg(void)
{
	struct iovec iov[2] = { { back, size / 2 }, { back + size / 2, size - size / 2 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	moved = recvmsg(b, &msg, recv_flags);
	return errno_of(moved);
}

static const char *received(void)
{
	ssize_t n;

	if (recv_flags & MSG_PEEK) {
		recv_flags = 0;
		moved = 0;
	}
	for (; type == SOCK_STREAM && moved < (ssize_t)size; moved += n) {
		n = recv(b, back + moved, size - moved, MSG_DONTWAIT);
		if (n <= 0)
			return "data is lost";
	}
	if (type == SOCK_SEQPACKET && !moved)
		moved = recv(b, back, size, MSG_DONTWAIT);
	if (moved != (ssize_t)size || memcmp(data, back, size))
		return "not what was sent comes out";
	return talk();
}

static void make_data_peek(void)
{
	make_data();
	recv_flags = MSG_PEEK;
}

/* ---- splice(), sendfile() ---- */

static int pipes[2] = { -1, -1 }, file = -1;

static void make_pipe(void)
{
	must(pipe2(pipes, O_CLOEXEC | O_NONBLOCK));
	make_data();
}

static void end_pipe(void)
{
	forget(&pipes[0]);
	forget(&pipes[1]);
	forget_all();
}

static int call_splice_out(void)
{
	moved = splice(b, NULL, pipes[1], NULL, size, SPLICE_F_NONBLOCK);
	return errno_of(moved);
}

static const char *spliced_out(void)
{
	ssize_t n = read(pipes[0], back, size);

	return n == moved && !memcmp(back, data, n) ? NULL : "not what was sent is in the pipe";
}

static void make_full_pipe(void)
{
	must(pipe2(pipes, O_CLOEXEC | O_NONBLOCK));
	make_pair();
	must(write(pipes[1], data, size));
}

static int call_splice_in(void)
{
	moved = splice(pipes[0], NULL, a, NULL, size, SPLICE_F_NONBLOCK);
	return errno_of(moved);
}

static void make_file(void)
{
	make_pair();
	file = must(memfd_create("file", MFD_CLOEXEC));
	must(write(file, data, size));
}

static void end_file(void)
{
	forget(&file);
	forget_all();
}

static int call_sendfile(void)
{
	moved = sendfile(a, file, &(off_t) { 0 }, size);
	return errno_of(moved);
}

/* ---- Options, names, events ---- */

static int call_setsockopt(void)
{
	return set_buffer(a, SO_VM_SOCKETS_BUFFER_SIZE, 4096);
}

static const char *has_option(void)
{
	return get_buffer(a, SO_VM_SOCKETS_BUFFER_SIZE) == 4096 ? NULL : "the option is not set";
}

static const char *has_no_option(void)
{
	return get_buffer(a, SO_VM_SOCKETS_BUFFER_SIZE) != 4096 ? NULL : "the option is set";
}

static int call_getsockopt(void)
{
	unsigned long long value;
	socklen_t len = sizeof(value);

	return errno_of(getsockopt(a, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &value, &len));
}

static int call_name(void)
{
	struct sockaddr_vm addr;
	socklen_t len = sizeof(addr);

	return errno_of(getpeername(a, (struct sockaddr *)&addr, &len));
}

static int call_ioctl(void)
{
	int value;

	return errno_of(ioctl(a, SIOCINQ, &value));
}

static int call_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };
	int fd = epoll_create1(EPOLL_CLOEXEC);
	int err = errno_of(fd);

	if (!err)
		err = errno_of(epoll_ctl(fd, EPOLL_CTL_ADD, a, &event));
	if (!err)
		err = errno_of(epoll_wait(fd, &event, 1, 0));
	if (fd >= 0)
		close(fd);
	return err;
}

static int call_device(void)
{
	unsigned int cid;
	int fd = open("/dev/vsock", O_RDONLY | O_CLOEXEC);
	int err = errno_of(fd);

	if (!err)
		err = errno_of(ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid));
	if (fd >= 0)
		close(fd);
	return err;
}

/* ---- Namespaces and sysctls ---- */

static int here, parent;

static void enter_parent(void)
{
	ns_enter(parent);
}

static int call_unshare(void)
{
	return errno_of(unshare(CLONE_NEWNET));
}

static const char *is_local(void)
{
	if (strcmp(sysctl_get("ns_mode"), "local\n"))
		return "the namespace is not local";
	make_pair();
	return talk();
}

static void leave(void)
{
	forget_all();
	ns_enter(here);
}

static void enter_new(void)
{
	must(unshare(CLONE_NEWNET));
}

static int call_child_mode(void)
{
	return sysctl_set("child_ns_mode", "local");
}

static const char *child_mode_set(void)
{
	return strcmp(sysctl_get("child_ns_mode"), "local\n") ? "child_ns_mode is not set" : NULL;
}

static const char *child_mode_not_set(void)
{
	return strcmp(sysctl_get("child_ns_mode"), "global\n") ? "child_ns_mode is set" : NULL;
}

static int call_fallback(void)
{
	return sysctl_set("g2h_fallback", "0");
}

static const char *fallback_set(void)
{
	return strcmp(sysctl_get("g2h_fallback"), "0\n") ? "g2h_fallback is not set" : NULL;
}

/* ---- The whole, for both types ---- */

static const struct step socket_steps[] = {
	{ "socket", NULL, call_socket, NULL, NULL, forget_all, .least = 3 },
	{ "bind", make_socket, call_bind, is_not_bound, is_bound, forget_all, .least = 2 },
	{ "bind to any port", make_socket, call_bind_any, is_not_bound, is_bound, forget_all, .least = 2 },
	{ "bind and listen", make_socket, call_listen, NULL, is_bound, forget_all, .least = 2 },
	{ "connect", make_connect, call_connect_to_port, nobody_came, connected, forget_all, .least = 4 },
	{ "nonblocking connect", make_connect_nonblock, call_connect_to_port, nobody_came, connected, forget_all,
	  .least = 4 },
	{ "accept", make_waiting, call_accept, NULL, talk, forget_all, .least = 2 },
	{ "accept with address", make_waiting, call_accept_name, NULL, talk, forget_all, .least = 4,
	  .lost_by_efault = true },
	{ "close of a listener", make_waiting, call_close_listener, NULL, sees_end, forget_all, .least = 0 },
	{ "close", make_pair, call_close, NULL, sees_end, forget_all, .least = 0 },
	{ "shutdown", make_pair, call_shutdown, NULL, sees_end, forget_all, .least = 0 },
	{ "setsockopt", make_socket, call_setsockopt, has_no_option, has_option, forget_all, .least = 0 },
	{ "getsockopt", make_socket, call_getsockopt, NULL, NULL, forget_all, .least = 0 },
	{ "getpeername", make_pair, call_name, NULL, talk, forget_all, .least = 0 },
	{ "ioctl", make_pair, call_ioctl, NULL, talk, forget_all, .least = 0 },
	{ "epoll", make_pair, call_epoll, NULL, talk, forget_all, .least = 3 },
	{ "/dev/vsock", NULL, call_device, NULL, NULL, NULL, .least = 3 },
};

static const struct step data_steps[] = {
	{ "send", make_pair, call_send, nothing_came, came, forget_all, .least = 3 },
	{ "recv", make_data, call_recv, NULL, received, forget_all, .least = 0 },
	{ "peek", make_data_peek, call_recv, NULL, received, forget_all, .least = 0 },
	{ "recvmsg", make_data, call_recvmsg, NULL, received, forget_all, .least = 0 },
	{ "splice out", make_pipe, call_splice_out, NULL, spliced_out, end_pipe, .least = 1 },
};

/* Much at once goes as several messages: those of a pipe's size. */
static const struct step splice_steps[] = {
	{ "splice in", make_full_pipe, call_splice_in, NULL, came, end_pipe, .least = 1 },
	{ "sendfile", make_file, call_sendfile, NULL, came, end_file, .least = 3 },
};

static const struct step send_behind = {
	"send behind something", make_pair_behind, call_send_behind, NULL, behind_comes, forget_all, .least = 0,
};

static const struct step namespace_steps[] = {
	{ "unshare", enter_parent, call_unshare, NULL, is_local, leave, .least = 60, .last = 120 },
	{ "child_ns_mode", enter_new, call_child_mode, child_mode_not_set, child_mode_set, leave, .least = 2 },
	{ "g2h_fallback", enter_new, call_fallback, NULL, fallback_set, leave, .least = 2 },
};

int main(void)
{
	static const size_t sizes[] = { 100, 10000, BIG };
	size_t i, j;

	watchdog(280);
	inject_init();
	inject_open();
	here = ns_here();
	parent = ns_local_parent();
	data = malloc(BIG);
	back = malloc(BIG);
	memset(back, 0, BIG);
	data_fill(data, BIG, 0);
	for_each_type(type) {
		for (j = 0; j < ARRAY_SIZE(socket_steps); j++)
			check_step(type_prefix(), &socket_steps[j]);
		for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
			size = sizes[k];
			diag("%zu bytes", size);
			for (j = 0; j < ARRAY_SIZE(data_steps); j++)
				check_step(type_prefix(), &data_steps[j]);
			for (j = 0; j < ARRAY_SIZE(splice_steps); j++)
				if (type == SOCK_STREAM || size < 65536)
					check_step(type_prefix(), &splice_steps[j]);
		}
		size = 10;
		check_step(type_prefix(), &send_behind);
	}
	type = SOCK_STREAM;
	for (i = 0; i < ARRAY_SIZE(namespace_steps); i++)
		check_step("", &namespace_steps[i]);
	close(here);
	close(parent);

	return done();
}
