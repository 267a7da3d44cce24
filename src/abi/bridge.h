/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the exported functions call.  Only types that <net/af_vsock.h> has made
 * complete or names already: this header must not change a symbol's CRC.
 */
#ifndef VNS_BRIDGE_H
#define VNS_BRIDGE_H

struct msghdr;
struct net;
struct sock;
struct sockaddr_vm;
struct sk_buff;
struct socket;
struct vns_domain;
struct vsock_sock;
struct vsock_transport;

int vns_bridge_register(const struct vsock_transport *t, int features);
void vns_bridge_unregister(const struct vsock_transport *t);
struct sock *vns_bridge_find_bound(const struct sockaddr_vm *addr);
struct sock *vns_bridge_find_connected(const struct sockaddr_vm *remote,
				       const struct sockaddr_vm *local);
void vns_bridge_insert_connected(struct vsock_sock *vsk);
void vns_bridge_remove_bound(struct vsock_sock *vsk);
void vns_bridge_remove_connected(struct vsock_sock *vsk);
void vns_bridge_for_each_connected(const struct vsock_transport *t,
				   void (*fn)(struct sock *sk));
void vns_bridge_add_pending(struct sock *listener, struct sock *pending);
void vns_bridge_remove_pending(struct sock *listener, struct sock *pending);
void vns_bridge_enqueue_accept(struct sock *listener, struct sock *connected);
int vns_bridge_assign_transport(struct vsock_sock *vsk,
				struct vsock_sock *parent);
bool vns_bridge_cid_is_ours(unsigned int cid);
struct sock *vns_bridge_create_child(struct sock *parent);
void vns_bridge_linger(struct sock *sk);
s64 vns_bridge_readable(struct vsock_sock *vsk);
bool vns_bridge_may_tap(const struct net *net, const struct vns_domain *domain);
unsigned long *vns_bridge_tapped(const struct vns_domain *domain);

/*
 * Of src/netns, src/core and <vns_transport.h>, declared again because those
 * headers say too much here.
 */
extern const struct vns_domain vns_global_domain;
bool vns_tap_any(void);
bool vns_tap_wanted(const struct vns_domain *domain);
void vns_tap_deliver(const struct vns_domain *domain, struct sk_buff *frame);
int vns_connectible_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
			    int flags);
int vns_dgram_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
		      int flags);

#endif /* VNS_BRIDGE_H */
