/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sk_error_report() for kernels where the callback is called directly;
 * sock_get_timeout() and sock_copy_user_timeval() for kernels that keep theirs
 * to themselves (src/compat/timeout.c).
 */
#ifndef VNS_COMPAT_NET_SOCK_H
#define VNS_COMPAT_NET_SOCK_H

#include_next <net/sock.h>

#ifndef HAVE_SK_ERROR_REPORT
static inline void sk_error_report(struct sock *sk)
{
	sk->sk_error_report(sk);
}
#endif

#ifndef HAVE_SOCK_GET_TIMEOUT
int vns_sock_get_timeout(long timeout, void *value, bool old_layout);
int vns_sock_copy_user_timeval(struct __kernel_sock_timeval *tv,
			       sockptr_t value, int len, bool old_layout);
#define sock_get_timeout vns_sock_get_timeout
#define sock_copy_user_timeval vns_sock_copy_user_timeval
#endif

#endif /* VNS_COMPAT_NET_SOCK_H */
