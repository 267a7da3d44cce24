/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels in struct vsock_transport: each function here
 * asks a stock transport something that not every kernel knows how to ask.
 */
#ifndef VNS_COMPAT_STOCK_TRANSPORT_H
#define VNS_COMPAT_STOCK_TRANSPORT_H

#include <linux/errno.h>
#include <net/af_vsock.h>

#ifdef HAVE_TRANSPORT_SEQPACKET
static inline bool stock_seqpacket_allow(const struct vsock_transport *t,
					 u32 cid)
{
	return t->seqpacket_allow && t->seqpacket_allow(cid);
}

static inline ssize_t stock_seqpacket_dequeue(struct vsock_sock *vsk,
					      struct msghdr *msg, int flags)
{
	return vsk->transport->seqpacket_dequeue(vsk, msg, flags);
}

static inline ssize_t stock_seqpacket_enqueue(struct vsock_sock *vsk,
					      struct msghdr *msg, size_t len)
{
	return vsk->transport->seqpacket_enqueue(vsk, msg, len);
}

static inline s64 stock_seqpacket_has_data(struct vsock_sock *vsk)
{
	return vsk->transport->seqpacket_has_data(vsk);
}
#else
static inline bool stock_seqpacket_allow(const struct vsock_transport *t,
					 u32 cid)
{
	return false;
}

static inline ssize_t stock_seqpacket_dequeue(struct vsock_sock *vsk,
					      struct msghdr *msg, int flags)
{
	return -EOPNOTSUPP;
}

static inline ssize_t stock_seqpacket_enqueue(struct vsock_sock *vsk,
					      struct msghdr *msg, size_t len)
{
	return -EOPNOTSUPP;
}

static inline s64 stock_seqpacket_has_data(struct vsock_sock *vsk)
{
	return 0;
}
#endif

static inline int stock_rcvlowat(struct vsock_sock *vsk, int val)
{
#if defined(HAVE_TRANSPORT_NOTIFY_SET_RCVLOWAT)
	if (vsk->transport->notify_set_rcvlowat)
		return vsk->transport->notify_set_rcvlowat(vsk, val);
#elif defined(HAVE_TRANSPORT_SET_RCVLOWAT)
	if (vsk->transport->set_rcvlowat)
		return vsk->transport->set_rcvlowat(vsk, val);
#endif
	return 0;
}

static inline ssize_t stock_unsent(struct vsock_sock *vsk)
{
#ifdef HAVE_TRANSPORT_UNSENT_BYTES
	if (vsk->transport->unsent_bytes)
		return vsk->transport->unsent_bytes(vsk);
#endif
	return -EOPNOTSUPP;
}

/* A transport that has never heard of the flag ignores it. */
static inline bool stock_msgzerocopy_allow(const struct vsock_transport *t)
{
#ifdef HAVE_TRANSPORT_MSGZEROCOPY_ALLOW
	return t->msgzerocopy_allow && t->msgzerocopy_allow();
#else
	return true;
#endif
}

/* NULL for a transport that cannot hand out buffers. */
static inline int (*stock_read_skb_of(const struct vsock_transport *t))
	(struct vsock_sock *vsk,
	 int (*actor)(struct sock *sk, struct sk_buff *skb))
{
#ifdef HAVE_VSOCK_SOCKMAP
	return t->read_skb;
#else
	return NULL;
#endif
}

#endif /* VNS_COMPAT_STOCK_TRANSPORT_H */
