// SPDX-License-Identifier: GPL-2.0-only
/*
 * Do sockmaps take AF_VSOCK sockets?  Their own transports hand out buffers then.
 * Changed: 6.4 brought it; CONFIG_BPF_SYSCALL and CONFIG_NET_SOCK_MSG
 * exported: sk_msg_recvmsg sk_msg_is_readable sk_psock_drop sock_map_close
 */
#include <linux/skmsg.h>
#include <net/sock.h>
#include <net/af_vsock.h>

static int probe_transport_read(struct vsock_sock *vsk, skb_read_actor_t actor)
{
	return 0;
}

static int probe_update(struct sock *sk, struct sk_psock *psock, bool restore)
{
	return sk_msg_recvmsg(sk, psock, NULL, 0, 0);
}

const struct vsock_transport probe_transport = { .read_skb = probe_transport_read };
struct proto probe_proto = {
	.close = sock_map_close,
	.sock_is_readable = sk_msg_is_readable,
	.psock_update_sk_prot = probe_update,
};
