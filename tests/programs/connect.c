// SPDX-License-Identifier: GPL-2.0-only
/* How connections come to be, or do not: every state that connect(), listen(), accept() can meet. */
#include "vsock_test.h"

static int type;
#define T type_name(type)

static struct sockaddr_vm here_is(int listener)
{
	return vm_addr(VMADDR_CID_LOCAL, vm_port(listener));
}

static int connect_to(int fd, int listener)
{
	return vm_connect(fd, VMADDR_CID_LOCAL, vm_port(listener));
}

/* A port at which nobody listens. */
static unsigned int free_port(void)
{
	int fd = vm_listen(type);
	unsigned int port = vm_port(fd);

	close(fd);
	return port;
}

static bool is_bound(int fd)
{
	return vm_port(fd) != VMADDR_PORT_ANY;
}

static void check_create(void)
{
	static const struct { int type, protocol, want; } sockets[] = {
		{ SOCK_STREAM, 0, 0 },
		{ SOCK_SEQPACKET, 0, 0 },
		{ SOCK_STREAM, AF_VSOCK, 0 },
		{ SOCK_DGRAM, 0, ENODEV },
		{ SOCK_DGRAM, AF_VSOCK, ENODEV },
		{ SOCK_RAW, 0, ESOCKTNOSUPPORT },
		{ SOCK_RDM, 0, ESOCKTNOSUPPORT },
		{ SOCK_STREAM, 1, EPROTONOSUPPORT },
		{ SOCK_STREAM, -1, EPROTONOSUPPORT },
	};
	static const struct { int name, want; } options[] = {
		{ SO_DOMAIN, AF_VSOCK }, { SO_PROTOCOL, 0 }, { SO_ACCEPTCONN, 0 },
		{ SO_ERROR, 0 },
	};
	int pair[2], fd, value;
	socklen_t len = sizeof(value);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sockets); i++) {
		fd = socket(AF_VSOCK, sockets[i].type, sockets[i].protocol);
		is_errno(errno_of(fd), sockets[i].want, "socket of type %d, protocol %d",
			 sockets[i].type, sockets[i].protocol);
		close(fd);
	}
	is_errno(errno_of(socketpair(AF_VSOCK, SOCK_STREAM, 0, pair)), EOPNOTSUPP, "socketpair");
	is_errno(errno_of(socketpair(AF_VSOCK, SOCK_SEQPACKET, 0, pair)), EOPNOTSUPP, "socketpair");
	fd = must(socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	ok(fcntl(fd, F_GETFL) & O_NONBLOCK, "SOCK_NONBLOCK");
	ok(fcntl(fd, F_GETFD) & FD_CLOEXEC, "SOCK_CLOEXEC");
	close(fd);
	fd = vm_socket(type);
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		must(getsockopt(fd, SOL_SOCKET, options[i].name, &value, &len));
		is_int(value, options[i].want, "option %d of a new socket", options[i].name);
	}
	must(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len));
	is_int(value, type, "its type");
	close(fd);
}

static void check_good(void)
{
	struct sockaddr_vm addr, from = {};
	socklen_t len = sizeof(from);
	int listener = vm_listen(type), client = vm_socket(type), server;
	unsigned int port = vm_port(listener);
	int value;

	addr = vm_name(client);
	ok(addr.svm_family == AF_VSOCK && addr.svm_cid == VMADDR_CID_ANY &&
	   addr.svm_port == VMADDR_PORT_ANY, "%s: a new socket has no name", T);
	is_errno(errno_of(getpeername(client, (struct sockaddr *)&addr, &(socklen_t){sizeof(addr)})),
		 ENOTCONN, "%s: nor a peer", T);
	is_errno(connect_to(client, listener), 0, "%s: connect", T);
	server = accept(listener, (struct sockaddr *)&from, &len);
	call_ok(server, "%s: accept", T);
	is_int(len, sizeof(from), "%s: accept tells an address", T);
	ok(from.svm_family == AF_VSOCK && from.svm_cid == VMADDR_CID_LOCAL &&
	   from.svm_port == vm_port(client), "%s: which is the client's", T);
	addr = vm_name(client);
	is_int(addr.svm_cid, VMADDR_CID_ANY, "%s: client's CID", T);
	ok(addr.svm_port > 1023 && addr.svm_port != port, "%s: client's port", T);
	addr = vm_peer(client);
	ok(addr.svm_cid == VMADDR_CID_LOCAL && addr.svm_port == port && !addr.svm_flags,
	   "%s: client's peer", T);
	addr = vm_name(server);
	ok(addr.svm_cid == VMADDR_CID_LOCAL && addr.svm_port == port, "%s: server's name", T);
	addr = vm_peer(server);
	ok(addr.svm_cid == VMADDR_CID_LOCAL && addr.svm_port == vm_port(client) &&
	   !addr.svm_flags, "%s: server's peer", T);
	must(getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &value, &(socklen_t){sizeof(value)}));
	is_int(value, 1, "%s: the listener is one", T);

	is_errno(connect_to(client, listener), EISCONN, "%s: connect twice", T);
	is_errno(connect_to(server, listener), EISCONN, "%s: connect the accepted one", T);
	is_errno(vm_connect(client, 77, 7), EISCONN, "%s: connect elsewhere", T);
	is_errno(errno_of(connect(client, (struct sockaddr *)&(struct sockaddr){}, sizeof(addr))),
		 EISCONN, "%s: connect to AF_UNSPEC", T);
	is_errno(vm_bind(client, VMADDR_CID_ANY, VMADDR_PORT_ANY), EINVAL, "%s: bind it", T);
	is_errno(errno_of(listen(client, 1)), EINVAL, "%s: listen on it", T);
	is_errno(errno_of(accept(client, NULL, NULL)), EINVAL, "%s: accept on it", T);
	is_errno(vm_echo(client, server), 0, "%s: and still it works", T);
	close(client);
	close(server);

	client = vm_socket(type);
	must(-vm_bind(client, VMADDR_CID_LOCAL, VMADDR_PORT_ANY));
	port = vm_port(client);
	is_errno(connect_to(client, listener), 0, "%s: connect a bound socket", T);
	ok(vm_port(client) == port, "%s: it keeps its port", T);
	server = must(vm_accept(listener));
	ok(vm_peer(server).svm_port == port, "%s: the server sees that", T);
	close(client);
	close(server);

	client = vm_socket(type);
	is_errno(vm_connect(client, VMADDR_CID_HOST, vm_port(listener)), 0, "%s: connect to CID 2", T);
	server = must(vm_accept(listener));
	is_int(vm_peer(client).svm_cid, VMADDR_CID_HOST, "%s: client's peer", T);
	is_int(vm_name(server).svm_cid, VMADDR_CID_HOST, "%s: server's name", T);
	is_int(vm_peer(server).svm_cid, VMADDR_CID_LOCAL, "%s: server's peer", T);
	close(client);
	close(server);

	client = vm_socket(type);
	addr = here_is(listener);
	addr.svm_flags = VMADDR_FLAG_TO_HOST;
	is_errno(errno_of(connect(client, (struct sockaddr *)&addr, sizeof(addr))), 0,
		 "%s: connect to CID 1 with VMADDR_FLAG_TO_HOST", T);
	is_int(vm_peer(client).svm_flags, VMADDR_FLAG_TO_HOST, "%s: the flag stays", T);
	close(client);
	close(listener);
}

/* @fd was refused: it is as good as new. */
static void check_clean(int fd, int listener, bool still_bound, const char *after)
{
	int server;

	is_int(so_error(fd), 0, "%s, %s: no error is left", T, after);
	is_int(poll_now(fd), POLLOUT, "%s, %s: poll tells that it would not block", T, after);
	is_int(is_bound(fd), still_bound, "%s, %s: %s", T, after,
	       still_bound ? "has its port" : "has no port");
	is_int(vm_peer(fd).svm_family, AF_UNSPEC, "%s, %s: no peer", T, after);
	is_errno(errno_of(send(fd, "x", 1, 0)), ENOTCONN, "%s, %s: send", T, after);
	is_errno(errno_of(recv(fd, &server, 1, 0)), ENOTCONN, "%s, %s: recv", T, after);
	is_errno(errno_of(shutdown(fd, SHUT_RDWR)), ENOTCONN, "%s, %s: shutdown", T, after);
	if (is_errno(connect_to(fd, listener), 0, "%s, %s: the next try connects", T, after)) {
		server = must(vm_accept(listener));
		is_errno(vm_echo(fd, server), 0, "%s, %s: and talks", T, after);
		close(server);
	}
	close(fd);
}

static void check_refused(void)
{
	int listener = vm_listen(type), fd, other, i;
	unsigned int port;

	fd = vm_socket(type);
	is_errno(vm_connect(fd, VMADDR_CID_LOCAL, free_port()), ECONNRESET, "%s: nobody listens", T);
	check_clean(fd, listener, true, "refused");

	fd = vm_socket(type);
	must(-vm_bind(fd, VMADDR_CID_ANY, VMADDR_PORT_ANY));
	port = vm_port(fd);
	is_errno(vm_connect(fd, VMADDR_CID_LOCAL, free_port()), ECONNRESET,
		 "%s: refused although bound", T);
	ok(vm_port(fd) == port, "%s: it keeps its port", T);
	check_clean(fd, listener, true, "refused although bound");

	if (native()) {
		skip("a CID that nobody has", "this kernel leaves the socket half connected");
	} else {
		fd = vm_socket(type);
		is_errno(vm_connect(fd, 77, 7), ENODEV, "%s: a CID that nobody has", T);
		check_clean(fd, listener, false, "nobody has the CID");
		fd = vm_socket(type);
		must(-vm_bind(fd, VMADDR_CID_ANY, VMADDR_PORT_ANY));
		is_errno(vm_connect(fd, 77, 7), ENODEV, "%s: the same from a bound socket", T);
		check_clean(fd, listener, true, "nobody has the CID, bound");
	}

	fd = vm_socket(type);
	for (i = 0; i < 5; i++) {
		is_errno(vm_connect(fd, VMADDR_CID_LOCAL, free_port()), ECONNRESET,
			 "%s: refused, try %d", T, i);
		is_errno(vm_connect(fd, VMADDR_CID_HYPERVISOR, 7), ENODEV, "%s: nobody, try %d", T, i);
	}
	if (!native())
		check_clean(fd, listener, true, "refused often");
	else
		close(fd);

	fd = vm_socket(type);
	must(-vm_bind(fd, VMADDR_CID_ANY, VMADDR_PORT_ANY));
	other = vm_socket(type);
	is_errno(connect_to(other, fd), ECONNRESET, "%s: bound, but does not listen", T);
	if (!native())
		is_errno(connect_to(fd, fd), EPROTO, "%s: nor to itself", T);
	must(listen(fd, 1));
	is_errno(connect_to(other, fd), 0, "%s: listens now", T);
	is_errno(connect_to(fd, listener), EINVAL, "%s: a listener does not connect", T);
	close(fd);
	close(other);

	fd = vm_socket(type);
	is_errno(vm_connect(fd, VMADDR_CID_LOCAL, VMADDR_PORT_ANY), ECONNRESET, "%s: port ANY", T);
	is_errno(vm_connect(fd, VMADDR_CID_LOCAL, free_port()), ECONNRESET, "%s: refused once more", T);
	is_errno(errno_of(listen(fd, 1)), 0, "%s: and listens itself then", T);
	other = vm_socket(type);
	is_errno(connect_to(other, fd), 0, "%s: where others connect", T);
	close(other);
	close(fd);

	other = vm_socket(type == SOCK_STREAM ? SOCK_SEQPACKET : SOCK_STREAM);
	is_errno(connect_to(other, listener), ECONNRESET, "%s: the other type is refused", T);
	is_int(poll_now(listener), 0, "%s: and not heard of", T);
	close(other);
	close(listener);
}

static void check_nonblock(void)
{
	int listener = vm_listen(type), fd = vm_socket(type), server, err, i;

	set_nonblock(fd, true);
	is_errno(connect_to(fd, listener), EINPROGRESS, "%s: nonblocking", T);
	is_int(poll_for(fd, POLLOUT), POLLOUT, "%s: connected", T);
	is_int(so_error(fd), 0, "%s: without error", T);
	is_errno(connect_to(fd, listener), EISCONN, "%s: again", T);
	server = must(vm_accept(listener));
	set_nonblock(fd, false);
	is_errno(vm_echo(fd, server), 0, "%s: it talks", T);
	close(server);
	close(fd);

	fd = vm_socket(type);
	set_nonblock(fd, true);
	is_errno(vm_connect(fd, VMADDR_CID_LOCAL, free_port()), EINPROGRESS,
		 "%s: nonblocking, nobody listens", T);
	is_int(poll_for(fd, POLLOUT), POLLOUT | POLLERR, "%s: poll tells the failure", T);
	is_int(so_error(fd), ECONNRESET, "%s: SO_ERROR why", T);
	is_int(so_error(fd), 0, "%s: once", T);
	is_int(poll_now(fd), POLLOUT, "%s: nothing is left of it", T);
	if (native()) {
		skip("nonblocking try after a refused one", "this kernel says EALREADY for ever");
	} else {
		/* Several in a row, and then one that works. */
		for (i = 0; i < 3; i++) {
			is_errno(vm_connect(fd, VMADDR_CID_LOCAL, free_port()), EINPROGRESS,
				 "%s: another try", T);
			poll_for(fd, POLLOUT);
			is_int(so_error(fd), ECONNRESET, "%s: fails again", T);
		}
		/* Who does not ask SO_ERROR hears of it here. */
		is_errno(vm_connect(fd, VMADDR_CID_LOCAL, free_port()), EINPROGRESS,
			 "%s: another try", T);
		poll_for(fd, POLLOUT);
		is_errno(connect_to(fd, listener), ECONNRESET, "%s: its end, not asked for yet", T);
		err = connect_to(fd, listener);
		is_errno(err, EINPROGRESS, "%s: the listener at last", T);
		is_int(poll_for(fd, POLLOUT), POLLOUT, "%s: connected", T);
		is_int(so_error(fd), 0, "%s: without error", T);
		server = must(vm_accept(listener));
		set_nonblock(fd, false);
		is_errno(vm_echo(fd, server), 0, "%s: it talks", T);
		close(server);
	}
	close(fd);
	if (!native()) {
		fd = vm_socket(type);
		set_nonblock(fd, true);
		is_errno(vm_connect(fd, 77, 7), ENODEV, "%s: nobody has the CID, said at once", T);
		set_nonblock(fd, false);
		check_clean(fd, listener, false, "nobody has the CID, nonblocking");
	}
	close(listener);
}

static void check_backlog(void)
{
	static const struct { int backlog, want; } cases[] = { { 1, 2 }, { 3, 4 }, { 0, 1 } };
	int listener, clients[8], server, n;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		listener = vm_listen(type);
		must(listen(listener, cases[i].backlog));
		for (n = 0; n < 8; n++) {
			int err;

			clients[n] = vm_socket(type);
			err = connect_to(clients[n], listener);
			if (err) {
				is_errno(err, ECONNRESET, "%s: too many for backlog %d", T,
					 cases[i].backlog);
				close(clients[n]);
				break;
			}
		}
		is_int(n, cases[i].want, "%s: backlog %d", T, cases[i].backlog);
		server = must(vm_accept(listener));
		is_errno(vm_echo(clients[0], server), 0, "%s: the first is first", T);
		close(server);
		clients[n] = vm_socket(type);
		is_errno(connect_to(clients[n], listener), 0, "%s: one left, one more comes", T);
		must(listen(listener, cases[i].backlog + 1));
		n++;
		clients[n] = vm_socket(type);
		is_errno(connect_to(clients[n], listener), 0, "%s: a larger backlog, one more", T);
		/* Who waits in the queue when the listener goes sees the end. */
		close(listener);
		is_int(poll_for(clients[n], POLLIN), POLLIN | POLLOUT | POLLRDHUP,
		       "%s: the listener goes", T);
		is_int(recv(clients[n], &server, 1, 0), 0, "%s: and with it who waited", T);
		is_errno(errno_of(send(clients[n], "x", 1, 0)), EPIPE, "%s: for both directions", T);
		for (; n >= 0; n--)
			close(clients[n]);
	}
	listener = vm_listen(type);
	must(listen(listener, -1));
	for (n = 0; n < 8; n++) {
		clients[n] = vm_socket(type);
		is_errno(connect_to(clients[n], listener), 0, "%s: backlog -1, connection %d", T, n);
		close(clients[n]);
	}
	close(listener);
}

static long long accept_in_thread(void *listener)
{
	return accept(*(int *)listener, NULL, NULL);
}

static void check_accept(void)
{
	int listener = vm_socket(type), clients[2], i;
	struct task tasks[2];
	char buffer[8];
	int server;

	is_errno(errno_of(listen(listener, 1)), EINVAL, "%s: listen without a name", T);
	is_errno(errno_of(accept(listener, NULL, NULL)), EINVAL, "%s: accept without listen", T);
	must(-vm_bind(listener, VMADDR_CID_ANY, VMADDR_PORT_ANY));
	is_errno(errno_of(accept(listener, NULL, NULL)), EINVAL, "%s: accept, bound only", T);
	must(listen(listener, 4));
	is_errno(errno_of(recv(listener, buffer, 1, 0)), ENOTCONN, "%s: recv on a listener", T);
	is_errno(errno_of(send(listener, buffer, 1, 0)), ENOTCONN, "%s: send on a listener", T);
	is_errno(errno_of(shutdown(listener, SHUT_RDWR)), ENOTCONN, "%s: shutdown of a listener", T);

	set_nonblock(listener, true);
	is_errno(errno_of(accept(listener, NULL, NULL)), EAGAIN, "%s: nobody there", T);
	clients[0] = vm_socket(type);
	must(-connect_to(clients[0], listener));
	poll_for(listener, POLLIN);
	server = must(accept(listener, NULL, NULL));
	is_int(fcntl(server, F_GETFL) & O_NONBLOCK, 0, "%s: O_NONBLOCK is not inherited", T);
	close(server);
	close(clients[0]);
	set_nonblock(listener, false);
	set_timeout(listener, SO_RCVTIMEO, 100);
	is_errno(errno_of(accept(listener, NULL, NULL)), EAGAIN, "%s: nobody in time", T);
	set_timeout(listener, SO_RCVTIMEO, PATIENCE_MS);

	for (i = 0; i < 2; i++) {
		task_start(&tasks[i], accept_in_thread, &listener);
		ok(task_sleeps(&tasks[i]), "%s: thread %d waits", T, i);
	}
	for (i = 0; i < 2; i++) {
		clients[i] = vm_socket(type);
		is_errno(connect_to(clients[i], listener), 0, "%s: connection %d", T, i);
	}
	for (i = 0; i < 2; i++) {
		ok(task_ends(&tasks[i]) && tasks[i].result >= 0, "%s: thread %d has one", T, i);
		close(tasks[i].result);
		close(clients[i]);
	}

	/* Everything may be over before accept(). */
	clients[0] = vm_socket(type);
	must(-connect_to(clients[0], listener));
	is_int(send(clients[0], "abc", 3, 0), 3, "%s: data before accept", T);
	close(clients[0]);
	server = vm_accept(listener);
	call_ok(server, "%s: accept after the client closed", T);
	is_int(recv(server, buffer, 8, 0), 3, "%s: its data is there", T);
	is_int(recv(server, buffer, 8, 0), 0, "%s: and then its end", T);
	close(server);

	/* The server's socket does not need the listener. */
	clients[0] = vm_socket(type);
	must(-connect_to(clients[0], listener));
	server = must(vm_accept(listener));
	i = vm_port(listener);
	close(listener);
	is_errno(vm_echo(clients[0], server), 0, "%s: a connection outlives the listener", T);
	clients[1] = vm_socket(type);
	is_errno(vm_connect(clients[1], VMADDR_CID_LOCAL, i), ECONNRESET, "%s: which is gone", T);
	listener = vm_socket(type);
	is_errno(vm_bind(listener, VMADDR_CID_ANY, i), 0, "%s: its port is free", T);
	must(listen(listener, 1));
	is_errno(vm_connect(clients[1], VMADDR_CID_LOCAL, i), 0, "%s: for another listener", T);
	close(clients[0]);
	close(clients[1]);
	close(server);
	close(listener);
}

static void check_after_shutdown(void)
{
	int listener = vm_listen(type), fd = vm_socket(type);

	must(-connect_to(fd, listener));
	must(shutdown(fd, SHUT_RDWR));
	is_errno(connect_to(fd, listener), EINVAL, "%s: connect after shutdown", T);
	is_errno(errno_of(getpeername(fd, (struct sockaddr *)&(struct sockaddr_vm){},
				      &(socklen_t){sizeof(struct sockaddr_vm)})),
		 ENOTCONN, "%s: the peer's name after shutdown", T);
	close(fd);
	close(listener);
}

#define MANY 100

static void check_many(void)
{
	int listener = vm_listen(type), clients[MANY], server[MANY], i, bad = 0;

	must(listen(listener, MANY));
	for (i = 0; i < MANY; i++) {
		clients[i] = vm_socket(type);
		bad += !!connect_to(clients[i], listener);
	}
	is_int(bad, 0, "%s: %d connections", T, MANY);
	for (i = 0; i < MANY; i++)
		server[i] = must(vm_accept(listener));
	for (i = 0; i < MANY; i++)
		bad += !!vm_echo(clients[i], server[i]) ||
		       vm_peer(server[i]).svm_port != vm_port(clients[i]);
	is_int(bad, 0, "%s: all talk", T);
	for (i = 0; i < MANY; i++) {
		close(clients[i]);
		close(server[i]);
	}
	close(listener);
}

int main(void)
{
	watchdog(90);
	for_each_type(type) {
		check_create();
		check_good();
		check_refused();
		check_nonblock();
		check_backlog();
		check_accept();
		check_after_shutdown();
		check_many();
	}
	return done();
}
