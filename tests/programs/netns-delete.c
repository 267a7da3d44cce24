// SPDX-License-Identifier: GPL-2.0-only
/*
 * A namespace without processes and names lives on in its sockets, which work as
 * before; it goes with the last of them, and no socket of another one keeps it.
 */
#include "vsock_test.h"
#include "ns_alive.h"

static int type;
#define T type_name(type)

static int new_ns(bool local)
{
	return local ? ns_new_local() : ns_new_global();
}

static void check_no_sockets(bool local)
{
	int ns = new_ns(local), number = ns_tag(ns), fd;

	ok(ns_alive(number), "a namespace");
	close(ns);
	ok(ns_dies(number), "goes with its last name");

	ns = new_ns(local);
	number = ns_tag(ns);
	fd = vm_socket_in(ns, type);
	close(ns);
	ok(ns_alive(number), "%s: a new socket keeps it", T);
	is_errno(vm_bind(fd, VMADDR_CID_ANY, 1234), 0, "%s: and can be bound", T);
	is_errno(errno_of(listen(fd, 1)), 0, "%s: and listens", T);
	ok(ns_alive(number), "%s: and keeps it still", T);
	close(fd);
	ok(ns_dies(number), "%s: it goes with the socket", T);
}

/* Everything goes on in a namespace that has nothing but sockets. */
static void check_life(bool local)
{
	int ns = new_ns(local), number = ns_tag(ns);
	int listener, unborn, client, server, a, b;
	char byte;

	listener = vm_listen_in(ns, type, VMADDR_CID_ANY, 4);
	unborn = vm_socket_in(ns, type);
	vm_pair_in(ns, type, &a, &b);
	client = vm_socket_in(ns, type);
	must(-vm_connect(client, VMADDR_CID_LOCAL, vm_port(listener)));
	close(ns);
	is_errno(vm_echo(a, b), 0, "%s: an old connection", T);
	server = vm_accept(listener);
	call_ok(server, "%s: one that was not accepted yet", T);
	is_errno(vm_echo(client, server), 0, "%s: talks", T);
	close(client);
	is_int(recv(server, &byte, 1, 0), 0, "%s: and ends", T);
	close(server);
	is_errno(vm_connect(unborn, VMADDR_CID_LOCAL, vm_port(listener)), 0, "%s: a new connection", T);
	server = must(vm_accept(listener));
	close(listener);
	is_errno(vm_echo(unborn, server), 0, "%s: talks", T);
	close(a);
	close(b);
	close(unborn);
	ok(ns_alive(number), "%s: the last socket keeps the namespace", T);
	close(server);
	ok(ns_dies(number), "%s: and with it it goes", T);
}

/* Connections that nobody accepted go with the listener, data in them too. */
static void check_queue(bool local)
{
	int ns = new_ns(local), number = ns_tag(ns), listener, client[3], i;

	listener = vm_listen_in(ns, type, VMADDR_CID_ANY, 4);
	for (i = 0; i < 3; i++) {
		client[i] = vm_socket_in(ns, type);
		must(-vm_connect(client[i], VMADDR_CID_LOCAL, vm_port(listener)));
		must(send(client[i], "unread", 6, 0));
	}
	close(ns);
	for (i = 0; i < 3; i++)
		close(client[i]);
	ok(ns_alive(number), "%s: a listener with a queue keeps its namespace", T);
	close(listener);
	ok(ns_dies(number), "%s: and with it it goes", T);
}

/* Between two global namespaces: each lives as long as its own sockets. */
static void check_two(void)
{
	int ns[2] = { new_ns(false), new_ns(false) };
	int number[2] = { ns_tag(ns[0]), ns_tag(ns[1]) };
	int listener, client, server;
	char buffer[8];

	listener = vm_listen_in(ns[1], type, VMADDR_CID_ANY, 4);
	client = vm_socket_in(ns[0], type);
	must(-vm_connect(client, VMADDR_CID_LOCAL, vm_port(listener)));
	server = must(vm_accept(listener));
	close(ns[0]);
	close(ns[1]);
	must(send(client, "last", 4, 0));
	close(client);
	ok(ns_dies(number[0]), "%s: the client's namespace goes with it", T);
	ok(ns_alive(number[1]), "%s: not the server's", T);
	is_int(recv(server, buffer, 8, 0), 4, "%s: what it sent is there", T);
	is_int(recv(server, buffer, 8, 0), 0, "%s: and its end", T);
	close(server);
	ok(ns_alive(number[1]), "%s: the listener keeps the other one", T);

	/* Nor does who waits in a queue keep, or need, the namespace it came from. */
	ns[0] = new_ns(false);
	number[0] = ns_tag(ns[0]);
	client = vm_socket_in(ns[0], type);
	must(-vm_connect(client, VMADDR_CID_LOCAL, vm_port(listener)));
	must(send(client, "late", 4, 0));
	close(ns[0]);
	close(client);
	ok(ns_dies(number[0]), "%s: nor does the queue keep a client's namespace", T);
	server = must(vm_accept(listener));
	is_int(recv(server, buffer, 8, 0), 4, "%s: whose data is there", T);
	close(server);

	/* And the server's may go first. */
	ns[0] = new_ns(false);
	number[0] = ns_tag(ns[0]);
	client = vm_socket_in(ns[0], type);
	must(-vm_connect(client, VMADDR_CID_LOCAL, vm_port(listener)));
	close(ns[0]);
	close(listener);
	ok(ns_dies(number[1]), "%s: the server's namespace goes first", T);
	is_int(recv(client, buffer, 8, 0), 0, "%s: the client sees the end", T);
	is_errno(errno_of(send(client, "x", 1, 0)), EPIPE, "%s: both ways", T);
	close(client);
	ok(ns_dies(number[0]), "%s: and goes as well", T);
}

/* A port space of its own each: the dead one's are not seen by who comes after. */
static void check_successor(void)
{
	int ns = new_ns(true), old, new, fd;

	old = vm_socket_in(ns, type);
	must(-vm_bind(old, VMADDR_CID_ANY, 1234));
	must(listen(old, 1));
	close(ns);
	ns = new_ns(true);
	fd = vm_socket_in(ns, type);
	is_errno(vm_connect(fd, VMADDR_CID_LOCAL, 1234), ECONNRESET,
		 "%s: a new namespace does not see a deleted one's listener", T);
	new = vm_socket_in(ns, type);
	is_errno(vm_bind(new, VMADDR_CID_ANY, 1234), 0, "%s: nor its port", T);
	must(listen(new, 1));
	is_errno(vm_connect(fd, VMADDR_CID_LOCAL, 1234), 0, "%s: but its own", T);
	is_int(poll_now(old), 0, "%s: of which the old one does not hear", T);
	close(fd);
	close(old);
	close(new);
	close(ns);
}

/* An open sysctl file keeps no namespace, and tells that it is gone. */
static void check_sysctl_file(void)
{
	int here = ns_here(), ns = new_ns(true), number = ns_tag(ns), fd, err;
	long long end = now_ms() + PATIENCE_MS;
	char text[16];

	ns_enter(ns);
	fd = must(open(SYSCTL_DIR "child_ns_mode", O_RDWR | O_CLOEXEC));
	ns_enter(here);
	must(pread(fd, text, sizeof(text), 0));
	close(ns);
	ok(ns_dies(number), "a sysctl file keeps no namespace");
	do {
		err = errno_of(pread(fd, text, sizeof(text), 0));
	} while (!err && now_ms() < end);
	is_errno(err, ENOENT, "reading it tells so");
	is_errno(errno_of(pwrite(fd, "local", 5, 0)), ENOENT, "writing it too");
	close(fd);
	close(here);
}

/* Killed with everything open, in a namespace of its own. */
static void check_killed(bool local)
{
	int parent = local ? ns_local_parent() : ns_here();
	int ready[2], status, number, ns, i, a, b;
	char path[64], byte;
	pid_t pid;

	must(pipe(ready));
	pid = must(fork());
	if (!pid) {
		ns_enter(parent);
		must(unshare(CLONE_NEWNET));
		for (i = 0; i < 20; i++) {
			vm_pair(type, &a, &b);
			must(send(a, "unread", 6, 0));
			vm_listen(type);
		}
		must(write(ready[1], "", 1));
		for (;;)
			pause();
	}
	must(read(ready[0], &byte, 1));
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	ns = must(open(path, O_RDONLY | O_CLOEXEC));
	number = ns_tag(ns);
	close(ns);
	ok(ns_alive(number), "%s: a process with sockets in a namespace of its own", T);
	kill(pid, SIGKILL);
	must(waitpid(pid, &status, 0));
	ok(ns_dies(number), "%s: was killed, and the namespace is gone", T);
	close(ready[0]);
	close(ready[1]);
}

int main(void)
{
	int local;

	watchdog(90);
	for_each_type(type) {
		for (local = 0; local < 2; local++) {
			if (native() && local && type == SOCK_SEQPACKET)
				continue;
			diag("%s, %s", T, local ? "local" : "global");
			check_no_sockets(local);
			check_life(local);
			check_queue(local);
			check_killed(local);
		}
		check_two();
		if (!native() || type == SOCK_STREAM)
			check_successor();
	}
	check_sysctl_file();
	close(ns_local_parent());
	check_unload();

	return done();
}
