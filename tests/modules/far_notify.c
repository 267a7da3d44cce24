// SPDX-License-Identifier: GPL-2.0-only
/*
 * The notify hooks, which check their own order: each call of send or receive
 * begins with an init, every step in between has a before and an after, and the
 * state that they keep over a call is neither lost nor another's.
 */
#include <linux/module.h>

#include "far_conn.h"

#define FAR_DEQUEUEING	1
#define FAR_ENQUEUEING	2

/* Both kinds of state begin with two words. */
static u64 mark(const struct far_conn *conn)
{
	return (uintptr_t)conn ^ 0x5a5a5a5a5a5aULL;
}

int far_recv_init(struct vsock_sock *vsk, size_t target,
		  struct vsock_transport_recv_notify_data *data)
{
	WARN_ON(data->data1 || data->data2 || !target);
	data->data1 = mark(far_called(vsk, notify_recv_init));
	return 0;
}
EXPORT_SYMBOL_GPL(far_recv_init);

int far_recv_pre_block(struct vsock_sock *vsk, size_t target,
		       struct vsock_transport_recv_notify_data *data)
{
	struct far_conn *conn = far_called(vsk, notify_recv_pre_block);

	WARN_ON(data->data1 != mark(conn) || data->data2);
	/* Who could receive does not sleep. */
	WARN_ON(conn->in_bytes);
	return 0;
}
EXPORT_SYMBOL_GPL(far_recv_pre_block);

int far_recv_pre_dequeue(struct vsock_sock *vsk, size_t target,
			 struct vsock_transport_recv_notify_data *data)
{
	struct far_conn *conn = far_called(vsk, notify_recv_pre_dequeue);

	WARN_ON(data->data1 != mark(conn) || data->data2);
	data->data2 = FAR_DEQUEUEING;
	return 0;
}
EXPORT_SYMBOL_GPL(far_recv_pre_dequeue);

int far_recv_post_dequeue(struct vsock_sock *vsk, size_t target,
			  ssize_t copied, bool data_read,
			  struct vsock_transport_recv_notify_data *data)
{
	struct far_conn *conn = far_called(vsk, notify_recv_post_dequeue);

	WARN_ON(data->data1 != mark(conn) || data->data2 != FAR_DEQUEUEING);
	WARN_ON(copied < 0);
	data->data2 = 0;
	return 0;
}
EXPORT_SYMBOL_GPL(far_recv_post_dequeue);

int far_send_init(struct vsock_sock *vsk,
		  struct vsock_transport_send_notify_data *data)
{
	WARN_ON(data->data1 || data->data2);
	data->data1 = mark(far_called(vsk, notify_send_init));
	return 0;
}
EXPORT_SYMBOL_GPL(far_send_init);

int far_send_pre_block(struct vsock_sock *vsk,
		       struct vsock_transport_send_notify_data *data)
{
	struct far_conn *conn = far_called(vsk, notify_send_pre_block);

	WARN_ON(data->data1 != mark(conn) || data->data2);
	WARN_ON(conn->out_bytes < conn->far->room);
	return 0;
}
EXPORT_SYMBOL_GPL(far_send_pre_block);

int far_send_pre_enqueue(struct vsock_sock *vsk,
			 struct vsock_transport_send_notify_data *data)
{
	struct far_conn *conn = far_called(vsk, notify_send_pre_enqueue);

	WARN_ON(data->data1 != mark(conn) || data->data2);
	data->data2 = FAR_ENQUEUEING;
	return 0;
}
EXPORT_SYMBOL_GPL(far_send_pre_enqueue);

int far_send_post_enqueue(struct vsock_sock *vsk, ssize_t written,
			  struct vsock_transport_send_notify_data *data)
{
	struct far_conn *conn = far_called(vsk, notify_send_post_enqueue);

	WARN_ON(data->data1 != mark(conn) || data->data2 != FAR_ENQUEUEING);
	WARN_ON(written <= 0);
	data->data2 = 0;
	return 0;
}
EXPORT_SYMBOL_GPL(far_send_post_enqueue);

int far_poll_in(struct vsock_sock *vsk, size_t target, bool *ready)
{
	struct far_conn *conn = far_called(vsk, notify_poll_in);

	/* Who counts nothing takes the end of the stream for data as well. */
	if (conn->far->counts_one)
		*ready = conn->in_bytes || conn->far_ended;
	else
		*ready = conn->in_bytes >= target;
	return 0;
}
EXPORT_SYMBOL_GPL(far_poll_in);

int far_poll_out(struct vsock_sock *vsk, size_t target, bool *ready)
{
	struct far_conn *conn = far_called(vsk, notify_poll_out);

	*ready = conn->far->room - conn->out_bytes >= target;
	return 0;
}
EXPORT_SYMBOL_GPL(far_poll_out);
