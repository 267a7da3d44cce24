// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does sk_wait_event() go with a wait_woken() entry?
 * Changed: 4.10 made it so
 * exported: woken_wake_function wait_woken
 */
#include <net/sock.h>
#include <linux/wait.h>

int probe_wait(struct sock *sk, long timeo);
int probe_wait(struct sock *sk, long timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	return sk_wait_event(sk, &timeo, sk->sk_err, &wait);
}
