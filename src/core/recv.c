// SPDX-License-Identifier: GPL-2.0-only
/* recv() and its kin on SOCK_STREAM and SOCK_SEQPACKET. */
#include <linux/errno.h>
#include <linux/vm_sockets.h>

#include "core/socket.h"

static int check_recv(struct vns_sock *vs, int flags)
{
	struct sock *sk = vns_sock_sk(vs);

	if (!vs->transport || sk->sk_state != TCP_ESTABLISHED) {
		/* What a sockmap's program let pass outlives the connection. */
		if (vs->transport && vns_in_sockmap(sk) &&
		    vns_sockmap_has_data(vs, 1))
			return 1;
		/* SOCK_DONE: there was a connection, and the peer ended it. */
		return sock_flag(sk, SOCK_DONE) ? 0 : -ENOTCONN;
	}
	if (vns_is_over(vs))
		return 0;
	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		return 0;

	return 1;
}

/*
 * Nothing is there now: will there ever be?  @peer_done was read before the
 * transport was asked for data, so data sent before the peer's shutdown was
 * seen.  Return: 1 to wait, 0 for the end of the stream, or an error.
 */
static int check_more(struct vns_sock *vs, bool peer_done)
{
	struct sock *sk = vns_sock_sk(vs);

	if (sk->sk_err)
		return -sk->sk_err;
	if (peer_done || (sk->sk_shutdown & RCV_SHUTDOWN))
		return 0;
	if (sk->sk_state != TCP_ESTABLISHED)
		return sock_flag(sk, SOCK_DONE) ? 0 : -ENOTCONN;

	return 1;
}

static ssize_t recv_once(struct vns_sock *vs, struct vns_io *io)
{
	if (vns_in_sockmap(vns_sock_sk(vs)))
		return vns_sockmap_recv(vs, io);
	return vs->transport->recv(vs, io);
}

/* One message, or whatever is there of a stream: -EAGAIN never gets out. */
static ssize_t recv_some(struct vns_sock *vs, struct vns_io *io, long *timeout)
{
	bool peer_done;
	ssize_t n;
	int err;

	do {
		peer_done = vns_peer_is_done(vs);
		n = recv_once(vs, io);
		if (n != -EAGAIN)
			return n;
		/* Some transports notice the end only when asked for data. */
		if (!peer_done && vns_peer_is_done(vs))
			continue;
		err = check_more(vs, peer_done);
		if (err <= 0)
			return err;
		err = vns_wait(vs, io, VNS_WAIT_DATA, timeout);
		if (err)
			return err;
	} while (vns_sock_sk(vs)->sk_state == TCP_ESTABLISHED);

	/* While it slept the connection ended, and took its transport along. */
	return check_more(vs, false);
}

static ssize_t recv_stream(struct vns_sock *vs, struct vns_io *io,
			   long *timeout)
{
	const size_t len = io->len;
	ssize_t n;

	do {
		n = recv_some(vs, io, timeout);
		if (n <= 0)
			break;
		io->len -= n;
		io->target -= min_t(size_t, io->target, n);
	} while (io->target && !(io->flags & MSG_PEEK));

	return len > io->len ? len - io->len : n;
}

static ssize_t recv_message(struct vns_sock *vs, struct vns_io *io,
			    long *timeout)
{
	const size_t room = io->len;
	ssize_t n = recv_some(vs, io, timeout);

	if (n > 0 && n > room) {
		io->msg->msg_flags |= MSG_TRUNC;
		if (!(io->flags & MSG_TRUNC))
			n = room;
	}

	return n;
}

static ssize_t recv_locked(struct vns_sock *vs, struct msghdr *msg, size_t len,
			   int flags)
{
	struct sock *sk = vns_sock_sk(vs);
	long timeout = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);
	struct vns_io io = {
		.msg = msg,
		.len = len,
		.target = sock_rcvlowat(sk, flags & MSG_WAITALL, len),
		.flags = flags,
	};
	int err;

	if (vns_is_seqpacket(vs))
		return recv_message(vs, &io, &timeout);

	/* It could never be there all at once. */
	if (vs->transport->rcvhiwat &&
	    io.target >= vs->transport->rcvhiwat(vs))
		return -ENOMEM;
	if (vs->transport->io_begin) {
		err = vs->transport->io_begin(vs, &io, false);
		if (err)
			return err;
	}

	return recv_stream(vs, &io, &timeout);
}

/**
 * vns_connectible_recvmsg() - proto_ops.recvmsg
 * @sock: the socket
 * @msg: where the data goes
 * @len: room for it
 * @flags: MSG_*
 *
 * Return: bytes received, 0 at the end of the stream, or the errors of recv(2).
 */
int vns_connectible_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
			    int flags)
{
	struct sock *sk = sock->sk;
	struct vns_sock *vs = vns_sk(sk);
	ssize_t ret;

	if (unlikely(flags & MSG_ERRQUEUE))
		return sock_recv_errqueue(sk, msg, len, SOL_VSOCK,
					  VSOCK_RECVERR);

	lock_sock(sk);
	ret = check_recv(vs, flags);
	if (ret > 0)
		ret = len ? recv_locked(vs, msg, len, flags) : 0;
	vs->streak += vs->streak < U8_MAX;
	release_sock(sk);

	return ret;
}
