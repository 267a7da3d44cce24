/* SPDX-License-Identifier: GPL-2.0-only */
/* A connection as the files of the far side know it. */
#ifndef TEST_FAR_CONN_H
#define TEST_FAR_CONN_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>

#include "far_side.h"

/**
 * struct far_conn - vsock_sock.trans: a socket, and the far side of it
 * @far: the transport
 * @kref: the socket's, and the work's
 * @work: what the far side does
 * @sk: the socket
 * @service: what the far side is
 * @up: the connection stands
 * @we_ended: the socket sends no more
 * @far_ended: the far side sends no more
 * @out: what the socket sent and the far side has not taken yet
 * @in: what the far side sent and the socket has not received yet
 * @out_bytes: in @out
 * @in_bytes: in @in
 * @in_messages: whole messages in @in
 * @bound: SOCK_DGRAM: in the list of bound sockets
 * @resource: SOCK_DGRAM: the number that it is bound to
 *
 * Protected by the socket lock, but for the last two (far_dgram.c).
 */
struct far_conn {
	struct far_side *far;
	struct kref kref;
	struct work_struct work;
	struct sock *sk;
	u32 service;
	bool up;
	bool we_ended;
	bool far_ended;
	struct sk_buff_head out;
	struct sk_buff_head in;
	size_t out_bytes;
	size_t in_bytes;
	u32 in_messages;
	struct list_head bound;
	u32 resource;
};

/* In a buffer's cb: it ends a message; who sent a datagram. */
struct far_cb {
	bool ends_message;
	u32 cid;
	u32 port;
};

static inline struct far_cb *far_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct far_cb) > sizeof(skb->cb));
	return (struct far_cb *)skb->cb;
}

static inline struct far_conn *far_conn(struct vsock_sock *vsk)
{
	return vsk->trans;
}

/* The connection of @vsk, the call of a hook counted. */
#define far_called(vsk, name) \
	(atomic_inc(&far_conn(vsk)->far->calls[HOOK_##name]), far_conn(vsk))

struct sk_buff *far_copy(struct msghdr *msg, size_t len);
void far_wake(struct far_conn *conn);
void far_serve(struct far_conn *conn);
void far_established(struct far_conn *conn);
void far_dgram_unbind(struct far_conn *conn);

#endif /* TEST_FAR_CONN_H */
