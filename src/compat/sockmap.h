/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * src/core/sockmap.c, or what there is instead for kernels whose sockmaps take no
 * AF_VSOCK socket: Kbuild leaves that file out there.
 */
#ifndef VNS_COMPAT_SOCKMAP_H
#define VNS_COMPAT_SOCKMAP_H

#include <linux/init.h>
#include <linux/net.h>
#include <net/sock.h>

struct sk_psock;
struct vns_io;
struct vns_sock;

extern struct proto vns_proto;

#ifdef HAVE_VSOCK_SOCKMAP

void __init vns_sockmap_init(void);
int vns_sockmap_update_proto(struct sock *sk, struct sk_psock *psock,
			     bool restore);
int vns_sockmap_read_skb(struct sock *sk, skb_read_actor_t actor);
ssize_t vns_sockmap_recv(struct vns_sock *vs, struct vns_io *io);
bool vns_sockmap_has_data(struct vns_sock *vs, size_t target);
bool vns_sockmap_expects(struct vns_sock *vs);

/* Members of vns_proto and of the proto_ops. */
#define VNS_PROTO_SOCKMAP .psock_update_sk_prot = vns_sockmap_update_proto,
#define VNS_OP_READ_SKB .read_skb = vns_sockmap_read_skb,

/* May change at any time: who needs the psock gets it, or finds it gone. */
static inline bool vns_in_sockmap(const struct sock *sk)
{
	return unlikely(READ_ONCE(sk->sk_prot) != &vns_proto);
}

#else

#define VNS_PROTO_SOCKMAP
#define VNS_OP_READ_SKB

static inline void vns_sockmap_init(void)
{
}

static inline bool vns_in_sockmap(const struct sock *sk)
{
	return false;
}

static inline ssize_t vns_sockmap_recv(struct vns_sock *vs, struct vns_io *io)
{
	return -EAGAIN;
}

static inline bool vns_sockmap_has_data(struct vns_sock *vs, size_t target)
{
	return false;
}

static inline bool vns_sockmap_expects(struct vns_sock *vs)
{
	return false;
}

#endif

#endif /* VNS_COMPAT_SOCKMAP_H */
