// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does proto.ioctl take a kernel pointer (int *karg)?
 * Changed: 6.5 changed it from unsigned long
 */
#include <net/sock.h>

static int probe_ioctl(struct sock *sk, int cmd, int *karg)
{
	return 0;
}

const struct proto probe_proto = { .ioctl = probe_ioctl };
