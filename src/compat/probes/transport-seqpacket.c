// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does vsock_transport carry SEQPACKET, with seqpacket_allow(cid)?
 * Changed: 5.14 brought it; 7.0 gave seqpacket_allow the socket
 */
#include <net/sock.h>
#include <net/af_vsock.h>

static ssize_t probe_dequeue(struct vsock_sock *vsk, struct msghdr *msg, int flags)
{
	return 0;
}

static int probe_enqueue(struct vsock_sock *vsk, struct msghdr *msg, size_t len)
{
	return 0;
}

static bool probe_allow(u32 cid)
{
	return true;
}

static u32 probe_has_data(struct vsock_sock *vsk)
{
	return 0;
}

const struct vsock_transport probe_transport = {
	.seqpacket_dequeue = probe_dequeue,
	.seqpacket_enqueue = probe_enqueue,
	.seqpacket_allow = probe_allow,
	.seqpacket_has_data = probe_has_data,
};
