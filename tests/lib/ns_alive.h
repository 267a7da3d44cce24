/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether a network namespace is still alive when nobody has a descriptor of it:
 * init gives it a number, which it keeps as long as something holds it.
 */
#ifndef NS_ALIVE_H
#define NS_ALIVE_H

#include "vsock_test.h"

#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

struct ns_request {
	struct nlmsghdr header;
	struct rtgenmsg body;
	char room[64];
};

static TAP_UNUSED int ns_netlink(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = must(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
	return fd;
}

static TAP_UNUSED void ns_request_add(struct ns_request *request, int type, int value)
{
	struct rtattr *attr = (void *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(sizeof(value));
	memcpy(RTA_DATA(attr), &value, sizeof(value));
	request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + RTA_LENGTH(sizeof(value));
}

/* 0 or an error; @ns is -1 when the message needs none. */
static TAP_UNUSED int ns_ask(int message, int number, int ns)
{
	struct ns_request request = {
		.header = {
			.nlmsg_type = message,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtgenmsg)),
		},
	};
	char answer[1024];
	struct nlmsghdr *header = (struct nlmsghdr *)answer;

	ns_request_add(&request, NETNSA_NSID, number);
	if (ns >= 0)
		ns_request_add(&request, NETNSA_FD, ns);
	must(send(ns_netlink(), &request, request.header.nlmsg_len, 0));
	do {
		must(recv(ns_netlink(), answer, sizeof(answer), 0));
	} while (header->nlmsg_type != NLMSG_ERROR);

	return -((struct nlmsgerr *)NLMSG_DATA(header))->error;
}

/* The number that tells a namespace from now on. */
static TAP_UNUSED int ns_tag(int ns)
{
	static int number = 100;

	if (ns_ask(RTM_NEWNSID, ++number, ns))
		bail_out("a namespace gets no number");
	return number;
}

static TAP_UNUSED bool ns_alive(int number)
{
	return ns_ask(RTM_GETNSID, number, -1) == 0;
}

/* True once it is gone; the kernel takes namespaces down in its own time. */
static TAP_UNUSED bool ns_dies(int number)
{
	long long end = now_ms() + PATIENCE_MS;

	while (ns_alive(number) && now_ms() < end)
		poll(NULL, 0, 10);
	return !ns_alive(number);
}

#endif
