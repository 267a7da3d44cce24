/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What goes through a connection between a virtual machine and its host, the same at both ends: bytes and messages that
 * prove themselves.  Everything returns 0 or an error: EILSEQ for wrong data, ENODATA for too little or too much.
 */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/vm_sockets.h>

#define TRAFFIC_UNUSED __attribute__((unused))

/* Where guest-agent listens: for orders by stream and by message, and to say who it is. */
#define TRAFFIC_STREAM_PORT 1000
#define TRAFFIC_MESSAGE_PORT 1001
#define TRAFFIC_NAME_PORT 1234

/* An order, a line of text, is the first thing that goes through a connection. */
#define TRAFFIC_ORDER_MAX 128

/* A prime: no packet, buffer or page that is lost, doubled or exchanged leaves the data as it should be. */
#define TRAFFIC_PERIOD 65521
#define TRAFFIC_CHUNK 65536
#define TRAFFIC_MESSAGE_MAX 100000

/* Comparing with memory is cheap also where every instruction is emulated twice. */
static unsigned char traffic_data[TRAFFIC_PERIOD + TRAFFIC_MESSAGE_MAX];

/* Before everything else, once. */
static TRAFFIC_UNUSED void traffic_prepare(void)
{
	uint32_t random = 2463534242u;
	size_t i;

	for (i = 0; i < TRAFFIC_PERIOD; i++) {
		random ^= random << 13;
		random ^= random >> 17;
		random ^= random << 5;
		traffic_data[i] = random;
	}
	for (; i < sizeof(traffic_data); i++)
		traffic_data[i] = traffic_data[i - TRAFFIC_PERIOD];
}

static TRAFFIC_UNUSED int traffic_send(int fd, uint64_t bytes)
{
	uint64_t sent = 0;

	while (sent < bytes) {
		size_t len = bytes - sent < TRAFFIC_CHUNK ? bytes - sent : TRAFFIC_CHUNK;
		ssize_t n = send(fd, traffic_data + sent % TRAFFIC_PERIOD, len, MSG_NOSIGNAL);

		if (n < 0)
			return errno;
		sent += n;
	}
	return 0;
}

/* Until the peer shuts its side down. */
static TRAFFIC_UNUSED int traffic_receive(int fd, uint64_t bytes)
{
	unsigned char *buffer = malloc(TRAFFIC_CHUNK);
	uint64_t received = 0;
	int err = buffer ? 0 : ENOMEM;
	ssize_t n;

	while (!err) {
		n = recv(fd, buffer, TRAFFIC_CHUNK, 0);
		if (n < 0) {
			err = errno;
		} else if (n == 0) {
			err = received == bytes ? 0 : ENODATA;
			break;
		} else if (memcmp(buffer, traffic_data + received % TRAFFIC_PERIOD, n)) {
			err = EILSEQ;
		} else {
			received += n;
		}
	}
	free(buffer);
	return err;
}

/* Message @i: as long as this, with data from place @i on, and every third the end of a record. */
static TRAFFIC_UNUSED size_t traffic_message_len(unsigned int i)
{
	return 1 + i * 7919ull % TRAFFIC_MESSAGE_MAX;
}

static TRAFFIC_UNUSED bool traffic_message_ends_record(unsigned int i)
{
	return i % 3 == 0;
}

static TRAFFIC_UNUSED int traffic_send_messages(int fd, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		size_t len = traffic_message_len(i);
		int flags = MSG_NOSIGNAL | (traffic_message_ends_record(i) ? MSG_EOR : 0);
		ssize_t n = send(fd, traffic_data + i % TRAFFIC_PERIOD, len, flags);

		if (n < 0)
			return errno;
		if (n != (ssize_t)len)
			return EMSGSIZE;
	}
	return 0;
}

/* Until the peer shuts its side down. */
static TRAFFIC_UNUSED int traffic_receive_messages(int fd, unsigned int count)
{
	unsigned char *buffer = malloc(TRAFFIC_MESSAGE_MAX);
	struct iovec iov = { buffer, TRAFFIC_MESSAGE_MAX };
	int err = buffer ? 0 : ENOMEM;
	unsigned int i = 0;

	while (!err) {
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
		ssize_t n = recvmsg(fd, &msg, 0);

		if (n < 0) {
			err = errno;
		} else if (n == 0) {
			err = i == count ? 0 : ENODATA;
			break;
		} else if (i == count) {
			err = ENODATA;
		} else if (n != (ssize_t)traffic_message_len(i) ||
			   memcmp(buffer, traffic_data + i % TRAFFIC_PERIOD, n) ||
			   !!(msg.msg_flags & MSG_EOR) != traffic_message_ends_record(i)) {
			err = EILSEQ;
		} else {
			i++;
		}
	}
	free(buffer);
	return err;
}

static TRAFFIC_UNUSED struct sockaddr_vm traffic_address(unsigned int cid, unsigned int port)
{
	return (struct sockaddr_vm) {
		.svm_family = AF_VSOCK,
		.svm_cid = cid,
		.svm_port = port,
	};
}

/* Reads a line, or the message that it is; without its end. */
static TRAFFIC_UNUSED int traffic_read_line(int fd, char *line, size_t size)
{
	size_t len = 0;
	ssize_t n = 1;
	int type;
	socklen_t type_len = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len))
		return errno;
	while (n > 0 && len < size - 1 && (!len || line[len - 1] != '\n')) {
		n = recv(fd, line + len, type == SOCK_STREAM ? 1 : size - 1 - len, 0);
		if (n < 0)
			return errno;
		len += n;
	}
	if (!len || line[len - 1] != '\n')
		return ENODATA;
	line[len - 1] = '\0';
	return 0;
}

#endif
