// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is there a user_backed_iter()?
 * Changed: 6.0 brought it, with the second kind of such iterators
 */
#include <linux/uio.h>

bool probe_iter(struct iov_iter *iter);
bool probe_iter(struct iov_iter *iter)
{
	return user_backed_iter(iter);
}
