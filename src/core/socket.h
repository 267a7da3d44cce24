/* SPDX-License-Identifier: GPL-2.0-only */
/* The socket, and what the files of the address family share. */
#ifndef VNS_SOCKET_H
#define VNS_SOCKET_H

#include <linux/net.h>
#include <net/af_vsock.h>
#include <net/sock.h>

#include "compat/sockmap.h"
#include "netns/netns.h"
#include "vns_transport.h"

struct vns_entry;

#define VNS_DEFAULT_BUFFER_SIZE		(256 * 1024ULL)
#define VNS_DEFAULT_BUFFER_MIN_SIZE	128ULL
#define VNS_DEFAULT_BUFFER_MAX_SIZE	(256 * 1024ULL)
#define VNS_DEFAULT_CONNECT_TIMEOUT	(2 * HZ)

#define VNS_SOCK_PRIVATE_WORDS 1

/**
 * struct vns_sock - an AF_VSOCK socket
 * @vsk: the layout that the stock transports know; must be first.
 *	@vsk.transport is set while a stock transport carries the socket, and
 *	NULL otherwise.
 * @transport: who carries the data, NULL before connect() or accept()
 * @entries: places in the tables of bound and of connected sockets (table.c)
 * @accept_lock: protects @listening, @accept_count and @vsk.accept_queue; taken
 *	inside of any socket lock, in process context
 * @accept_count: connections that wait for accept()
 * @connect_deadline: jiffies, their lower half, before which a connect timer does
 *	not count
 * @streak: receives since the last send, or since a stream ended, as far as they
 *	are counted (wait.c)
 * @listening: takes connections
 * @private: for a transport that is written for us
 *
 * With RCU's word behind it this must not take more cache lines than struct
 * vsock_sock does by itself: then a socket costs what the stock module's does.
 *
 * Locking: the socket lock (lock_sock()) protects what no line below says
 * otherwise of.  vsock_table_lock protects @entries, and the list heads in @vsk
 * that go with them.
 * @vsk.peer_shutdown is written by whoever speaks for the peer, and read
 * anywhere, with READ_ONCE() or stronger.
 *
 * When two socket locks are needed the order is: listener, child that was not
 * accepted yet (VNS_NEST_CHILD).  Who connects never takes the listener's: its
 * owner may hold that for as long as it likes.  Nor does a work item sleep for
 * one: see vns_work_lock().
 *
 * Lifetime: the memory is type-stable (SLAB_TYPESAFE_BY_RCU): a lookup may
 * look at a socket that was freed and made anew, and has to check after it
 * took a reference (find() in table.c).  The last reference runs the transport's
 * detach at once, in the context of whoever drops it.
 */
struct vns_sock {
	struct vsock_sock vsk;
	const struct vns_transport *transport;
	struct vns_entry *entries;
	spinlock_t accept_lock;
	u32 accept_count;
	u32 connect_deadline;
	u8 streak;
	bool listening;
	unsigned long private[VNS_SOCK_PRIVATE_WORDS];
};

#define VNS_NEST_CHILD SINGLE_DEPTH_NESTING

static inline struct vns_sock *vns_sk(const struct sock *sk)
{
	return (struct vns_sock *)sk;
}

static inline struct sock *vns_sock_sk(struct vns_sock *vs)
{
	return &vs->vsk.sk;
}

static inline bool vns_is_seqpacket(const struct vns_sock *vs)
{
	return vs->vsk.sk.sk_type == SOCK_SEQPACKET;
}

static inline bool vns_is_connectible(const struct sock *sk)
{
	return sk->sk_type == SOCK_STREAM || sk->sk_type == SOCK_SEQPACKET;
}

/* Where addresses of this socket mean something; never changes. */
static inline const struct vns_domain *vns_domain(const struct vns_sock *vs)
{
	return vns_net(sock_net(&vs->vsk.sk))->domain;
}

/* Has the peer, or this side, ended what this side sends? */
static inline bool vns_send_is_shut(struct vns_sock *vs)
{
	return (vns_sock_sk(vs)->sk_shutdown & SEND_SHUTDOWN) ||
	       (READ_ONCE(vs->vsk.peer_shutdown) & RCV_SHUTDOWN);
}

/*
 * May something that has arrived become receivable later?  The socket lock is
 * held.
 */
static inline bool vns_expects_more(struct vns_sock *vs)
{
	return vns_in_sockmap(vns_sock_sk(vs)) && vs->transport &&
	       vns_sockmap_expects(vs);
}

/*
 * Has the peer ended what it sends, and is all of it where a receive, or
 * nothing, finds it?  The socket lock is held.
 */
static inline bool vns_peer_is_done(struct vns_sock *vs)
{
	/* Pairs with whoever shuts down after it queued its last data. */
	return (smp_load_acquire(&vs->vsk.peer_shutdown) & SEND_SHUTDOWN) &&
	       !vns_expects_more(vs);
}

/* The transport's has_data, or a sockmap's. */
static inline bool vns_has_data(struct vns_sock *vs, size_t target)
{
	if (vns_in_sockmap(vns_sock_sk(vs)))
		return vns_sockmap_has_data(vs, target);
	return vs->transport->has_data(vs, target);
}

/*
 * Has the peer ended both directions, and all that it sent was received?  Then
 * calls answer as if there were no connection any more; one that was reset has an
 * error to tell first.  @vs has a transport, and the socket lock is held.
 */
static inline bool vns_is_over(struct vns_sock *vs)
{
	return vns_peer_is_done(vs) &&
	       READ_ONCE(vs->vsk.peer_shutdown) == SHUTDOWN_MASK &&
	       !READ_ONCE(vns_sock_sk(vs)->sk_err) && !vns_has_data(vs, 1);
}

/* socket.c */
struct sock *vns_sock_new(struct net *net, struct socket *sock,
			  struct sock *parent, gfp_t gfp, int type, int kern);
int vns_release(struct socket *sock);
void vns_sock_close(struct sock *sk, int nesting);

/* bind.c */
int vns_bind_locked(struct vns_sock *vs, const struct sockaddr_vm *addr);
int vns_autobind(struct vns_sock *vs);

/* connect.c */
extern struct workqueue_struct *vns_wq;
int vns_connect_init(void);
void vns_connect_exit(void);
void vns_connect_prepare(struct vns_sock *vs);
void vns_connect_forget(struct vns_sock *vs);

/* listen.c */
void vns_pending_expired(struct vns_sock *vs);
void vns_child_enqueue_stock(struct sock *listener, struct sock *child);
struct sock *vns_accept_dequeue(struct sock *listener);
void vns_listen_end(struct vns_sock *vs);
void vns_pending_add(struct sock *listener, struct sock *pending);
void vns_pending_remove(struct sock *listener, struct sock *pending);

/* wait.c */
int vns_wait(struct vns_sock *vs, struct vns_io *io, enum vns_wait what,
	     long *timeout);
void vns_wait_prepare(struct vns_sock *vs);
void vns_wait_sent(struct vns_sock *vs, long timeout);
void vns_ready_locked(struct vns_sock *vs);
void vns_ready_run(struct vns_sock *vs);
void vns_data_ready_later(struct sock *sk, unsigned long delay);

/* zerocopy.c */
bool vns_zerocopy_allowed(const struct vns_sock *vs);
int vns_zerocopy_begin(struct vns_sock *vs, struct vns_io *io);
void vns_zerocopy_end(struct vns_io *io, bool sent);

/* sockopt.c */
void vns_buffer_size_set(struct vns_sock *vs, u64 size);

/* device.c */
int vns_device_register(void);
void vns_device_unregister(void);

/* ops.c */
extern const struct proto_ops vns_stream_ops;
extern const struct proto_ops vns_seqpacket_ops;
extern const struct proto_ops vns_dgram_ops;

/* What the proto_ops tables point at, by file. */
int vns_getname(struct socket *sock, struct sockaddr *addr, int peer);
int vns_connectible_sendmsg(struct socket *sock, struct msghdr *msg,
			    size_t len);
int vns_connectible_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
			    int flags);
__poll_t vns_poll(struct file *file, struct socket *sock, poll_table *wait);
int vns_listen(struct socket *sock, int backlog);
int vns_shutdown(struct socket *sock, int how);
int vns_setsockopt(struct socket *sock, int level, int name, sockptr_t value,
		   unsigned int len);
int vns_getsockopt(struct socket *sock, int level, int name,
		   char __user *value, int __user *len);
int vns_set_rcvlowat(struct sock *sk, int val);
int vns_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg);
int vns_dgram_sendmsg(struct socket *sock, struct msghdr *msg, size_t len);
int vns_dgram_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
		      int flags);
int vns_bind_sockaddr(struct socket *sock, const void *addr, int len);
int vns_connect_sockaddr(struct socket *sock, const void *addr, int len,
			 int flags);
int vns_dgram_connect_sockaddr(struct socket *sock, const void *addr, int len,
			       int flags);
int vns_accept_socket(struct socket *sock, struct socket *newsock, int flags);

#endif /* VNS_SOCKET_H */
