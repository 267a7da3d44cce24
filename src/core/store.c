// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory for payload that is used again and again.
 *
 * Kernels clear each page that they hand out, which costs more than to copy a
 * large packet into it and out again.  So each CPU keeps a few pieces of 64 KiB.
 * Buffers take room in them one behind the other and hold a reference each; when
 * only the store's own is left, all of a piece is free again.  Nobody sees what
 * was there before: a buffer is as long as what was copied into it.
 *
 * A buffer may outlive the store: its reference keeps the piece.  When all pieces
 * are in use callers have to ask the kernel, so that the store is bounded, which
 * matters because it is charged to no memory cgroup.  Whoever does not read what
 * is in them takes the gain, and only that, from others on that CPU.
 */
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/sizes.h>

#include "core/store.h"

#define PIECES		4
#define PIECE_ORDER	get_order(SZ_64K)

/**
 * struct store - one CPU's pieces
 * @piece: compound pages, those that exist first
 * @used: bytes from each one's beginning that were handed out
 *
 * Used with preemption off, and not from interrupts.
 */
struct store {
	struct page *piece[PIECES];
	u32 used[PIECES];
};

static DEFINE_PER_CPU(struct store, stores);

static struct page *take(struct store *store, size_t len, size_t *offset)
{
	struct page *page;
	int i;

	for (i = 0; i < PIECES && store->piece[i]; i++) {
		page = store->piece[i];
		/* That others may be reading it is over before they let go. */
		if (page_ref_count(page) == 1)
			store->used[i] = 0;
		*offset = store->used[i];
		if (len > SZ_64K - *offset)
			continue;
		store->used[i] += ALIGN(len, SMP_CACHE_BYTES);
		get_page(page);
		return page;
	}

	return NULL;
}

/* One more piece; where it goes is known when there is one. */
static bool grow(void)
{
	/* It saves work, and must not cause any: no reclaim, no compaction. */
	const gfp_t gfp = (GFP_KERNEL & ~__GFP_RECLAIM) | __GFP_COMP |
			  __GFP_NOWARN | __GFP_NOMEMALLOC;
	struct page *page = alloc_pages(gfp, PIECE_ORDER);
	struct store *store;
	int i;

	if (!page)
		return false;
	store = get_cpu_ptr(&stores);
	for (i = 0; i < PIECES && store->piece[i]; i++)
		;
	if (i < PIECES) {
		store->piece[i] = page;
		store->used[i] = 0;
		page = NULL;
	}
	put_cpu_ptr(&stores);
	if (page)
		put_page(page);

	return !page;
}

/**
 * vns_store_take() - room for payload
 * @len: how many bytes, 1 to 64 KiB
 * @offset: set to where the room begins in the page
 *
 * Context: may sleep.
 * Return: a compound page of the kernel's own address space, with a reference for
 *	the caller; or NULL: there is no room.
 */
struct page *vns_store_take(size_t len, size_t *offset)
{
	struct page *page;
	bool full;

	do {
		struct store *store = get_cpu_ptr(&stores);

		page = take(store, len, offset);
		full = store->piece[PIECES - 1];
		put_cpu_ptr(&stores);
	} while (!page && !full && grow());

	return page;
}

/**
 * vns_store_exit() - module exit, after the last buffer was made
 */
void vns_store_exit(void)
{
	struct store *store;
	int cpu, i;

	for_each_possible_cpu(cpu) {
		store = per_cpu_ptr(&stores, cpu);
		for (i = 0; i < PIECES && store->piece[i]; i++)
			put_page(store->piece[i]);
	}
}
