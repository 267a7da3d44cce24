// SPDX-License-Identifier: GPL-2.0-only
/*
 * Are sock_get_timeout() and sock_copy_user_timeval() there for SO_*TIMEO-like options?
 * Changed: 5.16 brought them
 * exported: sock_get_timeout sock_copy_user_timeval
 */
#include <net/sock.h>

int probe_timeout(struct __kernel_sock_timeval *tv, sockptr_t value, int len);
int probe_timeout(struct __kernel_sock_timeval *tv, sockptr_t value, int len)
{
	return sock_copy_user_timeval(tv, value, len, false) ?: sock_get_timeout(1, tv, false);
}
