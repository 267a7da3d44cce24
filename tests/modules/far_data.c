// SPDX-License-Identifier: GPL-2.0-only
/* Data of a connection: what the far side does with it, and the hooks that move it. */
#include <linux/module.h>

#include "far_conn.h"

#define FAR_CHUNK 4096

static void far_ends(struct far_conn *conn)
{
	struct sock *sk = conn->sk;

	if (conn->far_ended)
		return;
	conn->far_ended = true;
	if (!conn->far->late_end)
		WRITE_ONCE(vsock_sk(sk)->peer_shutdown,
			   vsock_sk(sk)->peer_shutdown | SEND_SHUTDOWN);
	sk->sk_state_change(sk);
}

static void say_name(struct far_conn *conn)
{
	size_t len = strlen(conn->far->name);
	struct sk_buff *skb = alloc_skb(len, GFP_KERNEL);

	if (skb) {
		skb_put_data(skb, conn->far->name, len);
		far_cb(skb)->ends_message = true;
		__skb_queue_tail(&conn->in, skb);
		conn->in_bytes += len;
		conn->in_messages++;
	}
	far_ends(conn);
}

/* Its socket lock held: the far side does what it is there for. */
void far_serve(struct far_conn *conn)
{
	struct sock *sk = conn->sk;
	bool moved = false;
	struct sk_buff *skb;

	if (conn->service == FAR_NAME) {
		if (!conn->far_ended)
			say_name(conn);
		return;
	}
	if (conn->service == FAR_END) {
		if (conn->out_bytes)
			far_ends(conn);
		return;
	}
	while ((skb = skb_peek(&conn->out)) &&
	       conn->in_bytes + skb->len <= conn->far->room) {
		__skb_unlink(skb, &conn->out);
		__skb_queue_tail(&conn->in, skb);
		conn->out_bytes -= skb->len;
		conn->in_bytes += skb->len;
		conn->in_messages += far_cb(skb)->ends_message;
		moved = true;
	}
	if (moved) {
		sk->sk_data_ready(sk);
		sk->sk_write_space(sk);
	}
	if (conn->we_ended && skb_queue_empty(&conn->out))
		far_ends(conn);
}

static void needs_channel(struct far_conn *conn)
{
	WARN_ON(conn->far->needs_channel && !conn->up && !conn->far_ended);
}

s64 far_stream_has_data(struct vsock_sock *vsk)
{
	struct far_conn *conn = far_called(vsk, stream_has_data);

	needs_channel(conn);
	if (conn->in_bytes)
		return conn->far->counts_one ? 1 : conn->in_bytes;
	if (conn->far_ended)
		WRITE_ONCE(vsk->peer_shutdown,
			   vsk->peer_shutdown | SEND_SHUTDOWN);
	return 0;
}
EXPORT_SYMBOL_GPL(far_stream_has_data);

s64 far_stream_has_space(struct vsock_sock *vsk)
{
	struct far_conn *conn = far_called(vsk, stream_has_space);

	needs_channel(conn);
	return conn->far->room - conn->out_bytes;
}
EXPORT_SYMBOL_GPL(far_stream_has_space);

/* A buffer with the next @len bytes of @msg, or an error. */
struct sk_buff *far_copy(struct msghdr *msg, size_t len)
{
	struct sk_buff *skb = alloc_skb(len, GFP_KERNEL);
	int err;

	if (!skb)
		return ERR_PTR(-ENOMEM);
	err = memcpy_from_msg(skb_put(skb, len), msg, len);
	if (err) {
		kfree_skb(skb);
		return ERR_PTR(err);
	}
	return skb;
}

/* A part of what is to be sent, as much as there is room for. */
static ssize_t enqueue(struct far_conn *conn, struct msghdr *msg, size_t len)
{
	struct sk_buff *skb;

	len = min3(len, conn->far->room - conn->out_bytes, (size_t)FAR_CHUNK);
	if (WARN_ON(!len))
		return -EAGAIN;
	skb = far_copy(msg, len);
	if (IS_ERR(skb))
		return PTR_ERR(skb);
	far_cb(skb)->ends_message = !msg_data_left(msg);
	__skb_queue_tail(&conn->out, skb);
	conn->out_bytes += len;
	far_wake(conn);

	return len;
}

ssize_t far_stream_enqueue(struct vsock_sock *vsk, struct msghdr *msg,
			   size_t len)
{
	return enqueue(far_called(vsk, stream_enqueue), msg, len);
}
EXPORT_SYMBOL_GPL(far_stream_enqueue);

int far_seqpacket_enqueue(struct vsock_sock *vsk, struct msghdr *msg,
			  size_t len)
{
	struct far_conn *conn = far_called(vsk, seqpacket_enqueue);

	return len > conn->far->room ? -EMSGSIZE : enqueue(conn, msg, len);
}
EXPORT_SYMBOL_GPL(far_seqpacket_enqueue);

static void taken(struct far_conn *conn, struct sk_buff *skb, size_t len)
{
	conn->in_bytes -= len;
	if (len < skb->len) {
		__skb_pull(skb, len);
		return;
	}
	__skb_unlink(skb, &conn->in);
	conn->in_messages -= far_cb(skb)->ends_message;
	kfree_skb(skb);
}

ssize_t far_stream_dequeue(struct vsock_sock *vsk, struct msghdr *msg,
			   size_t len, int flags)
{
	struct far_conn *conn = far_called(vsk, stream_dequeue);
	struct sk_buff *skb, *next;
	ssize_t total = 0;
	int err = 0;

	if ((flags & MSG_PEEK) && conn->far->no_peek)
		return -EOPNOTSUPP;
	skb_queue_walk_safe(&conn->in, skb, next) {
		size_t n = min_t(size_t, len - total, skb->len);

		if (!n)
			break;
		err = memcpy_to_msg(msg, skb->data, n);
		if (err)
			break;
		total += n;
		if (!(flags & MSG_PEEK))
			taken(conn, skb, n);
	}
	/* There is room for more. */
	far_wake(conn);

	return total ?: err;
}
EXPORT_SYMBOL_GPL(far_stream_dequeue);

u32 far_seqpacket_has_data(struct vsock_sock *vsk)
{
	return far_called(vsk, seqpacket_has_data)->in_messages;
}
EXPORT_SYMBOL_GPL(far_seqpacket_has_data);

/* The message's whole length, of which as much is copied as there is room for. */
ssize_t far_seqpacket_dequeue(struct vsock_sock *vsk, struct msghdr *msg,
			      int flags)
{
	struct far_conn *conn = far_called(vsk, seqpacket_dequeue);
	struct sk_buff *skb;
	ssize_t total = 0;
	bool last = false;

	if (WARN_ON(!conn->in_messages))
		return -EAGAIN;
	while (!last && (skb = skb_peek(&conn->in))) {
		size_t n = min_t(size_t, msg_data_left(msg), skb->len);

		last = far_cb(skb)->ends_message;
		total += skb->len;
		if (n && memcpy_to_msg(msg, skb->data, n))
			return -EFAULT;
		taken(conn, skb, skb->len);
	}
	far_wake(conn);

	return total;
}
EXPORT_SYMBOL_GPL(far_seqpacket_dequeue);

int far_read_skb(struct vsock_sock *vsk,
		 int (*actor)(struct sock *sk, struct sk_buff *skb))
{
	struct far_conn *conn = far_called(vsk, read_skb);
	struct sk_buff *skb = __skb_dequeue(&conn->in);

	if (!skb)
		return -EAGAIN;
	conn->in_bytes -= skb->len;
	conn->in_messages -= far_cb(skb)->ends_message;
	memset(skb->cb, 0, sizeof(skb->cb));
	far_wake(conn);

	return actor(sk_vsock(vsk), skb);
}
EXPORT_SYMBOL_GPL(far_read_skb);

ssize_t far_unsent_bytes(struct vsock_sock *vsk)
{
	return far_called(vsk, unsent_bytes)->out_bytes;
}
EXPORT_SYMBOL_GPL(far_unsent_bytes);

u64 far_stream_rcvhiwat(struct vsock_sock *vsk)
{
	return far_called(vsk, stream_rcvhiwat)->far->room + 1;
}
EXPORT_SYMBOL_GPL(far_stream_rcvhiwat);

bool far_stream_is_active(struct vsock_sock *vsk)
{
	struct far_conn *conn = far_called(vsk, stream_is_active);

	return conn->up || !conn->far->needs_channel;
}
EXPORT_SYMBOL_GPL(far_stream_is_active);

void far_buffer_size(struct vsock_sock *vsk, u64 *size)
{
	*size = min_t(u64, *size, far_called(vsk, notify_buffer_size)->far->room);
}
EXPORT_SYMBOL_GPL(far_buffer_size);

int far_set_rcvlowat(struct vsock_sock *vsk, int val)
{
	(void)far_called(vsk, set_rcvlowat);
	return 0;
}
EXPORT_SYMBOL_GPL(far_set_rcvlowat);

int far_refuse_rcvlowat(struct vsock_sock *vsk, int val)
{
	(void)far_called(vsk, set_rcvlowat);
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(far_refuse_rcvlowat);
