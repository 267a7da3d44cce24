/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What both machines of the sibling test bed speak: a listener says who it is and
 * whom it sees, then repeats what it gets; a caller says in words what it met.
 */
#ifndef SIBLING_H
#define SIBLING_H

#include "vsock_test.h"

#define CID_A		3
#define CID_B		4
#define CID_UNUSED	77

/* Of the sibling, and of listeners that are asked for by any CID. */
#define PORT_TALK	1234
/* Of the sibling: takes everything, says how much of it was right. */
#define PORT_TAKE	1235
/* Of the sibling: gives TRANSFER bytes. */
#define PORT_GIVE	1236
/* Of the sibling: gets the number of a port of A's, calls it, says what it met. */
#define PORT_CALL	1237
/* Of the host: the same; and one that ends the hypervisor's side. */
#define PORT_HOST_CALL	1238
#define PORT_HOST_KILL	1239

#define TRANSFER	(16 << 20)
/* More at a time does not get from one machine to the other. */
#define CHUNK		2048

/* A line without its end, or what there is of it. */
static TAP_UNUSED void read_line(int fd, char *line, size_t size)
{
	size_t len = 0;

	while (len < size - 1 && recv(fd, line + len, 1, 0) == 1 && line[len] != '\n')
		len++;
	line[len] = '\0';
}

static TAP_UNUSED void write_line(int fd, const char *format, ...)
{
	char line[128];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	send(fd, line, len, MSG_NOSIGNAL);
}

/* What a caller met, in words: "B sees 3, peer 4+flag", or the error's name. */
static TAP_UNUSED void meet(int fd, int err, char *words, size_t size)
{
	char greeting[64], echo[4] = "";
	struct sockaddr_vm peer;

	if (err) {
		snprintf(words, size, "%s", strerrorname_np(err));
		return;
	}
	peer = vm_peer(fd);
	read_line(fd, greeting, sizeof(greeting));
	write_line(fd, "echo");
	if (recv(fd, echo, sizeof(echo), MSG_WAITALL) != sizeof(echo) || memcmp(echo, "echo", 4))
		snprintf(words, size, "%s, but no echo", greeting);
	else
		snprintf(words, size, "%s, peer %u%s", greeting, peer.svm_cid,
			 peer.svm_flags & VMADDR_FLAG_TO_HOST ? "+flag" : "");
}

/* Sends, or checks, the transfer. */
static TAP_UNUSED bool give(int fd)
{
	char chunk[CHUNK];

	for (size_t done = 0; done < TRANSFER; done += sizeof(chunk)) {
		data_fill(chunk, sizeof(chunk), done);
		if (send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL) != sizeof(chunk))
			return false;
	}
	return true;
}

/* How many bytes came, all of them right; -1 when one was wrong. */
static TAP_UNUSED long take(int fd)
{
	static char buffer[65536];
	long done = 0;
	ssize_t n;

	while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
		if (data_check(buffer, n, done) >= 0)
			return -1;
		done += n;
	}
	return done;
}

struct listener {
	const char *name;
	int fd;
	/* The last who came, and how many. */
	struct sockaddr_vm from;
	atomic_int came;
};

/* Until the caller ends it, however long it is silent. */
static void *talk(void *arg)
{
	int fd = (intptr_t)arg;
	char buffer[1024];
	ssize_t n;

	while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0)
		send(fd, buffer, n, MSG_NOSIGNAL);
	close(fd);
	return NULL;
}

static void *talk_thread(void *arg)
{
	struct listener *l = arg;
	pthread_t thread;
	int fd;

	for (;;) {
		fd = accept(l->fd, NULL, NULL);
		if (fd < 0)
			continue;
		l->from = vm_peer(fd);
		l->came++;
		write_line(fd, "%s sees %u\n", l->name, l->from.svm_cid);
		must(-pthread_create(&thread, NULL, talk, (void *)(intptr_t)fd));
		pthread_detach(thread);
	}
	return NULL;
}

/* For good: whoever calls that port of the namespace meets it. */
static TAP_UNUSED void listener_start(struct listener *l, int ns, unsigned int port)
{
	pthread_t thread;

	l->fd = vm_socket_in(ns, SOCK_STREAM);
	must(-vm_bind(l->fd, VMADDR_CID_ANY, port));
	must(listen(l->fd, 16));
	set_timeout(l->fd, SO_RCVTIMEO, 0);
	must(-pthread_create(&thread, NULL, talk_thread, l));
}

#endif /* SIBLING_H */
