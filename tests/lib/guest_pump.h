/* SPDX-License-Identifier: GPL-2.0-only */
/* Data that proves itself, through a connection between a simulated guest and the host, in one thread. */
#ifndef GUEST_PUMP_H
#define GUEST_PUMP_H

#include "guest_conn.h"

struct pump {
	struct conn *conn;
	int fd;
	uint64_t total;
	/* Of the sender's calls or packets. */
	size_t chunk;
	/* To send(). */
	int flags;
	/* What happened: bytes at the far end, packets that carried them, calls or messages that were whole. */
	uint64_t arrived, packets, messages;
	const char *wrong;
};

static unsigned char pump_buffer[1 << 20];

static size_t pump_part(const struct pump *p, uint64_t done)
{
	return p->total - done < p->chunk ? p->total - done : p->chunk;
}

/* What the guest received of it; false when nothing came. */
static bool pump_guest_receives(struct pump *p)
{
	struct packet *packet;
	bool any = false;

	while ((packet = conn_receive_within(p->conn, 0))) {
		any = true;
		if (packet->hdr.op == OP_RW) {
			if (data_check(packet->data, packet->hdr.len, p->arrived) >= 0)
				p->wrong = "wrong data";
			p->arrived += packet->hdr.len;
			p->packets++;
			p->messages += packet->hdr.flags & EOM;
			if (p->conn->type == SOCK_SEQPACKET &&
			    (p->arrived % p->chunk == 0 || p->arrived == p->total) != (packet->hdr.flags & EOM))
				p->wrong = "the end of a message is elsewhere";
			conn_consume(p->conn, packet->hdr.len);
		} else if (packet->hdr.op != OP_CREDIT_UPDATE && packet->hdr.op != OP_CREDIT_REQUEST) {
			p->wrong = packet_name(packet);
		}
		free(packet);
	}
	return any;
}

/* In a thread, for a message that finds too little credit waits in the middle. */
static long long pump_send(void *arg)
{
	struct pump *p = arg;
	uint64_t sent = 0;
	ssize_t n;

	for (; sent < p->total; sent += n) {
		size_t part = pump_part(p, sent);

		data_fill(pump_buffer, part, sent);
		n = send(p->fd, pump_buffer, part, p->flags);
		if (n < 0)
			return n;
	}
	return sent;
}

/* The host sends all of it, the guest receives. True when all arrived, and right. */
static TAP_UNUSED bool pump_to_guest(struct pump *p)
{
	struct task sender;

	p->arrived = p->packets = p->messages = 0;
	task_start(&sender, pump_send, p);
	while (p->arrived < p->total && !p->wrong)
		if (!pump_guest_receives(p) && !guest_wait(p->conn->g, RX, PATIENCE_MS))
			p->wrong = "nothing comes any more";
	if (p->wrong)
		shutdown(p->fd, SHUT_RDWR);
	if (!task_ends(&sender))
		bail_out("the sender does not come back");
	if (!p->wrong && sender.result < 0)
		p->wrong = strerrorname_np(sender.error);
	return !p->wrong;
}

/* The guest sends in packets of at most @chunk bytes, messages too; the host receives. */
static TAP_UNUSED bool pump_to_host(struct pump *p)
{
	bool messages = p->conn->type == SOCK_SEQPACKET;
	struct guest *g = p->conn->g;
	static unsigned char data[MAX_PAYLOAD];
	uint64_t sent = 0;

	p->arrived = p->packets = p->messages = 0;
	while (p->arrived < p->total && !p->wrong) {
		size_t part = pump_part(p, sent);
		bool any = false;
		ssize_t n;

		while (conn_learn_credit(p->conn, 0))
			;
		while (part && guest_has_room(g, 0) && conn_credit(p->conn) >= part) {
			data_fill(data, part, sent);
			conn_send(p->conn, OP_RW, messages ? EOM : 0, data, part);
			sent += part;
			p->packets++;
			part = pump_part(p, sent);
			any = true;
		}
		while ((n = recv(p->fd, pump_buffer, sizeof(pump_buffer), MSG_DONTWAIT)) > 0) {
			if (data_check(pump_buffer, n, p->arrived) >= 0)
				p->wrong = "wrong data";
			if (messages && (size_t)n != pump_part(p, p->arrived))
				p->wrong = "a message of another length";
			p->arrived += n;
			p->messages++;
			any = true;
		}
		if (n == 0)
			p->wrong = "the end comes too early";
		if (n < 0 && errno != EAGAIN)
			p->wrong = strerrorname_np(errno);
		if (!any && !guest_wait_either(g, RX, p->fd, POLLIN, PATIENCE_MS))
			p->wrong = "nothing comes any more";
	}
	return !p->wrong;
}

#endif
