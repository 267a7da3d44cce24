/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory for payload that is used again and again: store.c */
#ifndef CORE_STORE_H
#define CORE_STORE_H

#include <linux/types.h>

struct page;

struct page *vns_store_take(size_t len, size_t *offset);
void vns_store_exit(void);

#endif /* CORE_STORE_H */
