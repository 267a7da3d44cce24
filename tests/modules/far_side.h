/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the test transports have in common: a far side within the same kernel,
 * that answers connections, and hooks of struct vsock_transport that check the
 * order they are called in.  A broken rule is a warning in the kernel's log,
 * which fails the test.
 */
#ifndef TEST_FAR_SIDE_H
#define TEST_FAR_SIDE_H

#include <linux/moduleparam.h>
#include <linux/types.h>
#include <net/af_vsock.h>
#include <net/sock.h>

/*
 * Services of the far side.  A connection to one of these ports meets it; who
 * calls from one is it.  On any other port nobody listens.
 */
enum far_service {
	FAR_ECHO = 7,		/* sends back what it gets, and ends when we do */
	FAR_NAME = 13,		/* says the transport's name, and ends */
	FAR_SILENT = 21,	/* never answers a call, or never ends its own */
	FAR_RESET = 23,		/* resets when it gets the first byte */
	FAR_END = 25,		/* ends when it gets the first byte */
	FAR_NO_WAY = 24,	/* the transport itself fails: EHOSTUNREACH */
};

#define FAR_HOOKS(hook)							\
	hook(init) hook(destruct) hook(release) hook(cancel_pkt)	\
	hook(connect) hook(shutdown)					\
	hook(dgram_bind) hook(dgram_dequeue) hook(dgram_enqueue)	\
	hook(stream_dequeue) hook(stream_enqueue) hook(stream_has_data)	\
	hook(stream_has_space) hook(stream_rcvhiwat)			\
	hook(stream_is_active)						\
	hook(seqpacket_dequeue) hook(seqpacket_enqueue)			\
	hook(seqpacket_has_data)					\
	hook(notify_poll_in) hook(notify_poll_out)			\
	hook(notify_recv_init) hook(notify_recv_pre_block)		\
	hook(notify_recv_pre_dequeue) hook(notify_recv_post_dequeue)	\
	hook(notify_send_init) hook(notify_send_pre_block)		\
	hook(notify_send_pre_enqueue) hook(notify_send_post_enqueue)	\
	hook(notify_buffer_size) hook(set_rcvlowat)			\
	hook(unsent_bytes) hook(read_skb)

enum far_hook {
#define FAR_HOOK_NUMBER(name) HOOK_##name,
	FAR_HOOKS(FAR_HOOK_NUMBER)
	HOOK_COUNT
};

/**
 * struct far_side - a test transport, and how it differs from the others
 * @transport: its hooks
 * @name: what FAR_NAME says
 * @room: bytes that it takes in each direction before it is full
 * @needs_channel: has nothing to ask for room or data without a connection
 * @late_end: the end of the stream shows only when data is asked for
 * @counts_one: of data it knows only that there is some
 * @no_peek: MSG_PEEK is refused
 * @handshake: who calls us is pending before it is connected
 * @calls: how often each hook was called
 */
struct far_side {
	const struct vsock_transport *transport;
	const char *name;
	size_t room;
	bool needs_channel;
	bool late_end;
	bool counts_one;
	bool no_peek;
	bool handshake;
	atomic_t calls[HOOK_COUNT];
};

/* Module parameters whose argument is a struct far_side. */
extern const struct kernel_param_ops far_calls_ops;
extern const struct kernel_param_ops far_call_ops;

/* Hooks, for struct vsock_transport; .init calls far_init(). */
int far_init(struct far_side *far, struct vsock_sock *vsk);
void far_destruct(struct vsock_sock *vsk);
void far_release(struct vsock_sock *vsk);
int far_cancel_pkt(struct vsock_sock *vsk);
int far_connect(struct vsock_sock *vsk);
int far_shutdown(struct vsock_sock *vsk, int mode);
int far_dgram_bind(struct vsock_sock *vsk, struct sockaddr_vm *addr);
int far_dgram_enqueue(struct vsock_sock *vsk, struct sockaddr_vm *to,
		      struct msghdr *msg, size_t len);
int far_dgram_dequeue(struct vsock_sock *vsk, struct msghdr *msg, size_t len,
		      int flags);
int far_no_dgram_bind(struct vsock_sock *vsk, struct sockaddr_vm *addr);
int far_no_dgram_enqueue(struct vsock_sock *vsk, struct sockaddr_vm *to,
			 struct msghdr *msg, size_t len);
int far_no_dgram_dequeue(struct vsock_sock *vsk, struct msghdr *msg,
			 size_t len, int flags);
bool far_no_dgram_allow(u32 cid, u32 port);
ssize_t far_stream_dequeue(struct vsock_sock *vsk, struct msghdr *msg,
			   size_t len, int flags);
ssize_t far_stream_enqueue(struct vsock_sock *vsk, struct msghdr *msg,
			   size_t len);
s64 far_stream_has_data(struct vsock_sock *vsk);
s64 far_stream_has_space(struct vsock_sock *vsk);
u64 far_stream_rcvhiwat(struct vsock_sock *vsk);
bool far_stream_is_active(struct vsock_sock *vsk);
ssize_t far_seqpacket_dequeue(struct vsock_sock *vsk, struct msghdr *msg,
			      int flags);
int far_seqpacket_enqueue(struct vsock_sock *vsk, struct msghdr *msg,
			  size_t len);
u32 far_seqpacket_has_data(struct vsock_sock *vsk);
int far_poll_in(struct vsock_sock *vsk, size_t target, bool *ready);
int far_poll_out(struct vsock_sock *vsk, size_t target, bool *ready);
int far_recv_init(struct vsock_sock *vsk, size_t target,
		  struct vsock_transport_recv_notify_data *data);
int far_recv_pre_block(struct vsock_sock *vsk, size_t target,
		       struct vsock_transport_recv_notify_data *data);
int far_recv_pre_dequeue(struct vsock_sock *vsk, size_t target,
			 struct vsock_transport_recv_notify_data *data);
int far_recv_post_dequeue(struct vsock_sock *vsk, size_t target,
			  ssize_t copied, bool data_read,
			  struct vsock_transport_recv_notify_data *data);
int far_send_init(struct vsock_sock *vsk,
		  struct vsock_transport_send_notify_data *data);
int far_send_pre_block(struct vsock_sock *vsk,
		       struct vsock_transport_send_notify_data *data);
int far_send_pre_enqueue(struct vsock_sock *vsk,
			 struct vsock_transport_send_notify_data *data);
int far_send_post_enqueue(struct vsock_sock *vsk, ssize_t written,
			  struct vsock_transport_send_notify_data *data);
void far_buffer_size(struct vsock_sock *vsk, u64 *size);
int far_set_rcvlowat(struct vsock_sock *vsk, int val);
int far_refuse_rcvlowat(struct vsock_sock *vsk, int val);
ssize_t far_unsent_bytes(struct vsock_sock *vsk);
int far_read_skb(struct vsock_sock *vsk,
		 int (*actor)(struct sock *sk, struct sk_buff *skb));

/* The hooks that every transport has, and has alike. */
#define FAR_COMMON_HOOKS						\
	.destruct = far_destruct,					\
	.release = far_release,						\
	.connect = far_connect,						\
	.shutdown = far_shutdown,					\
	.stream_dequeue = far_stream_dequeue,				\
	.stream_enqueue = far_stream_enqueue,				\
	.stream_has_data = far_stream_has_data,				\
	.stream_has_space = far_stream_has_space,			\
	.stream_rcvhiwat = far_stream_rcvhiwat,				\
	.stream_is_active = far_stream_is_active,			\
	.notify_poll_in = far_poll_in,					\
	.notify_poll_out = far_poll_out,				\
	.notify_recv_init = far_recv_init,				\
	.notify_recv_pre_block = far_recv_pre_block,			\
	.notify_recv_pre_dequeue = far_recv_pre_dequeue,		\
	.notify_recv_post_dequeue = far_recv_post_dequeue,		\
	.notify_send_init = far_send_init,				\
	.notify_send_pre_block = far_send_pre_block,			\
	.notify_send_pre_enqueue = far_send_pre_enqueue,		\
	.notify_send_post_enqueue = far_send_post_enqueue

/* Those of a transport without datagrams. */
#define FAR_NO_DGRAM_HOOKS						\
	.dgram_bind = far_no_dgram_bind,				\
	.dgram_enqueue = far_no_dgram_enqueue,				\
	.dgram_dequeue = far_no_dgram_dequeue,				\
	.dgram_allow = far_no_dgram_allow

/* Where the hook about SO_RCVLOWAT is, if there is one. */
#if defined(HAVE_TRANSPORT_NOTIFY_SET_RCVLOWAT)
#define FAR_RCVLOWAT(hook) .notify_set_rcvlowat = hook,
#elif defined(HAVE_TRANSPORT_SET_RCVLOWAT)
#define FAR_RCVLOWAT(hook) .set_rcvlowat = hook,
#else
#define FAR_RCVLOWAT(hook)
#endif

#endif /* TEST_FAR_SIDE_H */
