// SPDX-License-Identifier: GPL-2.0-only
/*
 * May the caller of sendmsg() bring a zerocopy completion of its own, in struct msghdr?
 * Changed: 6.0 brought msg_ubuf, for io_uring
 */
#include <linux/socket.h>

struct ubuf_info *probe_ubuf(struct msghdr *msg);
struct ubuf_info *probe_ubuf(struct msghdr *msg)
{
	return msg->msg_ubuf;
}
