// SPDX-License-Identifier: GPL-2.0-only
/* What the process that runs a guest sets up for one ring. */
#include <linux/errno.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>
#include <linux/virtio_config.h>

#include "vhost/device.h"

static int set_num(struct guest *guest, struct guest_ring *ring,
		   const void __user *arg)
{
	struct vhost_vring_state state;

	if (guest->running)
		return -EBUSY;
	if (copy_from_user(&state, arg, sizeof(state)))
		return -EFAULT;
	if (!is_power_of_2(state.num) || state.num > VRING_MAX_NUM)
		return -EINVAL;
	ring->vring.num = state.num;

	return 0;
}

static int set_base(struct guest *guest, struct guest_ring *ring,
		    const void __user *arg)
{
	struct vhost_vring_state state;

	if (guest->running)
		return -EBUSY;
	if (copy_from_user(&state, arg, sizeof(state)))
		return -EFAULT;
	if (state.num > U16_MAX)
		return -EINVAL;
	ring->vring.next_avail = state.num;

	return 0;
}

static int put_state(u32 index, u32 num, void __user *arg)
{
	const struct vhost_vring_state state = { .index = index, .num = num };

	return copy_to_user(arg, &state, sizeof(state)) ? -EFAULT : 0;
}

static bool is_pointer(u64 address)
{
	return (unsigned long)address == address;
}

static int check_addresses(const struct vhost_vring_addr *addr)
{
	if (addr->flags & ~BIT(VHOST_VRING_F_LOG))
		return -EOPNOTSUPP;
	if (!is_pointer(addr->desc_user_addr) ||
	    !is_pointer(addr->avail_user_addr) ||
	    !is_pointer(addr->used_user_addr))
		return -EFAULT;
	if (!IS_ALIGNED(addr->avail_user_addr, VRING_AVAIL_ALIGN_SIZE) ||
	    !IS_ALIGNED(addr->used_user_addr, VRING_USED_ALIGN_SIZE) ||
	    !IS_ALIGNED(addr->log_guest_addr, VRING_USED_ALIGN_SIZE))
		return -EINVAL;

	return 0;
}

static void apply_log(struct guest *guest, struct guest_ring *ring)
{
	const bool iommu = guest_has_feature(guest, VIRTIO_F_ACCESS_PLATFORM);

	ring->vring.log_used = ring->log_used && !iommu;
	ring->vring.log_written = ring->log_used && iommu;
}

static int set_addr(struct guest *guest, struct guest_ring *ring,
		    const void __user *arg)
{
	struct vhost_vring_addr addr;
	struct vring_dev *vring = &ring->vring;
	int err;

	if (copy_from_user(&addr, arg, sizeof(addr)))
		return -EFAULT;
	err = check_addresses(&addr);
	if (err)
		return err;
	if (guest->running) {
		struct vring_dev moved = *vring;

		moved.desc = addr.desc_user_addr;
		moved.avail = addr.avail_user_addr;
		moved.used = addr.used_user_addr;
		moved.used_log = addr.log_guest_addr;
		moved.log_used = addr.flags & BIT(VHOST_VRING_F_LOG);
		if (guest_memory_check_ring(&guest->memory, &moved))
			return -EINVAL;
	}

	vring->desc = addr.desc_user_addr;
	vring->avail = addr.avail_user_addr;
	vring->used = addr.used_user_addr;
	vring->used_log = addr.log_guest_addr;
	ring->log_used = addr.flags & BIT(VHOST_VRING_F_LOG);
	apply_log(guest, ring);

	return 0;
}

/* The file that the process names, NULL when it names none, or an error. */
static struct file *get_eventfd(const void __user *arg)
{
	struct vhost_vring_file file;

	if (copy_from_user(&file, arg, sizeof(file)))
		return ERR_PTR(-EFAULT);

	return file.fd == VHOST_FILE_UNBIND ? NULL : eventfd_fget(file.fd);
}

static int set_kick(struct guest_ring *ring, const void __user *arg)
{
	struct file *file = get_eventfd(arg);

	return IS_ERR(file) ? PTR_ERR(file) : kick_set(&ring->kick, file);
}

static int set_event(struct eventfd_ctx **event, const void __user *arg)
{
	struct file *file = get_eventfd(arg);
	struct eventfd_ctx *new = NULL;

	if (IS_ERR(file))
		return PTR_ERR(file);
	if (file) {
		new = eventfd_ctx_fileget(file);
		fput(file);
	}
	swap(*event, new);
	if (new)
		eventfd_ctx_put(new);

	return 0;
}

static int set_busyloop_timeout(struct guest_ring *ring,
				const void __user *arg)
{
	struct vhost_vring_state state;

	if (copy_from_user(&state, arg, sizeof(state)))
		return -EFAULT;
	ring->busyloop_timeout = state.num;

	return 0;
}

/* Whether the process may choose is a matter of the kernel's configuration. */
static const bool endian_is_chosen =
	IS_ENABLED(CONFIG_VHOST_CROSS_ENDIAN_LEGACY);

static const bool cpu_is_big_endian = IS_ENABLED(CONFIG_CPU_BIG_ENDIAN);

static int set_endian(struct guest *guest, struct guest_ring *ring,
		      const void __user *arg)
{
	struct vhost_vring_state state;

	if (!endian_is_chosen)
		return -ENOTTY;
	if (guest->running)
		return -EBUSY;
	if (copy_from_user(&state, arg, sizeof(state)))
		return -EFAULT;
	if (state.num != VHOST_VRING_LITTLE_ENDIAN &&
	    state.num != VHOST_VRING_BIG_ENDIAN)
		return -EINVAL;
	ring->big_endian = state.num == VHOST_VRING_BIG_ENDIAN;
	guest_rings_apply_features(guest);

	return 0;
}

static int get_endian(const struct guest_ring *ring, u32 index,
		      void __user *arg)
{
	if (!endian_is_chosen)
		return -ENOTTY;

	return put_state(index, ring->big_endian ? VHOST_VRING_BIG_ENDIAN :
						   VHOST_VRING_LITTLE_ENDIAN,
			 arg);
}

/**
 * guest_vring_ioctl() - what is asked of a ring, or of nobody known
 * @guest: the guest, its lock and turn held; in its owner's memory
 * @cmd: VHOST_*
 * @arg: begins with the index of the ring
 *
 * Context: may sleep.
 * Return: 0; -EFAULT; -ENOBUFS when there is no such ring; -ENOTTY when the
 *	command is not known; and what the command says.
 */
long guest_vring_ioctl(struct guest *guest, unsigned int cmd, void __user *arg)
{
	struct guest_ring *ring;
	u32 index;

	lockdep_assert_held(&guest->turn);
	if (get_user(index, (u32 __user *)arg))
		return -EFAULT;
	if (index >= RING_COUNT)
		return -ENOBUFS;
	index = array_index_nospec(index, RING_COUNT);
	ring = &guest->ring[index];

	switch (cmd) {
	case VHOST_SET_VRING_NUM:
		return set_num(guest, ring, arg);
	case VHOST_SET_VRING_BASE:
		return set_base(guest, ring, arg);
	case VHOST_GET_VRING_BASE:
		return put_state(index, ring->vring.next_avail, arg);
	case VHOST_SET_VRING_ADDR:
		return set_addr(guest, ring, arg);
	case VHOST_SET_VRING_KICK:
		return set_kick(ring, arg);
	case VHOST_SET_VRING_CALL:
		return set_event(&ring->call, arg);
	case VHOST_SET_VRING_ERR:
		return set_event(&ring->error, arg);
	case VHOST_SET_VRING_ENDIAN:
		return set_endian(guest, ring, arg);
	case VHOST_GET_VRING_ENDIAN:
		return get_endian(ring, index, arg);
	case VHOST_SET_VRING_BUSYLOOP_TIMEOUT:
		return set_busyloop_timeout(ring, arg);
	case VHOST_GET_VRING_BUSYLOOP_TIMEOUT:
		return put_state(index, ring->busyloop_timeout, arg);
	default:
		return -ENOTTY;
	}
}

/**
 * guest_rings_apply_features() - the rings learn what was negotiated
 * @guest: the guest, its turn held
 */
void guest_rings_apply_features(struct guest *guest)
{
	int i;

	lockdep_assert_held(&guest->turn);
	for (i = 0; i < RING_COUNT; i++) {
		struct guest_ring *ring = &guest->ring[i];
		struct vring_dev *vring = &ring->vring;

		vring->event_idx =
			guest_has_feature(guest, VIRTIO_RING_F_EVENT_IDX);
		vring->indirect =
			guest_has_feature(guest, VIRTIO_RING_F_INDIRECT_DESC);
		vring->notify_on_empty =
			guest_has_feature(guest, VIRTIO_F_NOTIFY_ON_EMPTY);
		vring->little_endian =
			guest_has_feature(guest, VIRTIO_F_VERSION_1) ||
			!ring->big_endian;
		apply_log(guest, ring);
	}
}

static void drop_event(struct eventfd_ctx **event)
{
	if (*event)
		eventfd_ctx_put(*event);
	*event = NULL;
}

/**
 * guest_rings_forget() - the rings are as in a device that was just opened
 * @guest: the guest, its turn held
 *
 * Context: may sleep.
 */
void guest_rings_forget(struct guest *guest)
{
	int i;

	lockdep_assert_held(&guest->turn);
	for (i = 0; i < RING_COUNT; i++) {
		struct guest_ring *ring = &guest->ring[i];

		kick_set(&ring->kick, NULL);
		drop_event(&ring->call);
		drop_event(&ring->error);
		memset(&ring->vring, 0, sizeof(ring->vring));
		ring->vring.memory = &guest->memory;
		ring->vring.num = 1;
		ring->busyloop_timeout = 0;
		ring->big_endian = cpu_is_big_endian;
		ring->log_used = false;
		ring->started = false;
	}
	drop_event(&guest->log_event);
	guest_rings_apply_features(guest);
}
