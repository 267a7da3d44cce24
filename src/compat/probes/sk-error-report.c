// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is there an inline-able sk_error_report()?
 * Changed: 5.14 brought it
 * exported: sk_error_report
 */
#include <net/sock.h>

void probe_report(struct sock *sk);
void probe_report(struct sock *sk)
{
	sk_error_report(sk);
}
