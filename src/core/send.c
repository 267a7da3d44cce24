// SPDX-License-Identifier: GPL-2.0-only
/* send() and its kin on SOCK_STREAM and SOCK_SEQPACKET. */
#include <linux/errno.h>

#include "core/socket.h"

static bool is_connected(struct vns_sock *vs)
{
	return vs->transport && vns_sock_sk(vs)->sk_state == TCP_ESTABLISHED &&
	       !vns_is_over(vs);
}

static int check_send(struct vns_sock *vs, const struct msghdr *msg)
{
	struct sock *sk = vns_sock_sk(vs);

	if (msg->msg_flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (msg->msg_namelen)
		return is_connected(vs) ? -EISCONN : -EOPNOTSUPP;
	if (vns_send_is_shut(vs))
		return -EPIPE;
	if (!vs->transport || sk->sk_state != TCP_ESTABLISHED)
		return -ENOTCONN;
	if (msg->msg_flags & MSG_ZEROCOPY && !vns_zerocopy_allowed(vs))
		return -EOPNOTSUPP;

	return 0;
}

static ssize_t send_all(struct vns_sock *vs, struct msghdr *msg, size_t len)
{
	struct sock *sk = vns_sock_sk(vs);
	long timeout = sock_sndtimeo(sk, msg->msg_flags & MSG_DONTWAIT);
	struct vns_io io = {
		.msg = msg,
		.len = len,
		.target = 1,
		.flags = msg->msg_flags,
	};
	ssize_t n;
	int err = 0;

	if (unlikely(io.flags & MSG_ZEROCOPY))
		err = vns_zerocopy_begin(vs, &io);
	if (!err && vs->transport->io_begin)
		err = vs->transport->io_begin(vs, &io, true);

	while (!err && io.len) {
		n = vs->transport->send(vs, &io);
		if (n >= 0) {
			io.len -= n;
			continue;
		}
		err = n;
		if (err != -EAGAIN)
			break;
		err = vns_wait(vs, &io, VNS_WAIT_SPACE, &timeout);
		/* While it slept, everything may have changed. */
		if (!err)
			err = sk->sk_err ? -sk->sk_err :
			      check_send(vs, msg);
	}

	if (unlikely(io.ubuf))
		vns_zerocopy_end(&io, io.len != len);

	/* Part of a stream is a success, part of a message is not. */
	if (err && (vns_is_seqpacket(vs) || io.len == len))
		return err;

	return len - io.len;
}

/**
 * vns_connectible_sendmsg() - proto_ops.sendmsg
 * @sock: the socket
 * @msg: what to send
 * @len: its length
 *
 * Return: bytes sent, or the errors of send(2).
 */
int vns_connectible_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct sock *sk = sock->sk;
	struct vns_sock *vs = vns_sk(sk);
	ssize_t ret;

	lock_sock(sk);
	vs->streak = 0;
	ret = check_send(vs, msg);
	if (!ret && len)
		ret = send_all(vs, msg, len);
	if (ret == -EPIPE && sk->sk_type == SOCK_STREAM)
		ret = sk_stream_error(sk, msg->msg_flags, ret);
	release_sock(sk);

	return ret;
}
