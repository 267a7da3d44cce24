// SPDX-License-Identifier: GPL-2.0-only
/*
 * The thread of a guest: it alone serves the rings, in the memory and the
 * cgroups of the process that owns the device, so no guest takes time, or waits,
 * on account of another.  What the guest has the host keep is charged to the
 * memory cgroup that the owner was in when it became that.
 */
#include <linux/cgroup.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>

#include "vhost/device.h"

/**
 * struct beginning - what a thread is told
 * @guest: whom it serves
 * @owner: whose cgroups it joins; waits until the thread did
 */
struct beginning {
	struct guest *guest;
	struct task_struct *owner;
};

/**
 * guest_due() - have the thread look at rings
 * @guest: the guest
 * @bits: DUE_*
 *
 * Context: any.
 */
void guest_due(struct guest *guest, int bits)
{
	/*
	 * Fully ordered: who sees the bit sees what is due, and either the thread
	 * sees the bit before it sleeps, or it is seen to sleep here.
	 */
	if ((atomic_fetch_or(bits, &guest->due) & bits) == bits)
		return;
	if (waitqueue_active(&guest->idle))
		wake_up(&guest->idle);
}

/**
 * guest_wake() - has the guest's thread look for packets to send
 * @guest: the guest
 *
 * Context: any.
 */
void guest_wake(struct guest *guest)
{
	guest_due(guest, DUE_RX);
}

/*
 * The process may have left its memory behind (execve()) without a word: what is
 * used by this thread alone is not served any more.
 */
static bool has_owner(struct guest *guest)
{
	return !READ_ONCE(guest->closing) &&
	       atomic_read(&guest->mm->mm_users) > 1;
}

static void serve_while_due(struct guest *guest)
{
	int due;

	while (has_owner(guest)) {
		/*
		 * Out of memory, a memory cgroup may kill all that are in it, in vain
		 * here.  guest_thread_hurry() says so before it sends its signal.
		 */
		if (signal_pending(current)) {
			flush_signals(current);
			continue;
		}
		due = atomic_xchg(&guest->due, 0);
		if (!due)
			return;

		/* A system call may have it as long as the process's memory takes. */
		if (mutex_lock_killable(&guest->turn)) {
			guest_due(guest, due);
			continue;
		}
		due = guest_serve(guest, due);
		mutex_unlock(&guest->turn);
		if (due)
			guest_due(guest, due);
		cond_resched();
	}
}

/* The process has ended, and something else keeps its device open. */
static void owner_is_gone(struct guest *guest)
{
	atomic_set(&guest->due, 0);
	/* The one that said so has done its work: see guest_thread_hurry(). */
	flush_signals(current);
	if (mutex_lock_killable(&guest->turn))
		return;
	guest_stop(guest);
	protocol_reset(&guest->protocol, ECONNRESET);
	mutex_unlock(&guest->turn);
}

/*
 * Asleep, it does not keep the process's memory: that may in turn keep the device
 * open (as what io_uring or aio has of it), and neither would ever be given back.
 */
static void serve_until_end(struct guest *guest)
{
	while (!kthread_should_stop()) {
		wait_event_idle(guest->idle, atomic_read(&guest->due) ||
					     kthread_should_stop());
		if (READ_ONCE(guest->closing) || !mmget_not_zero(guest->mm)) {
			owner_is_gone(guest);
			continue;
		}
		kthread_use_mm(guest->mm);
		serve_while_due(guest);
		kthread_unuse_mm(guest->mm);
		mmput(guest->mm);
	}
}

static int thread(void *data)
{
	const struct beginning *begin = data;
	struct guest *guest = begin->guest;
	struct mem_cgroup *memcg, *none;

	/* For guest_thread_hurry(); nobody outside of the kernel can send it. */
	allow_kernel_signal(SIGKILL);
	/*
	 * Being in a memory cgroup is not enough: what a thread of the kernel
	 * allocates is charged to nobody unless it says to whom.
	 */
	memcg = get_mem_cgroup_from_mm(guest->mm);
	guest->thread_error = cgroup_attach_task_all(begin->owner, current);
	/* The owner, whose memory this is, does not wait any longer. */
	complete(&guest->thread_ready);
	none = set_active_memcg(memcg);
	serve_until_end(guest);
	set_active_memcg(none);
	mem_cgroup_put(memcg);

	return 0;
}

/**
 * guest_thread_start() - the calling process becomes the owner
 * @guest: a guest without one, its lock held
 *
 * Context: may sleep.
 * Return: 0, or why there is no thread.
 */
int guest_thread_start(struct guest *guest)
{
	const struct beginning begin = { .guest = guest, .owner = current };
	struct task_struct *task;

	lockdep_assert_held(&guest->lock);
	if (!current->mm)
		return -EINVAL;
	guest->mm = current->mm;
	mmgrab(guest->mm);
	reinit_completion(&guest->thread_ready);
	task = kthread_run(thread, (void *)&begin, "vhost-vsock-%d",
			   task_tgid_nr(current));
	if (IS_ERR(task)) {
		mmdrop(guest->mm);
		guest->mm = NULL;
		return PTR_ERR(task);
	}

	guest->thread = task;
	owner_watch(&guest->owner);
	wait_for_completion(&guest->thread_ready);
	if (guest->thread_error)
		guest_thread_end(guest);

	return guest->thread_error;
}

/**
 * guest_thread_hurry() - the thread serves no longer, whatever it waits for
 * @guest: a guest with a thread
 *
 * It may be for memory that nobody but a dying process can bring.
 *
 * Context: process context.
 */
void guest_thread_hurry(struct guest *guest)
{
	WRITE_ONCE(guest->closing, true);
	send_sig(SIGKILL, guest->thread, 1);
	guest_due(guest, DUE_ALL);
}

/**
 * guest_thread_end() - there is no owner any more
 * @guest: the guest, with an owner or not; nobody else sets it up
 *
 * When this returns nothing of the guest's is used, and nothing will be.
 *
 * Context: may sleep.
 */
void guest_thread_end(struct guest *guest)
{
	if (!guest->thread)
		return;

	owner_forget(&guest->owner);
	guest_thread_hurry(guest);
	kthread_stop(guest->thread);
	guest->thread = NULL;
	WRITE_ONCE(guest->closing, false);
	mmdrop(guest->mm);
	guest->mm = NULL;
}
