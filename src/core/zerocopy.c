// SPDX-License-Identifier: GPL-2.0-only
/* MSG_ZEROCOPY: the sender's memory is used in place, and it is told when no more. */
#include <linux/errno.h>
#include <linux/skbuff.h>
#include <linux/uio.h>

#include "core/socket.h"

/**
 * vns_zerocopy_allowed() - may MSG_ZEROCOPY be used on a socket?
 * @vs: a socket that has a transport, its socket lock held
 */
bool vns_zerocopy_allowed(const struct vns_sock *vs)
{
	const struct vns_transport *t = vs->transport;

	return t->zerocopy || (t->zerocopy_allow && t->zerocopy_allow(t));
}

/*
 * A buffer has few references, and each holds a page, also when its owner has no
 * use for it any more: to little memory each they would hold many times as much.
 */
static bool fills_pages(const struct msghdr *msg)
{
	const struct iov_iter *iter = &msg->msg_iter;

	return iov_iter_count(iter) >=
	       (size_t)iov_iter_npages(iter, INT_MAX) * (PAGE_SIZE / 2);
}

/**
 * vns_zerocopy_begin() - a send begins
 * @vs: an established socket, its socket lock held
 * @io: the call; @io->ubuf is set when its memory is to be used in place
 *
 * Without SO_ZEROCOPY the flag means nothing, as on every socket.  Memory that is
 * not a process's has an owner that waits for no notification: it is copied.
 *
 * Context: may sleep.
 * Return: 0 or -ENOBUFS: too much is locked (RLIMIT_MEMLOCK), or too many
 *	notifications wait.
 */
int vns_zerocopy_begin(struct vns_sock *vs, struct vns_io *io)
{
	struct sock *sk = vns_sock_sk(vs);

	if (!(io->flags & MSG_ZEROCOPY) || !sock_flag(sk, SOCK_ZEROCOPY) ||
	    !vs->transport->zerocopy ||
	    !user_backed_iter(&io->msg->msg_iter))
		return 0;

	io->copied = !fills_pages(io->msg);
	io->ubuf = msghdr_ubuf(io->msg);
	if (io->ubuf) {
		net_zcopy_get(io->ubuf);
		return 0;
	}
	io->ubuf = msg_zerocopy_realloc(sk, io->len, NULL);

	return io->ubuf ? 0 : -ENOBUFS;
}

/**
 * vns_zerocopy_end() - a send is over
 * @io: the call
 * @sent: some of it was sent: there will be a notification
 */
void vns_zerocopy_end(struct vns_io *io, bool sent)
{
	if (!sent)
		net_zcopy_put_abort(io->ubuf, true);
	else if (io->copied)
		ubuf_put_copied(io->ubuf);
	else
		net_zcopy_put(io->ubuf);
}
