/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest: one open /dev/vhost-vsock.
 *
 * Three rooms share it.  This one (src/vhost) has the file, its ioctls, the thread
 * that serves the rings, and the table of CIDs; src/ring has the rings and the
 * guest's memory; src/protocol has the connections.
 */
#ifndef VNS_VHOST_GUEST_H
#define VNS_VHOST_GUEST_H

#include <linux/types.h>

#define VNS_TRANSPORT_MODULE
#include "core/socket.h"
#include "protocol/protocol.h"

struct guest;

/* table.c: guests by domain and CID.  With a reference, or NULL. */
struct guest *guest_find(const struct vns_domain *domain, u32 cid);
bool guest_exists(const struct vns_domain *domain, u32 cid);
void guest_get(struct guest *guest);
void guest_put(struct guest *guest);

/* What the protocol asks of a guest; any context. */
u32 guest_cid(const struct guest *guest);
const struct vns_domain *guest_domain(const struct guest *guest);
bool guest_is_in(const struct guest *guest, const struct net *net);
bool guest_is_running(const struct guest *guest);
bool guest_has_seqpacket(const struct guest *guest);
struct protocol *guest_protocol(struct guest *guest);
struct guest *protocol_guest(struct protocol *protocol);

/* Has the guest's thread look for packets to send; any context. */
void guest_wake(struct guest *guest);

#endif /* VNS_VHOST_GUEST_H */
