// SPDX-License-Identifier: GPL-2.0-only
/* Which addresses can be bound: by CID, by port, in each namespace, beside what is bound already. */
#include "vsock_test.h"

#include <grp.h>

static int type;
#define T type_name(type)

static int try_bind(int ns, int socket_type, unsigned int cid, unsigned int port)
{
	int fd = vm_socket_in(ns, socket_type);
	int err = vm_bind(fd, cid, port);

	close(fd);
	return err;
}

/* One holds a port, all others try to get it. */
static void check_namespaces(void)
{
	int holder, other, fd;

	for (holder = 0; holder < NS_COUNT; holder++) {
		fd = vm_socket_in(ns_fd[holder], type);
		must(-vm_bind(fd, VMADDR_CID_ANY, 2000));
		for (other = 0; other < NS_COUNT; other++)
			is_errno(try_bind(ns_fd[other], type, VMADDR_CID_ANY, 2000),
				 ns_reach(holder, other) ? EADDRINUSE : 0,
				 "%s: port of %s bound in %s", T, ns_names[holder], ns_names[other]);
		close(fd);
		for (other = 0; other < NS_COUNT; other++)
			is_errno(try_bind(ns_fd[other], type, VMADDR_CID_ANY, 2000), 0,
				 "%s: after it was closed, in %s", T, ns_names[other]);
	}
}

static void check_cids(void)
{
	static const struct { unsigned int cid; int want; } cases[] = {
		{ VMADDR_CID_HYPERVISOR, EADDRNOTAVAIL },
		{ VMADDR_CID_LOCAL, 0 },
		{ VMADDR_CID_HOST, EADDRNOTAVAIL },	/* vhost_vsock is not loaded */
		{ 3, EADDRNOTAVAIL },
		{ 77777, EADDRNOTAVAIL },
		{ 0xfffffffe, EADDRNOTAVAIL },
		{ VMADDR_CID_ANY, 0 },
	};
	int ns, fd;
	size_t i;

	for (ns = 0; ns < NS_COUNT; ns++) {
		for (i = 0; i < ARRAY_SIZE(cases); i++) {
			fd = vm_socket_in(ns_fd[ns], type);
			is_errno(vm_bind(fd, cases[i].cid, 2000), cases[i].want,
				 "%s: CID %d in %s", T, (int)cases[i].cid, ns_names[ns]);
			if (!cases[i].want)
				ok(vm_name(fd).svm_cid == cases[i].cid && vm_port(fd) == 2000,
				   "%s: and that is its name", T);
			else
				is_int(vm_port(fd), VMADDR_PORT_ANY, "%s: and it has no name", T);
			close(fd);
		}
	}
}

/* An address that has ANY overlaps with all, in both orders; types share ports. */
static void check_overlap(void)
{
	static const unsigned int cids[] = { VMADDR_CID_ANY, VMADDR_CID_LOCAL };
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
	static const int homes[] = { NS_GA, NS_LA };
	size_t i, k, t, h;
	int fd;

	for (h = 0; h < ARRAY_SIZE(homes); h++) {
		for (i = 0; i < 2; i++) {
			fd = vm_socket_in(ns_fd[homes[h]], type);
			must(-vm_bind(fd, cids[i], 2000));
			for (k = 0; k < 2; k++)
				for (t = 0; t < 2; t++)
					is_errno(try_bind(ns_fd[homes[h]], types[t], cids[k], 2000),
						 EADDRINUSE, "%s at CID %d, then %s at CID %d in %s", T,
						 (int)cids[i], type_name(types[t]), (int)cids[k],
						 ns_names[homes[h]]);
			is_errno(try_bind(ns_fd[homes[h]], type, cids[i], 2001), 0, "the next port is free");
			is_errno(try_bind(ns_fd[NS_LB], type, cids[i], 2000), 0, "another local one is free");
			close(fd);
		}
	}
}

static void check_twice(void)
{
	int fd = vm_socket(type), other = vm_socket(type);

	is_errno(vm_bind(fd, VMADDR_CID_ANY, 2000), 0, "%s: bind", T);
	is_errno(vm_bind(fd, VMADDR_CID_ANY, 2000), EINVAL, "%s: bind twice", T);
	is_errno(vm_bind(fd, VMADDR_CID_ANY, 2001), EINVAL, "%s: bind elsewhere", T);
	is_int(vm_port(fd), 2000, "%s: nothing changed", T);
	is_errno(vm_bind(other, VMADDR_CID_ANY, 2000), EADDRINUSE, "%s: what another one has", T);
	is_errno(vm_bind(other, VMADDR_CID_ANY, 2001), 0, "%s: and then what nobody has", T);
	close(fd);
	close(other);
}

/* Of a connection only the one that bound holds a port. */
static void check_connections(void)
{
	int listener = vm_socket(type), client = vm_socket(type), server;

	must(-vm_bind(listener, VMADDR_CID_ANY, 2000));
	must(listen(listener, 1));
	must(-vm_connect(client, VMADDR_CID_LOCAL, 2000));
	server = must(vm_accept(listener));
	is_errno(try_bind(ns_fd[NS_INIT], type, VMADDR_CID_ANY, vm_port(client)), EADDRINUSE,
		 "%s: the port of a client", T);
	close(listener);
	is_errno(try_bind(ns_fd[NS_INIT], type, VMADDR_CID_ANY, 2000), 0,
		 "%s: the port of a server whose listener is closed", T);
	listener = vm_socket(type);
	must(-vm_bind(listener, VMADDR_CID_ANY, 2000));
	must(listen(listener, 1));
	is_errno(vm_echo(client, server), 0, "%s: the old connection goes on", T);
	close(client);
	client = vm_socket(type);
	is_errno(vm_connect(client, VMADDR_CID_LOCAL, 2000), 0, "%s: beside a new one", T);
	close(client);
	close(server);
	close(listener);
}

/* ---- Ports that the kernel chooses ---- */

static unsigned int ephemeral(int ns)
{
	int fd = vm_socket_in(ns, type);
	unsigned int port;

	must(-vm_bind(fd, VMADDR_CID_ANY, VMADDR_PORT_ANY));
	port = vm_port(fd);
	close(fd);

	return port;
}

static void check_ephemeral(void)
{
	unsigned int last[NS_COUNT], port;
	int ns, other, i, bad = 0, fd, blocker;

	for (ns = 0; ns < NS_COUNT; ns++)
		last[ns] = ephemeral(ns_fd[ns]);
	for (i = 0; i < 20; i++) {
		for (ns = 0; ns < NS_COUNT; ns++) {
			port = ephemeral(ns_fd[ns]);
			bad += port != last[ns] + 1 || port <= 1023 || port == VMADDR_PORT_ANY;
			last[ns] = port;
		}
	}
	is_int(bad, 0, "%s: each namespace counts on its own", T);
	for (ns = 0, bad = 0; ns < NS_COUNT; ns++)
		for (other = 0; other < ns; other++)
			bad += last[ns] - last[other] + 100 < 200;
	is_int(bad, 0, "%s: from a place of its own", T);

	/* Global namespaces share the ports: what one has, another one skips. */
	fd = vm_socket_in(ns_fd[NS_GB], type);
	blocker = vm_socket_in(ns_fd[NS_LB], type);
	must(-vm_bind(fd, VMADDR_CID_ANY, last[NS_GA] + 1));
	is_int(ephemeral(ns_fd[NS_GA]), last[NS_GA] + 2, "%s: skips what a global neighbour has", T);
	must(-vm_bind(blocker, VMADDR_CID_ANY, last[NS_LA] + 1));
	is_int(ephemeral(ns_fd[NS_LA]), last[NS_LA] + 1, "%s: but not what a local stranger has", T);
	close(fd);
	close(blocker);
}

static void check_many(void)
{
	enum { MANY = 500 };
	static int fd[MANY];
	int i, bad = 0;

	for (i = 0; i < MANY; i++) {
		fd[i] = vm_socket_in(ns_fd[i % NS_LA], type);
		bad += !!vm_bind(fd[i], VMADDR_CID_ANY, 10000 + i);
	}
	is_int(bad, 0, "%s: %d ports", T, MANY);
	for (i = 0; i < MANY; i++)
		bad += try_bind(ns_fd[NS_INIT], type, VMADDR_CID_LOCAL, 10000 + i) != EADDRINUSE;
	is_int(bad, 0, "%s: all of them are taken", T);
	for (i = 0; i < MANY; i += 2)
		close(fd[i]);
	for (i = 0; i < MANY; i++)
		bad += try_bind(ns_fd[NS_INIT], type, VMADDR_CID_LOCAL, 10000 + i) != (i % 2 ? EADDRINUSE : 0);
	is_int(bad, 0, "%s: every second one is free again", T);
	for (i = 1; i < MANY; i += 2)
		close(fd[i]);
}

/* ---- Ports of root, and of processes that end ---- */

static int user_ns;

static void user_binds(void)
{
	static const struct { unsigned int port; int want; } cases[] = {
		{ 0, EACCES }, { 1, EACCES }, { 1023, EACCES }, { 1024, 0 }, { 0xfffffffe, 0 },
	};
	size_t i;
	int fd;

	ns_enter(user_ns);
	must(setgroups(0, NULL));
	must(setgid(1000));
	must(setuid(1000));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fd = vm_socket(type);
		is_errno(vm_bind(fd, VMADDR_CID_ANY, cases[i].port), cases[i].want,
			 "%s: user, port %u", T, cases[i].port);
		close(fd);
	}
}

static void check_privileged(void)
{
	int fd = vm_socket(type);

	is_errno(vm_bind(fd, VMADDR_CID_ANY, 0), 0, "%s: root, port 0", T);
	is_int(vm_port(fd), 0, "%s: which is a port", T);
	close(fd);
	is_errno(try_bind(ns_fd[NS_INIT], type, VMADDR_CID_ANY, 1023), 0, "%s: root, port 1023", T);
	user_ns = ns_fd[NS_INIT];
	in_child(user_binds);
	user_ns = ns_fd[NS_LA];
	in_child(user_binds);
}

static void check_process_end(void)
{
	static const int homes[] = { NS_INIT, NS_GA, NS_LA };
	int status, ready[2], ns, fd;
	char byte;
	pid_t pid;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(homes); i++) {
		ns = ns_fd[homes[i]];
		if (native() && type == SOCK_SEQPACKET && homes[i] == NS_LA)
			continue;
		must(pipe(ready));
		pid = must(fork());
		if (!pid) {
			fd = vm_socket_in(ns, type);
			must(-vm_bind(fd, VMADDR_CID_ANY, 2000));
			must(listen(fd, 1));
			must(write(ready[1], "", 1));
			for (;;)
				pause();
		}
		must(read(ready[0], &byte, 1));
		fd = vm_socket_in(ns, type);
		is_errno(vm_connect(fd, VMADDR_CID_LOCAL, 2000), 0, "%s: a process listens in %s", T,
			 ns_names[homes[i]]);
		kill(pid, SIGKILL);
		must(waitpid(pid, &status, 0));
		close(fd);
		fd = vm_socket_in(ns, type);
		is_errno(vm_connect(fd, VMADDR_CID_LOCAL, 2000), ECONNRESET, "%s: it was killed", T);
		is_errno(try_bind(ns, type, VMADDR_CID_ANY, 2000), 0, "%s: its port is free", T);
		close(fd);
		close(ready[0]);
		close(ready[1]);
	}
}

int main(void)
{
	watchdog(60);
	ns_setup();
	for_each_type(type) {
		check_namespaces();
		check_cids();
		check_overlap();
		check_twice();
		check_connections();
		check_ephemeral();
		check_many();
		check_privileged();
		check_process_end();
	}
	return done();
}
