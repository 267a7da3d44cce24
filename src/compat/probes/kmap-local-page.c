// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is there a kmap_local_page()?
 * Changed: 5.11 brought it
 */
#include <linux/highmem.h>

void probe_map(struct page *page);
void probe_map(struct page *page)
{
	kunmap_local(kmap_local_page(page));
}
