// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the process that runs a guest sets up for the device as a whole.
 *
 * The CID, the features and whether the guest runs are asked of the device
 * first; all else needs an owner, and is a ring's when it is not known here.
 */
#include <linux/errno.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/virtio_config.h>
#include <uapi/linux/virtio_vsock.h>

#include "vhost/device.h"

#define FEATURES	(BIT_ULL(VIRTIO_F_VERSION_1) |		\
			 BIT_ULL(VIRTIO_F_ACCESS_PLATFORM) |	\
			 BIT_ULL(VIRTIO_F_NOTIFY_ON_EMPTY) |	\
			 BIT_ULL(VIRTIO_F_ANY_LAYOUT) |		\
			 BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) |	\
			 BIT_ULL(VIRTIO_RING_F_EVENT_IDX) |	\
			 BIT_ULL(VHOST_F_LOG_ALL) |		\
			 BIT_ULL(VIRTIO_VSOCK_F_SEQPACKET))

#define BACKEND_FEATURES	BIT_ULL(VHOST_BACKEND_F_IOTLB_MSG_V2)

/*
 * The owner is who has its memory.  Each step that depends on an address is taken
 * by it, so it can also be tried then and there.
 */
static int check_owner(const struct guest *guest)
{
	lockdep_assert_held(&guest->lock);

	return guest->mm && guest->mm == current->mm ? 0 : -EPERM;
}

static int set_owner(struct guest *guest)
{
	return guest->mm ? -EBUSY : guest_thread_start(guest);
}

static int reset_owner(struct guest *guest)
{
	guest_end(guest);

	return 0;
}

static int set_cid(struct guest *guest, void __user *arg)
{
	u64 cid;
	int err;

	if (copy_from_user(&cid, arg, sizeof(cid)))
		return -EFAULT;

	if (mutex_lock_killable(&guest->turn))
		return -EINTR;
	err = guest_claim(guest, cid);
	mutex_unlock(&guest->turn);

	return err;
}

static int set_running(struct guest *guest, void __user *arg)
{
	int on, err;

	if (copy_from_user(&on, arg, sizeof(on)))
		return -EFAULT;
	err = check_owner(guest);
	if (err)
		return err;

	if (mutex_lock_killable(&guest->turn))
		return -EINTR;
	if (on)
		err = guest_start(guest);
	else
		guest_stop(guest);
	mutex_unlock(&guest->turn);

	return err;
}

static int put_features(u64 features, void __user *arg)
{
	return copy_to_user(arg, &features, sizeof(features)) ? -EFAULT : 0;
}

static int get_features(u64 *features, u64 known, const void __user *arg)
{
	if (copy_from_user(features, arg, sizeof(*features)))
		return -EFAULT;

	return *features & ~known ? -EOPNOTSUPP : 0;
}

static int apply_features(struct guest *guest, u64 features)
{
	struct vring_memory *memory = &guest->memory;
	const bool log_all = features & BIT_ULL(VHOST_F_LOG_ALL);
	const bool iommu = features & BIT_ULL(VIRTIO_F_ACCESS_PLATFORM);
	const bool logged_all = memory->log_all;

	if (guest_memory_set_log_all(memory, log_all))
		return -EFAULT;
	if (guest_memory_set_iotlb(memory, iommu)) {
		guest_memory_set_log_all(memory, logged_all);
		return -EFAULT;
	}
	WRITE_ONCE(guest->features, features);
	/* Who waits for a question hears that there will be none. */
	if (!iommu)
		guest_iotlb_forget(guest);
	guest_rings_apply_features(guest);

	return 0;
}

static int set_features(struct guest *guest, void __user *arg)
{
	u64 features;
	int err;

	err = get_features(&features, FEATURES, arg);
	if (err)
		return err;

	if (mutex_lock_killable(&guest->turn))
		return -EINTR;
	err = apply_features(guest, features);
	mutex_unlock(&guest->turn);

	return err;
}

static int set_backend_features(struct guest *guest, void __user *arg)
{
	u64 features;
	int err;

	err = get_features(&features, BACKEND_FEATURES, arg);
	if (!err)
		WRITE_ONCE(guest->backend_features, features);

	return err;
}

static int set_log_base(struct guest *guest, const void __user *arg)
{
	u64 base;

	if (copy_from_user(&base, arg, sizeof(base)))
		return -EFAULT;

	return guest_memory_set_log(&guest->memory, base);
}

static int set_log_event(struct guest *guest, void __user *arg)
{
	struct eventfd_ctx *event = NULL;
	int fd;

	if (get_user(fd, (int __user *)arg))
		return -EFAULT;
	if (fd != VHOST_FILE_UNBIND)
		event = eventfd_ctx_fdget(fd);
	if (IS_ERR(event))
		return PTR_ERR(event);
	swap(event, guest->log_event);
	if (event)
		eventfd_ctx_put(event);

	return 0;
}

/* What changes something that the thread uses. */
static long ioctl_in_turn(struct guest *guest, unsigned int cmd,
			  void __user *arg)
{
	switch (cmd) {
	case VHOST_SET_MEM_TABLE:
		return guest_memory_set_table(&guest->memory, arg);
	case VHOST_SET_LOG_BASE:
		return set_log_base(guest, arg);
	case VHOST_SET_LOG_FD:
		return set_log_event(guest, arg);
	default:
		return guest_vring_ioctl(guest, cmd, arg);
	}
}

static long ioctl_of_owner(struct guest *guest, unsigned int cmd,
			   void __user *arg)
{
	long ret = check_owner(guest);

	if (ret)
		return ret;
	if (cmd == VHOST_RESET_OWNER)
		return reset_owner(guest);

	if (mutex_lock_killable(&guest->turn))
		return -EINTR;
	ret = ioctl_in_turn(guest, cmd, arg);
	mutex_unlock(&guest->turn);

	return ret;
}

static long ioctl_locked(struct guest *guest, unsigned int cmd,
			 void __user *arg)
{
	switch (cmd) {
	case VHOST_VSOCK_SET_GUEST_CID:
		return set_cid(guest, arg);
	case VHOST_VSOCK_SET_RUNNING:
		return set_running(guest, arg);
	case VHOST_GET_FEATURES:
		return put_features(FEATURES, arg);
	case VHOST_SET_FEATURES:
		return set_features(guest, arg);
	case VHOST_GET_BACKEND_FEATURES:
		return put_features(BACKEND_FEATURES, arg);
	case VHOST_SET_BACKEND_FEATURES:
		return set_backend_features(guest, arg);
	case VHOST_SET_OWNER:
		return set_owner(guest);
	default:
		return ioctl_of_owner(guest, cmd, arg);
	}
}

/**
 * guest_ioctl() - file_operations.unlocked_ioctl
 * @file: an open device
 * @cmd: VHOST_*
 * @arg: its argument
 */
long guest_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct guest *guest = file->private_data;
	long ret;

	if (mutex_lock_killable(&guest->lock))
		return -EINTR;
	ret = ioctl_locked(guest, cmd, (void __user *)arg);
	mutex_unlock(&guest->lock);

	return ret;
}
