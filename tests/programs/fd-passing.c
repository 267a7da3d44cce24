// SPDX-License-Identifier: GPL-2.0-only
/*
 * A socket belongs to the namespace that it was made in: passing it to a process
 * in another one, or taking the process elsewhere, changes nothing.
 */
#include "vsock_test.h"

#include <sys/un.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static int type;
#define T type_name(type)

/* To the process in another namespace and back. */
static int channel[2];

static void pass(int fd)
{
	union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control = {};
	struct iovec vec = { "f", 1 };
	struct msghdr msg = {
		.msg_iov = &vec, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	control.header = (struct cmsghdr) {
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
		.cmsg_len = CMSG_LEN(sizeof(int)),
	};
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	must(sendmsg(channel[0], &msg, 0));
}

static int take(void)
{
	union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control = {};
	char byte;
	struct iovec vec = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &vec, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int fd;

	must(recvmsg(channel[1], &msg, MSG_CMSG_CLOEXEC));
	if (control.header.cmsg_type != SCM_RIGHTS)
		bail_out("no descriptor came");
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));

	return fd;
}

/* Which namespace a socket is in; 0 when the kernel cannot tell. */
static unsigned long long cookie(int fd)
{
	unsigned long long value = 0;
	socklen_t len = sizeof(value);

	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &value, &len))
		return 0;
	return value;
}

static unsigned long long cookie_of(int ns)
{
	int fd = vm_socket_in(ns, type);
	unsigned long long value = cookie(fd);

	close(fd);
	return value;
}

/* What is done with the sockets after the process that has them is elsewhere. */
static int home, away;

static int connect_in(int ns, unsigned int port)
{
	int fd = vm_socket_in(ns, type);
	int err = vm_connect(fd, VMADDR_CID_LOCAL, port);

	close(fd);
	return err;
}

/* Runs in the process that is in @away. */
static void other_process(void)
{
	int listener, fd, client, server;
	unsigned int port;

	ns_enter(away);
	listener = take();
	port = vm_port(listener);
	is_errno(connect_in(home, port), 0, "%s: a listener passed away is reached from home", T);
	server = vm_accept(listener);
	call_ok(server, "%s: who has it accepts", T);
	ok(cookie(server) == cookie_of(home), "%s: and that socket is of home", T);
	close(server);
	is_errno(connect_in(away, port), ECONNRESET, "%s: it is not reached from here", T);
	is_int(poll_now(listener), 0, "%s: nor hears of it", T);

	/* A connected one just goes on. */
	fd = take();
	server = take();
	is_errno(vm_echo(fd, server), 0, "%s: a connection passed away", T);
	ok(cookie(fd) == cookie_of(home), "%s: is still of home", T);
	close(fd);
	close(server);

	/* A new one is bound and connected where it was made. */
	fd = take();
	is_errno(vm_connect(fd, VMADDR_CID_LOCAL, port), 0, "%s: a new socket passed away connects at home", T);
	server = must(vm_accept(listener));
	is_errno(vm_echo(fd, server), 0, "%s: and talks", T);
	close(fd);
	close(server);
	fd = take();
	is_errno(vm_bind(fd, VMADDR_CID_ANY, port), EADDRINUSE, "%s: another one finds home's port taken", T);
	is_errno(vm_bind(fd, VMADDR_CID_ANY, VMADDR_PORT_ANY), 0, "%s: and takes a free one", T);
	must(listen(fd, 1));
	is_errno(connect_in(home, vm_port(fd)), 0, "%s: at which home reaches it", T);
	is_errno(connect_in(away, vm_port(fd)), ECONNRESET, "%s: and here nobody does", T);
	close(fd);

	/* Made here, and of here. */
	fd = vm_listen(type);
	client = take();
	is_errno(vm_connect(client, VMADDR_CID_LOCAL, vm_port(fd)), ECONNRESET,
		 "%s: home's socket does not see a listener made here", T);
	close(client);
	is_errno(connect_in(away, vm_port(fd)), 0, "%s: a socket made here does", T);
	close(fd);
	close(listener);
}

static void check_passing(int from, int to)
{
	int fd, peer;

	diag("%s: from %s to %s", T, ns_names[from], ns_names[to]);
	home = ns_fd[from];
	away = ns_fd[to];
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel));
	ns_enter(home);
	fd = vm_listen(type);
	pass(fd);
	close(fd);
	vm_pair(type, &fd, &peer);
	pass(fd);
	pass(peer);
	close(fd);
	close(peer);
	for (peer = 0; peer < 3; peer++) {
		fd = vm_socket(type);
		pass(fd);
		close(fd);
	}
	ns_enter(ns_fd[NS_INIT]);
	in_child(other_process);
	close(channel[0]);
	close(channel[1]);
}

/* The same process goes elsewhere, with its sockets. */
static void check_moving(int from, int to)
{
	int listener, old, new, server;

	ns_enter(ns_fd[from]);
	listener = vm_listen(type);
	old = vm_socket(type);
	ns_enter(ns_fd[to]);
	is_errno(vm_connect(old, VMADDR_CID_LOCAL, vm_port(listener)), 0,
		 "%s: a socket made before the move", T);
	server = must(vm_accept(listener));
	is_errno(vm_echo(old, server), 0, "%s: talks", T);
	new = vm_socket(type);
	is_errno(vm_connect(new, VMADDR_CID_LOCAL, vm_port(listener)), ECONNRESET,
		 "%s: one made after it", T);
	ns_enter(ns_fd[NS_INIT]);
	close(new);
	close(old);
	close(server);
	close(listener);
}

static void check_cookies(void)
{
	int ns, other, a, b;

	if (!cookie_of(ns_fd[NS_INIT])) {
		skip("which namespace a socket is in", "this kernel does not tell");
		return;
	}
	for (ns = 0; ns < NS_COUNT; ns++) {
		if (native() && type == SOCK_SEQPACKET && ns >= NS_LA)
			continue;
		for (other = 0; other < ns; other++)
			ok(cookie_of(ns_fd[ns]) != cookie_of(ns_fd[other]), "%s: %s is not %s", T,
			   ns_names[ns], ns_names[other]);
		vm_pair_in(ns_fd[ns], type, &a, &b);
		ok(cookie(a) == cookie_of(ns_fd[ns]), "%s: client in %s", T, ns_names[ns]);
		ok(cookie(b) == cookie_of(ns_fd[ns]), "%s: server in %s", T, ns_names[ns]);
		close(a);
		close(b);
	}
	/* Each end of a connection across global namespaces is at home in its own. */
	a = vm_socket_in(ns_fd[NS_GA], type);
	ns = vm_listen_in(ns_fd[NS_GB], type, VMADDR_CID_ANY, 1);
	must(-vm_connect(a, VMADDR_CID_LOCAL, vm_port(ns)));
	b = must(vm_accept(ns));
	ok(cookie(a) == cookie_of(ns_fd[NS_GA]), "%s: client in global A", T);
	ok(cookie(b) == cookie_of(ns_fd[NS_GB]), "%s: its server in global B", T);
	close(a);
	close(b);
	close(ns);
}

int main(void)
{
	static const int ways[][2] = {
		{ NS_LA, NS_INIT }, { NS_LA, NS_GB }, { NS_LA, NS_LB }, { NS_GA, NS_LB }, { NS_INIT, NS_LB },
	};
	size_t k;

	watchdog(60);
	ns_setup();
	for_each_type(type) {
		check_cookies();
		for (k = 0; k < ARRAY_SIZE(ways); k++) {
			if (native() && type == SOCK_SEQPACKET && ways[k][0] >= NS_LA)
				continue;
			if (native() && type == SOCK_SEQPACKET) {
				skip("between global and local", "seqpacket is refused with another error");
				continue;
			}
			check_passing(ways[k][0], ways[k][1]);
			check_moving(ways[k][0], ways[k][1]);
		}
	}
	return done();
}
