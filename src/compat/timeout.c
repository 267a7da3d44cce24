// SPDX-License-Identifier: GPL-2.0-only
/* Timeouts in socket options, for kernels that do not export theirs. */
#include <linux/compat.h>
#include <linux/errno.h>
#include <linux/sockptr.h>
#include <linux/time.h>
#include <net/sock.h>

#ifndef HAVE_SOCK_GET_TIMEOUT

static bool is_32_bit(bool old_layout)
{
	return old_layout && in_compat_syscall() && !COMPAT_USE_64BIT_TIME;
}

/**
 * vns_sock_get_timeout() - write a timeout the way getsockopt() shows it
 * @timeout: jiffies; MAX_SCHEDULE_TIMEOUT shows as zero
 * @value: where it goes; room for struct __kernel_sock_timeval
 * @old_layout: the caller asked by an option's old name
 *
 * Return: bytes written.
 */
int vns_sock_get_timeout(long timeout, void *value, bool old_layout)
{
	struct __kernel_sock_timeval tv = {};

	if (timeout != MAX_SCHEDULE_TIMEOUT) {
		tv.tv_sec = timeout / HZ;
		tv.tv_usec = (timeout % HZ) * (USEC_PER_SEC / HZ);
	}

	if (is_32_bit(old_layout)) {
		struct old_timeval32 *tv32 = value;

		tv32->tv_sec = tv.tv_sec;
		tv32->tv_usec = tv.tv_usec;
		return sizeof(*tv32);
	}
	if (old_layout) {
		struct __kernel_old_timeval *old = value;

		old->tv_sec = tv.tv_sec;
		old->tv_usec = tv.tv_usec;
		return sizeof(*old);
	}
	*(struct __kernel_sock_timeval *)value = tv;

	return sizeof(tv);
}

/**
 * vns_sock_copy_user_timeval() - read a timeout that setsockopt() was given
 * @tv: where it goes
 * @value: the option's value
 * @len: its length
 * @old_layout: the caller used an option's old name
 *
 * Return: 0, -EINVAL when @len is too small, -EFAULT.
 */
int vns_sock_copy_user_timeval(struct __kernel_sock_timeval *tv,
			       sockptr_t value, int len, bool old_layout)
{
	struct __kernel_old_timeval old;
	struct old_timeval32 tv32;

	if (is_32_bit(old_layout)) {
		if (len < sizeof(tv32))
			return -EINVAL;
		if (copy_from_sockptr(&tv32, value, sizeof(tv32)))
			return -EFAULT;
		tv->tv_sec = tv32.tv_sec;
		tv->tv_usec = tv32.tv_usec;
		return 0;
	}
	if (old_layout) {
		if (len < sizeof(old))
			return -EINVAL;
		if (copy_from_sockptr(&old, value, sizeof(old)))
			return -EFAULT;
		tv->tv_sec = old.tv_sec;
		tv->tv_usec = old.tv_usec;
		return 0;
	}
	if (len < sizeof(*tv))
		return -EINVAL;

	return copy_from_sockptr(tv, value, sizeof(*tv)) ? -EFAULT : 0;
}

#endif /* !HAVE_SOCK_GET_TIMEOUT */
