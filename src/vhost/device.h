/* SPDX-License-Identifier: GPL-2.0-only */
/* The inside of a guest: what the files of this room share. */
#ifndef VNS_VHOST_DEVICE_H
#define VNS_VHOST_DEVICE_H

#include <linux/completion.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/ratelimit.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/vhost.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "protocol/protocol.h"
#include "ring/guest_memory.h"
#include "ring/ring.h"
#include "vhost/guest.h"

struct eventfd_ctx;
struct file;
struct iov_iter;
struct mm_struct;
struct net;
struct pid;
struct task_struct;
struct vns_claim;

/* The rings, by the index that the process uses: as the driver sees them. */
enum {
	RING_RX,
	RING_TX,
	RING_COUNT,
};

/* Bits in guest.due: a ring, by its index, is worth a look. */
#define DUE_RX	BIT(RING_RX)
#define DUE_TX	BIT(RING_TX)
#define DUE_ALL	(DUE_RX | DUE_TX)

/**
 * struct kick - the eventfd by which the driver tells that a ring has buffers
 * @guest: whose
 * @ring: index of the ring
 * @file: the eventfd, NULL without one
 * @queue: where @entry waits, NULL when it does not
 * @entry: wakes the guest's thread
 * @table: leads to @queue
 */
struct kick {
	struct guest *guest;
	int ring;
	struct file *file;
	wait_queue_head_t *queue;
	wait_queue_entry_t entry;
	poll_table table;
};

/**
 * struct guest_ring - a ring and what the process set up for it
 * @vring: the ring
 * @kick: the driver's notifications
 * @call: eventfd that notifies the driver, or NULL
 * @error: eventfd that tells the process that the ring is broken, or NULL
 * @busyloop_timeout: kept for who asks; the thread never busy-waits
 * @big_endian: of a ring without VIRTIO_F_VERSION_1, where the kernel lets the
 *	process choose
 * @log_used: VHOST_VRING_F_LOG: the used ring is in the dirty log
 * @started: vring_start() was done
 */
struct guest_ring {
	struct vring_dev vring;
	struct kick kick;
	struct eventfd_ctx *call;
	struct eventfd_ctx *error;
	u32 busyloop_timeout;
	bool big_endian;
	bool log_used;
	bool started;
};

/**
 * struct owner - the process that called VHOST_SET_OWNER, while there is a thread
 * @pid: the process, a reference
 * @entry: waits in it for its end
 * @work: looks whether that was it, and tells the thread
 */
struct owner {
	struct pid *pid;
	wait_queue_entry_t entry;
	struct work_struct work;
};

/* Questions to the process that wait to be read, at most. */
#define IOTLB_QUESTIONS	16

/**
 * struct iotlb_questions - translations that the process is asked for
 * @lock: protects the rest; innermost
 * @readers: who sleeps in read() or poll()
 * @first: place of the oldest in @question
 * @count: how many there are
 * @question: their addresses and VHOST_ACCESS_* of each
 */
struct iotlb_questions {
	spinlock_t lock;
	wait_queue_head_t readers;
	unsigned int first;
	unsigned int count;
	struct iotlb_question {
		u64 address;
		u8 access;
	} question[IOTLB_QUESTIONS];
};

/**
 * struct guest - one open /dev/vhost-vsock
 * @lock: one system call that sets something up at a time
 * @turn: who holds it may use, or change, the rings, the memory and the eventfds.
 *	The thread holds it for a bounded turn of work, a system call to change
 *	something.  Inside of @lock.
 * @users: references; the open file is one
 * @rcu: frees the memory after the last lookup that may have seen it
 * @net: the namespace of who opened the device; held as long
 *	as the device is open, which connections may outlive; never changes
 * @domain: the one of @net, and as long
 * @claim: entry in the table of CIDs, NULL without a CID; @lock
 * @cid: the CID, 0 without one or between two; written under @lock and @turn,
 *	read anywhere
 * @mm: memory of the process that called VHOST_SET_OWNER, NULL without an
 *	owner; @lock; does not change while there is a thread; held so that it
 *	stays the same, but what is in it goes when the process does
 * @owner: that process; watched and forgotten under @lock, while @thread is there
 * @thread: serves the rings; @lock; lives until the device is closed or
 *	VHOST_RESET_OWNER
 * @thread_ready: the thread has begun
 * @thread_error: and that is how
 * @idle: where it sleeps
 * @due: DUE_* bits
 * @running: VHOST_VSOCK_SET_RUNNING; written under @turn, read anywhere
 * @closing: the thread serves no longer, its owner has ended or it is to end
 *	itself: what fails now fails for that reason; read anywhere
 * @held_back: the driver's packets wait for room for answers; @turn
 * @features: VHOST_SET_FEATURES; written under @lock and @turn, read anywhere
 * @backend_features: VHOST_SET_BACKEND_FEATURES; written under @lock, read anywhere
 * @log_event: eventfd that tells the process of changes in the dirty log, or
 *	NULL; @turn
 * @ring: the rings; @turn
 * @memory: the guest's memory; @turn
 * @chain: the buffer that is worked on; @turn
 * @iotlb: translations that are missing
 * @dropped: limits the messages about packets that were dropped; the thread's
 * @protocol: the guest's connections
 *
 * A thread that waits for the guest's memory (it may be swapped out, or be in
 * the hands of a userfaultfd) holds @turn, so no system call waits for a lock
 * here in a way that a fatal signal does not end, and who ends the thread ends
 * such a wait with a signal first.
 */
struct guest {
	struct mutex lock;
	struct mutex turn;
	refcount_t users;
	struct rcu_head rcu;

	struct net *net;
	const struct vns_domain *domain;
	struct vns_claim *claim;
	u32 cid;

	struct mm_struct *mm;
	struct owner owner;
	struct task_struct *thread;
	struct completion thread_ready;
	int thread_error;
	wait_queue_head_t idle;
	atomic_t due;
	bool running;
	bool closing;
	bool held_back;

	u64 features;
	u64 backend_features;
	struct eventfd_ctx *log_event;
	struct guest_ring ring[RING_COUNT];
	struct vring_memory memory;
	struct vring_chain chain;
	struct iotlb_questions iotlb;
	struct ratelimit_state dropped;

	struct protocol protocol;
};

static inline bool guest_has_feature(const struct guest *guest, int bit)
{
	return READ_ONCE(guest->features) & BIT_ULL(bit);
}

/* table.c */
int guest_table_init(void);
void guest_table_exit(void);
int guest_claim(struct guest *guest, u64 cid);
void guest_unclaim(struct guest *guest);

/* guest.c */
struct guest *guest_new(struct net *net);

/* device.c */
int guest_device_register(void);
void guest_device_unregister(void);

/* ioctl.c */
long guest_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* vring_ioctl.c */
long guest_vring_ioctl(struct guest *guest, unsigned int cmd, void __user *arg);
void guest_rings_apply_features(struct guest *guest);
void guest_rings_forget(struct guest *guest);

/* kick.c */
void kick_init(struct kick *kick, struct guest *guest, int ring);
int kick_set(struct kick *kick, struct file *file);

/* iotlb.c */
void guest_iotlb_init(struct guest *guest);
void guest_iotlb_forget(struct guest *guest);
ssize_t guest_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t guest_write_iter(struct kiocb *iocb, struct iov_iter *from);
__poll_t guest_poll(struct file *file, poll_table *wait);

/* worker.c */
void guest_due(struct guest *guest, int bits);
int guest_thread_start(struct guest *guest);
void guest_thread_hurry(struct guest *guest);
void guest_thread_end(struct guest *guest);

/* owner.c */
void owner_watch(struct owner *owner);
void owner_forget(struct owner *owner);

/* run.c */
int guest_start(struct guest *guest);
void guest_stop(struct guest *guest);
void guest_end(struct guest *guest);
void guest_break(struct guest *guest, struct guest_ring *ring, int err);

/* serve.c */
int guest_serve(struct guest *guest, int due);

#endif /* VNS_VHOST_DEVICE_H */
