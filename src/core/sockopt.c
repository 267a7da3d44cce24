// SPDX-License-Identifier: GPL-2.0-only
/* SO_VM_SOCKETS_* options and SO_RCVLOWAT. */
#include <linux/compat.h>
#include <linux/errno.h>
#include <linux/uaccess.h>
#include <linux/vm_sockets.h>

#include "core/socket.h"

/**
 * vns_buffer_size_set() - change SO_VM_SOCKETS_BUFFER_SIZE
 * @vs: the socket
 * @size: bytes; brought between the socket's minimum and maximum
 *
 * Context: socket lock held.
 */
void vns_buffer_size_set(struct vns_sock *vs, u64 size)
{
	struct vsock_sock *vsk = &vs->vsk;

	/* The maximum last: it wins over a minimum that was set above it. */
	size = max(size, vsk->buffer_min_size);
	size = min(size, vsk->buffer_max_size);

	if (size != vsk->buffer_size && vs->transport &&
	    vs->transport->buffer_size)
		vs->transport->buffer_size(vs, &size);
	WRITE_ONCE(vsk->buffer_size, size);
}

/* In jiffies, or an error. */
static long read_timeout(sockptr_t value, unsigned int len, bool old_layout)
{
	struct __kernel_sock_timeval tv;
	long timeout;
	int err;

	err = sock_copy_user_timeval(&tv, value, len, old_layout);
	if (err)
		return err;
	if (tv.tv_sec < 0 || tv.tv_usec < 0)
		return -EDOM;
	if (tv.tv_usec >= USEC_PER_SEC ||
	    tv.tv_sec >= MAX_SCHEDULE_TIMEOUT / HZ - 1)
		return -ERANGE;

	timeout = tv.tv_sec * HZ +
		  DIV_ROUND_UP((long)tv.tv_usec, USEC_PER_SEC / HZ);

	return timeout ?: VNS_DEFAULT_CONNECT_TIMEOUT;
}

static void set_buffer_option(struct vns_sock *vs, int name, u64 size)
{
	struct vsock_sock *vsk = &vs->vsk;

	switch (name) {
	case SO_VM_SOCKETS_BUFFER_SIZE:
		break;
	case SO_VM_SOCKETS_BUFFER_MAX_SIZE:
		vsk->buffer_max_size = size;
		size = vsk->buffer_size;
		break;
	case SO_VM_SOCKETS_BUFFER_MIN_SIZE:
		vsk->buffer_min_size = size;
		size = vsk->buffer_size;
		break;
	}
	vns_buffer_size_set(vs, size);
}

static int set_zerocopy(struct vns_sock *vs, sockptr_t value, unsigned int len)
{
	struct sock *sk = vns_sock_sk(vs);
	int err = 0;
	int on;

	if (len < sizeof(on) || len > INT_MAX)
		return -EINVAL;
	if (copy_from_sockptr(&on, value, sizeof(on)))
		return -EFAULT;
	if (on < 0 || on > 1)
		return -EINVAL;

	lock_sock(sk);
	if (vs->transport && !vns_zerocopy_allowed(vs))
		err = -EOPNOTSUPP;
	else
		sock_valbool_flag(sk, SOCK_ZEROCOPY, on);
	release_sock(sk);

	return err;
}

/**
 * vns_setsockopt() - proto_ops.setsockopt
 * @sock: the socket
 * @level: AF_VSOCK, or SOL_SOCKET where vns_want_sol_socket() works
 * @name: SO_VM_SOCKETS_* or SO_*
 * @value: the value
 * @len: its length
 *
 * Return: 0, -ENOPROTOOPT, -EINVAL, -EFAULT, -EDOM, -ERANGE, -EOPNOTSUPP for
 *	SO_ZEROCOPY on a transport that cannot do it, or what other SO_* give.
 */
int vns_setsockopt(struct socket *sock, int level, int name, sockptr_t value,
		   unsigned int len)
{
	struct sock *sk = sock->sk;
	struct vns_sock *vs = vns_sk(sk);
	u64 size = 0;
	long timeout;

	if (level == SOL_SOCKET)
		return name == SO_ZEROCOPY ?
		       set_zerocopy(vs, value, len) :
		       sock_setsockopt(sock, level, name, value, len);
	if (level != AF_VSOCK)
		return -ENOPROTOOPT;

	switch (name) {
	case SO_VM_SOCKETS_BUFFER_SIZE:
	case SO_VM_SOCKETS_BUFFER_MIN_SIZE:
	case SO_VM_SOCKETS_BUFFER_MAX_SIZE:
		if (len < sizeof(size) || len > INT_MAX)
			return -EINVAL;
		if (copy_from_sockptr(&size, value, sizeof(size)))
			return -EFAULT;
		lock_sock(sk);
		set_buffer_option(vs, name, size);
		release_sock(sk);
		return 0;
	case SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD:
	case SO_VM_SOCKETS_CONNECT_TIMEOUT_NEW:
		if (len > INT_MAX)
			return -EINVAL;
		timeout = read_timeout(value, len,
				name == SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD);
		if (timeout < 0)
			return timeout;
		WRITE_ONCE(vs->vsk.connect_timeout, timeout);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/**
 * vns_getsockopt() - proto_ops.getsockopt
 * @sock: the socket
 * @level: AF_VSOCK
 * @name: SO_VM_SOCKETS_*
 * @value: where the value goes
 * @len: room for it, and then its length
 *
 * Return: 0, -ENOPROTOOPT, -EINVAL when there is not room enough, -EFAULT.
 */
int vns_getsockopt(struct socket *sock, int level, int name,
		   char __user *value, int __user *len)
{
	const struct vsock_sock *vsk = vsock_sk(sock->sk);
	union {
		u64 size;
		struct __kernel_sock_timeval tv;
		struct __kernel_old_timeval old_tv;
	} out = {};
	int size = sizeof(out.size);
	int room;

	if (level != AF_VSOCK)
		return -ENOPROTOOPT;
	if (get_user(room, len))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;

	switch (name) {
	case SO_VM_SOCKETS_BUFFER_SIZE:
		out.size = READ_ONCE(vsk->buffer_size);
		break;
	case SO_VM_SOCKETS_BUFFER_MIN_SIZE:
		out.size = READ_ONCE(vsk->buffer_min_size);
		break;
	case SO_VM_SOCKETS_BUFFER_MAX_SIZE:
		out.size = READ_ONCE(vsk->buffer_max_size);
		break;
	case SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD:
	case SO_VM_SOCKETS_CONNECT_TIMEOUT_NEW:
		size = sock_get_timeout(READ_ONCE(vsk->connect_timeout), &out,
				name == SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD);
		break;
	default:
		return -ENOPROTOOPT;
	}

	if (room < size)
		return -EINVAL;
	if (copy_to_user(value, &out, size) || put_user(size, len))
		return -EFAULT;

	return 0;
}

/**
 * vns_set_rcvlowat() - proto_ops.set_rcvlowat
 * @sk: the socket, locked by the caller
 * @val: bytes
 *
 * Return: 0, -EINVAL when the buffer could never hold @val, or the transport's
 *	error.
 */
int vns_set_rcvlowat(struct sock *sk, int val)
{
	struct vns_sock *vs = vns_sk(sk);
	int err;

	if (val > vs->vsk.buffer_size)
		return -EINVAL;
	if (vs->transport && vs->transport->rcvlowat) {
		err = vs->transport->rcvlowat(vs, val);
		if (err)
			return err;
	}
	WRITE_ONCE(sk->sk_rcvlowat, val ?: 1);
	/* What waits already may be enough now. */
	sk->sk_data_ready(sk);

	return 0;
}
