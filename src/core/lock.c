// SPDX-License-Identifier: GPL-2.0-only
/*
 * The socket lock, for work items.  A process may hold it for as long as the
 * memory takes that it hands to setsockopt() or recv(): if workers slept for it,
 * a few hundred such sockets would stop the work for all others.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "core/socket.h"

/**
 * struct later - a work item that runs again when a socket lock is free
 * @wait: among those who sleep for the lock
 * @sk: the socket, with the reference of the run that found it locked
 * @wq: where the work item runs
 * @work: the work item
 */
struct later {
	struct wait_queue_entry wait;
	struct sock *sk;
	struct workqueue_struct *wq;
	struct work_struct *work;
};

/* Called by whoever lets go of the lock, inside of the spinlock in it. */
static int lock_is_free(struct wait_queue_entry *wait, unsigned int mode,
			int sync, void *key)
{
	struct later *later = container_of(wait, struct later, wait);

	list_del(&wait->entry);
	/*
	 * A run that was asked for meanwhile has a reference of its own, and who
	 * is here another one.
	 */
	if (!queue_work(later->wq, later->work))
		__sock_put(later->sk);
	kfree(later);

	return 0;
}

/* False when the work item waits already. */
static bool wait_for_lock(struct later *later)
{
	struct wait_queue_head *wq = &later->sk->sk_lock.wq;
	struct wait_queue_entry *wait;
	unsigned long flags;
	bool waits = false;

	spin_lock_irqsave(&wq->lock, flags);
	list_for_each_entry(wait, &wq->head, entry) {
		/* Processes are behind all work items. */
		if (waits || wait->func != lock_is_free)
			break;
		waits = container_of(wait, struct later, wait)->work ==
			later->work;
	}
	if (!waits)
		__add_wait_queue(wq, &later->wait);
	spin_unlock_irqrestore(&wq->lock, flags);

	return !waits;
}

/* Takes @later over, and the run's reference. */
static void run_when_free(struct later *later)
{
	struct sock *sk = later->sk;
	bool waits;

	sock_hold(sk);
	spin_lock_bh(&sk->sk_lock.slock);
	waits = wait_for_lock(later);
	/* It may be free by now, and nobody there who lets go of it. */
	if (!sk->sk_lock.owned)
		wake_up(&sk->sk_lock.wq);
	spin_unlock_bh(&sk->sk_lock.slock);
	if (!waits) {
		kfree(later);
		sock_put(sk);
	}
	sock_put(sk);
}

static bool try_lock(struct sock *sk)
{
	bool free;

	spin_lock_bh(&sk->sk_lock.slock);
	free = !sk->sk_lock.owned;
	sk->sk_lock.owned = 1;
	spin_unlock_bh(&sk->sk_lock.slock);
	/* As lock_sock() tells lockdep, for release_sock(). */
	if (free)
		mutex_acquire(&sk->sk_lock.dep_map, 0, 1, _RET_IP_);

	return free;
}

/**
 * vns_work_lock() - lock_sock() for a work item, which does not sleep for it
 * @sk: the socket; the work item has a reference on it
 * @wq: where the work item runs
 * @work: the work item, which is running
 *
 * Runs of a work item that is queued again while it waits may become one.  Such a
 * work item owns nothing but the reference on @sk, which is dropped for each run
 * that does not take place; and it runs when its delay is over, if it got one.
 *
 * Context: process context, no lock held.
 * Return: true: locked.  false: another has the lock; @work runs again, with its
 *	reference on @sk, when the lock is free, and has to end now.
 */
bool vns_work_lock(struct sock *sk, struct workqueue_struct *wq,
		   struct work_struct *work)
{
	struct later *later;

	if (try_lock(sk))
		return true;

	later = kmalloc(sizeof(*later), GFP_KERNEL | __GFP_NOFAIL);
	init_waitqueue_func_entry(&later->wait, lock_is_free);
	later->sk = sk;
	later->wq = wq;
	later->work = work;
	run_when_free(later);

	return false;
}
EXPORT_SYMBOL_GPL(vns_work_lock);
