// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does a stock transport say whether it takes MSG_ZEROCOPY?
 * Changed: 6.7 brought it
 */
#include <net/af_vsock.h>

static bool probe_allow(void)
{
	return true;
}

const struct vsock_transport probe_transport = { .msgzerocopy_allow = probe_allow };
