/* SPDX-License-Identifier: GPL-2.0-only */
/* Which transport serves an address. */
#ifndef VNS_ROUTE_H
#define VNS_ROUTE_H

#include "vns_transport.h"

int vns_route_connect(struct vns_sock *vs);
int vns_route_dgram(struct vns_sock *vs);
int vns_route_child(struct vns_sock *child, struct vns_sock *listener);
int vns_route_attach(struct vns_sock *vs, const struct vns_transport *t,
		     struct vns_sock *parent);
void vns_route_detach(struct vns_sock *vs);
u32 vns_route_local_cid(void);

#endif /* VNS_ROUTE_H */
