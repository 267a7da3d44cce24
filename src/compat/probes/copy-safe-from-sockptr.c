// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is there a copy_safe_from_sockptr()?
 * Changed: 6.9 brought it
 */
#include <linux/sockptr.h>

int probe_copy(sockptr_t value, unsigned int len);
int probe_copy(sockptr_t value, unsigned int len)
{
	int result;

	return copy_safe_from_sockptr(&result, sizeof(result), value, len);
}
