// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of the process that owns a guest.
 *
 * The device may stay open for longer: another process has it, or the process's
 * own memory does (a poll that io_uring or aio keeps), and the guest's thread has
 * that memory while it serves.  So the thread is told, whatever it is doing.
 */
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>

#include "vhost/device.h"

/* All of it: a thread that ends, the first one too, is not the process's end. */
static bool has_ended(struct pid *pid)
{
	struct task_struct *task;
	bool ended;

	rcu_read_lock();
	task = pid_task(pid, PIDTYPE_TGID);
	ended = !task || !atomic_read(&task->signal->live);
	rcu_read_unlock();

	return ended;
}

static void owner_work(struct work_struct *work)
{
	struct owner *owner = container_of(work, struct owner, work);

	if (has_ended(owner->pid))
		guest_thread_hurry(container_of(owner, struct guest, owner));
}

/* Context: tasklist_lock is held, interrupts are off. */
static int owner_wake(wait_queue_entry_t *entry, unsigned int mode, int sync,
		      void *key)
{
	struct owner *owner = container_of(entry, struct owner, entry);

	schedule_work(&owner->work);

	return 0;
}

/**
 * owner_watch() - the calling process is the owner from now on
 * @owner: a guest's, which has a thread and nobody to watch
 *
 * Context: process context, of the owner.
 */
void owner_watch(struct owner *owner)
{
	owner->pid = get_pid(task_tgid(current));
	INIT_WORK(&owner->work, owner_work);
	init_waitqueue_func_entry(&owner->entry, owner_wake);
	add_wait_queue(&owner->pid->wait_pidfd, &owner->entry);
}

/**
 * owner_forget() - whether the owner ends is of no interest any more
 * @owner: a guest's, after owner_watch()
 *
 * When this returns the thread is not told any more.
 *
 * Context: may sleep.
 */
void owner_forget(struct owner *owner)
{
	remove_wait_queue(&owner->pid->wait_pidfd, &owner->entry);
	cancel_work_sync(&owner->work);
	put_pid(owner->pid);
	owner->pid = NULL;
}
