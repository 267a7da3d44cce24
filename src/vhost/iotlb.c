// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device behind an IOMMU: the guest's thread asks the process for the
 * translations that it misses, by messages that are read from the file, and gets
 * them by messages that are written to it.
 */
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "vhost/device.h"

/* Both layouts have the message at the same place, and the same size. */
static_assert(offsetof(struct vhost_msg, iotlb) ==
	      offsetof(struct vhost_msg_v2, iotlb));
static_assert(sizeof(struct vhost_msg) == sizeof(struct vhost_msg_v2));

/*
 * A question that waits already is not asked twice.  There is no room for more
 * only when the process reads none: it gets those again that still matter, after
 * whatever it writes.
 */
static void ask(struct vring_memory *memory, u64 address,
		enum vring_access access)
{
	struct guest *guest = container_of(memory, struct guest, memory);
	struct iotlb_questions *iotlb = &guest->iotlb;
	const struct iotlb_question new = {
		.address = address,
		.access = access == VRING_WRITE ? VHOST_ACCESS_WO :
						  VHOST_ACCESS_RO,
	};
	unsigned int i;

	spin_lock(&iotlb->lock);
	for (i = 0; i < iotlb->count; i++) {
		const struct iotlb_question *old =
			&iotlb->question[(iotlb->first + i) % IOTLB_QUESTIONS];

		if (old->address == address && old->access == new.access)
			goto out;
	}
	if (iotlb->count < IOTLB_QUESTIONS) {
		i = (iotlb->first + iotlb->count) % IOTLB_QUESTIONS;
		iotlb->question[i] = new;
		WRITE_ONCE(iotlb->count, iotlb->count + 1);
	}
out:
	spin_unlock(&iotlb->lock);
	wake_up_interruptible_poll(&iotlb->readers, EPOLLIN | EPOLLRDNORM);
}

static bool take_question(struct guest *guest, struct iotlb_question *question)
{
	struct iotlb_questions *iotlb = &guest->iotlb;
	bool any;

	spin_lock(&iotlb->lock);
	any = iotlb->count;
	if (any) {
		*question = iotlb->question[iotlb->first];
		iotlb->first = (iotlb->first + 1) % IOTLB_QUESTIONS;
		WRITE_ONCE(iotlb->count, iotlb->count - 1);
	}
	spin_unlock(&iotlb->lock);

	return any;
}

/**
 * guest_iotlb_init() - the guest's memory, with or without an IOMMU
 * @guest: a new guest
 */
void guest_iotlb_init(struct guest *guest)
{
	spin_lock_init(&guest->iotlb.lock);
	init_waitqueue_head(&guest->iotlb.readers);
	guest_memory_init(&guest->memory, ask);
}

/**
 * guest_iotlb_forget() - there is no IOMMU any more
 * @guest: the guest, its turn held
 *
 * Context: may sleep.
 */
void guest_iotlb_forget(struct guest *guest)
{
	lockdep_assert_held(&guest->turn);
	spin_lock(&guest->iotlb.lock);
	WRITE_ONCE(guest->iotlb.count, 0);
	spin_unlock(&guest->iotlb.lock);
	wake_up_interruptible(&guest->iotlb.readers);
}

static bool has_iommu(const struct guest *guest)
{
	return guest_has_feature(guest, VIRTIO_F_ACCESS_PLATFORM);
}

static bool has_question(const struct guest *guest)
{
	return READ_ONCE(guest->iotlb.count);
}

static int wait_for_question(struct guest *guest,
			     struct iotlb_question *question, bool nonblock)
{
	while (!take_question(guest, question)) {
		if (nonblock)
			return -EAGAIN;
		if (!has_iommu(guest))
			return -EBADFD;
		if (wait_event_interruptible(guest->iotlb.readers,
					     has_question(guest) ||
					     !has_iommu(guest)))
			return -ERESTARTSYS;
	}

	return 0;
}

/**
 * guest_read_iter() - file_operations.read_iter
 * @iocb: the call
 * @to: where the question goes; nothing is read when there is no room for it
 */
ssize_t guest_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct guest *guest = iocb->ki_filp->private_data;
	const bool v2 = READ_ONCE(guest->backend_features) &
			BIT_ULL(VHOST_BACKEND_F_IOTLB_MSG_V2);
	const bool nonblock = (iocb->ki_filp->f_flags & O_NONBLOCK) ||
			      (iocb->ki_flags & IOCB_NOWAIT);
	struct iotlb_question question;
	struct vhost_msg message;
	int err;

	if (iov_iter_count(to) < sizeof(message))
		return 0;
	err = wait_for_question(guest, &question, nonblock);
	if (err)
		return err;
	/* With all that is between its members. */
	memset(&message, 0, sizeof(message));
	message.type = v2 ? VHOST_IOTLB_MSG_V2 : VHOST_IOTLB_MSG;
	message.iotlb.type = VHOST_IOTLB_MISS;
	message.iotlb.iova = question.address;
	message.iotlb.perm = question.access;
	if (copy_to_iter(&message, sizeof(message), to) != sizeof(message))
		return -EFAULT;

	return sizeof(message);
}

static int take_message(struct guest *guest,
			const struct vhost_iotlb_msg *message)
{
	int err;

	if (mutex_lock_killable(&guest->turn))
		return -EINTR;
	err = guest_memory_iotlb_message(&guest->memory, message);
	mutex_unlock(&guest->turn);
	/* It may be what the rings have waited for. */
	if (!err)
		guest_due(guest, DUE_ALL);

	return err;
}

/**
 * guest_write_iter() - file_operations.write_iter
 * @iocb: the call
 * @from: one message: an answer, or that an earlier one does not hold any more
 */
ssize_t guest_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct guest *guest = iocb->ki_filp->private_data;
	/* The padding behind the message may be left out. */
	struct {
		u32 type;
		u32 asid;
		struct vhost_iotlb_msg iotlb;
	} message;
	int err;

	static_assert(offsetof(typeof(message), iotlb) ==
		      offsetof(struct vhost_msg, iotlb));
	if (!copy_from_iter_full(&message, sizeof(message), from))
		return -EINVAL;
	if (message.type != VHOST_IOTLB_MSG &&
	    message.type != VHOST_IOTLB_MSG_V2)
		return -EINVAL;
	if (message.iotlb.type == VHOST_IOTLB_UPDATE && !message.iotlb.size)
		return -EINVAL;

	err = take_message(guest, &message.iotlb);
	if (err)
		return err == -EINTR ? err : -EFAULT;

	return sizeof(struct vhost_msg);
}

/**
 * guest_poll() - file_operations.poll
 * @file: an open device
 * @wait: who polls
 */
__poll_t guest_poll(struct file *file, poll_table *wait)
{
	struct guest *guest = file->private_data;

	poll_wait(file, &guest->iotlb.readers, wait);

	return has_question(guest) ? EPOLLIN | EPOLLRDNORM : 0;
}
