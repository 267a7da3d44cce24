/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables that find a socket by its address, inside a domain. */
#ifndef VNS_TABLE_H
#define VNS_TABLE_H

#include <linux/types.h>

struct sock;
struct sockaddr_vm;
struct vns_domain;
struct vns_net;
struct vns_sock;

int vns_table_init(void);
void vns_table_exit(void);

void vns_table_add_unbound(struct vns_sock *vs);
int vns_table_bind(struct vns_sock *vs, struct vns_net *vn,
		   const struct sockaddr_vm *addr);
void vns_table_unbind(struct vns_sock *vs);
void vns_table_forget(struct vns_sock *vs);
int vns_table_connect(struct vns_sock *vs, bool listed_only);
void vns_table_disconnect(struct vns_sock *vs);

struct sock *vns_table_find_bound(const struct vns_domain *domain,
				  const struct sockaddr_vm *addr);
struct sock *vns_table_find_connected(const struct vns_domain *domain,
				      const struct sockaddr_vm *local,
				      const struct sockaddr_vm *remote);
void vns_table_for_each_connected(const void *stock_transport,
				  void (*fn)(struct sock *sk));

#endif /* VNS_TABLE_H */
