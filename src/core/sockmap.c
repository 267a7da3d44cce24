// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets in a BPF sockmap or sockhash.
 *
 * A program that is attached to the map decides about each buffer that arrives:
 * to drop it, to send it out through another socket, or to let it pass, and then
 * it waits in the socket's psock until it is received.  Without a program a
 * socket in a map works as any other.
 *
 * The program is asked in sk_data_ready(), which takes buffers off the
 * transport's queue (vns_transport.read_skb).  That needs the socket lock, as
 * every receiving does: see vns_data_ready().
 */
#include <linux/errno.h>
#include <linux/skmsg.h>
#include <linux/uio.h>

#include "core/socket.h"

/*
 * Without memory for a buffer we try again after so many milliseconds, and look
 * again whether the kernel had some.
 */
#define RETRY_MS	20

/* What a socket in a map has for its sk_prot: vns_proto, but told of close(). */
static struct proto mapped_proto __read_mostly;

/**
 * vns_sockmap_init() - module init, after vns_proto was registered
 */
void __init vns_sockmap_init(void)
{
	mapped_proto = vns_proto;
	mapped_proto.close = sock_map_close;
	mapped_proto.sock_is_readable = sk_msg_is_readable;
}

/**
 * vns_sockmap_update_proto() - proto.psock_update_sk_prot
 * @sk: the socket, which its lock, or in softirqs the spinlock in it, is held of
 * @psock: what the map keeps about it
 * @restore: it left its last map
 *
 * Return: 0, -ENODEV without a transport, -EOPNOTSUPP when that cannot hand out
 *	buffers or the socket is not connected.
 */
int vns_sockmap_update_proto(struct sock *sk, struct sk_psock *psock,
			     bool restore)
{
	const struct vns_transport *t = READ_ONCE(vns_sk(sk)->transport);

	if (restore) {
		sk->sk_write_space = psock->saved_write_space;
		sock_replace_proto(sk, psock->sk_proto);
		return 0;
	}

	if (!t)
		return -ENODEV;
	/* Some kernels leave the second question to us. */
	if (!t->read_skb || sk->sk_state != TCP_ESTABLISHED)
		return -EOPNOTSUPP;
	sock_replace_proto(sk, &mapped_proto);
	/* What is there already is for the map's program as well. */
	vns_data_ready_later(sk, 0);

	return 0;
}

/**
 * vns_sockmap_read_skb() - proto_ops.read_skb
 * @sk: the socket, locked
 * @actor: takes a buffer over
 *
 * What a program let pass and nobody has received yet is bounded by SO_RCVBUF;
 * the rest stays where it counts as unread for the sender.
 *
 * Return: bytes handed to @actor, or an error when there were none.
 */
int vns_sockmap_read_skb(struct sock *sk, skb_read_actor_t actor)
{
	struct vns_sock *vs = vns_sk(sk);
	const struct vns_transport *t = vs->transport;
	const int enough = min_t(u64, vs->vsk.buffer_size, INT_MAX / 2);
	int total = 0;
	int n;

	if (!t || !t->read_skb)
		return -EOPNOTSUPP;

	do {
		if (atomic_read(&sk->sk_rmem_alloc) > READ_ONCE(sk->sk_rcvbuf))
			return total ?: -ENOBUFS;
		n = t->read_skb(vs, actor);
		/* No event will come for what is there already. */
		if (n == -ENOMEM)
			vns_data_ready_later(sk, msecs_to_jiffies(RETRY_MS));
		if (n <= 0)
			return total ?: n;
		total += n;
	} while (total < enough);

	/* Others want the lock, and the worker, too. */
	vns_data_ready_later(sk, 0);

	return total;
}

static bool has_program(const struct sk_psock *psock)
{
	return READ_ONCE(psock->saved_data_ready);
}

/* Has the program look at what arrived, up to now or to its limit. */
static void sift(struct vns_sock *vs)
{
	if (vs->transport->has_data(vs, 1))
		vns_ready_locked(vs);
}

/* Takes @len bytes out of @psock that nobody wants. */
static void discard(struct sock *sk, struct sk_psock *psock, size_t len)
{
	struct msghdr nowhere = {};

	iov_iter_discard(&nowhere.msg_iter, READ, len);
	sk_msg_recvmsg(sk, psock, &nowhere, len, 0);
}

/* A message was one buffer, and its sk_msg still is. */
static ssize_t recv_passed_message(struct vns_sock *vs, struct sk_psock *psock,
				   struct vns_io *io)
{
	const size_t len = sk_psock_peek_msg(psock)->sg.size;
	const size_t wanted = min(len, io->len);
	struct sock *sk = vns_sock_sk(vs);
	int n = sk_msg_recvmsg(sk, psock, io->msg, wanted, io->flags);
	size_t left = len - max(n, 0);

	/* As everywhere, a message that meets bad memory is lost. */
	if (left && !(io->flags & MSG_PEEK))
		discard(sk, psock, left);

	return n == wanted ? len : -EFAULT;
}

static ssize_t recv_passed(struct vns_sock *vs, struct sk_psock *psock,
			   struct vns_io *io)
{
	if (vns_is_seqpacket(vs))
		return recv_passed_message(vs, psock, io);
	return sk_msg_recvmsg(vns_sock_sk(vs), psock, io->msg, io->len,
			      io->flags) ?: -EAGAIN;
}

/**
 * vns_sockmap_recv() - vns_transport.recv for a socket in a map
 * @vs: the socket, its lock held; it has a transport
 * @io: the call
 *
 * Return: as vns_transport.recv.
 */
ssize_t vns_sockmap_recv(struct vns_sock *vs, struct vns_io *io)
{
	struct sock *sk = vns_sock_sk(vs);
	struct sk_psock *psock = sk_psock_get(sk);
	ssize_t n = -EAGAIN;

	if (!psock)
		return vs->transport->recv(vs, io);

	if (has_program(psock))
		sift(vs);
	if (!sk_psock_queue_empty(psock)) {
		n = recv_passed(vs, psock, io);
		/* There is room for more. */
		if (has_program(psock))
			sift(vs);
	} else if (!has_program(psock)) {
		n = vs->transport->recv(vs, io);
	}
	sk_psock_put(sk, psock);

	return n;
}

/**
 * vns_sockmap_has_data() - vns_transport.has_data for a socket in a map
 * @vs: the socket, its lock held; it has a transport
 * @target: bytes
 *
 * What arrived but was not shown to the program yet does not count: nobody knows
 * whether it will be received here.  Who sleeps is woken when it was let pass.
 */
bool vns_sockmap_has_data(struct vns_sock *vs, size_t target)
{
	struct sock *sk = vns_sock_sk(vs);
	struct sk_psock *psock = sk_psock_get(sk);
	bool ready;

	if (!psock)
		return vs->transport->has_data(vs, target);

	ready = !sk_psock_queue_empty(psock) ||
		(!has_program(psock) && vs->transport->has_data(vs, target));
	sk_psock_put(sk, psock);

	return ready;
}

/* Does a buffer that the program let pass wait for memory, or its turn? */
static bool passes_later(struct sock *sk, struct sk_psock *psock)
{
	struct sk_buff *skb;
	unsigned long flags;
	bool found = false;

	if (!sk_psock_test_state(psock, SK_PSOCK_TX_ENABLED))
		return false;

	spin_lock_irqsave(&psock->ingress_skb.lock, flags);
	skb_queue_walk(&psock->ingress_skb, skb) {
		/* Others' buffers wait there to be sent. */
		found = skb->sk == sk;
		if (found)
			break;
	}
	spin_unlock_irqrestore(&psock->ingress_skb.lock, flags);

	return found;
}

/**
 * vns_sockmap_expects() - may something become receivable that has arrived?
 * @vs: a socket in a map, its lock held; it has a transport
 *
 * Then the peer's end is not the end yet.  Whoever sleeps is woken when it is
 * decided: see vns_ready_locked().
 */
bool vns_sockmap_expects(struct vns_sock *vs)
{
	struct sock *sk = vns_sock_sk(vs);
	struct sk_psock *psock = sk_psock_get(sk);
	bool expects;

	if (!psock)
		return false;
	expects = passes_later(sk, psock);
	/* When that has passed, the kernel tells of data but not of the end. */
	if (expects)
		vns_data_ready_later(sk, msecs_to_jiffies(RETRY_MS));
	else
		expects = has_program(psock) && vs->transport->has_data(vs, 1);
	sk_psock_put(sk, psock);

	return expects;
}
