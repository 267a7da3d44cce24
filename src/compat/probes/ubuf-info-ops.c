// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does a zerocopy completion have a table of operations?
 * Changed: 6.10 brought it; before, a callback
 */
#include <linux/skbuff.h>

void probe_complete(struct ubuf_info *ubuf);
void probe_complete(struct ubuf_info *ubuf)
{
	ubuf->ops->complete(NULL, ubuf, false);
}
