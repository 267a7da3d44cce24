// SPDX-License-Identifier: GPL-2.0-only
/*
 * Routing: an address decides the role, the role has a transport.
 *
 *	this machine (CID 1, our own CID; CID 2 while nothing is above us),
 *	while loopback is loaded					 LOCAL
 *	CID up to 2, or VMADDR_FLAG_TO_HOST set				   G2H
 *	a guest of ours							   H2G
 *	any other CID, with g2h_fallback	G2H, VMADDR_FLAG_TO_HOST is set
 *	any other CID, without						   H2G
 *
 * A transport that knows nothing of namespaces belongs to the global domain:
 * nothing of a local one reaches it.
 */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>

#include "core/socket.h"
#include "route/route.h"

/* Written under roles_mutex, read under RCU. */
static const struct vns_transport __rcu *roles[VNS_ROLE_COUNT];
static DEFINE_MUTEX(roles_mutex);

/**
 * vns_transport_register() - a transport takes a role
 * @t: the transport; it may take several
 * @role: the role
 *
 * Context: may sleep.
 * Return: 0, or -EBUSY when another transport has the role.
 */
int vns_transport_register(const struct vns_transport *t, enum vns_role role)
{
	const struct vns_transport *old;
	int err = 0;

	mutex_lock(&roles_mutex);
	old = rcu_dereference_protected(roles[role],
					lockdep_is_held(&roles_mutex));
	if (!old)
		rcu_assign_pointer(roles[role], t);
	else if (old != t)
		err = -EBUSY;
	mutex_unlock(&roles_mutex);

	return err;
}
EXPORT_SYMBOL_GPL(vns_transport_register);

/**
 * vns_transport_unregister() - a transport gives all its roles back
 * @t: the transport; no socket is attached to it, because each held its module
 *
 * Context: may sleep.  Nothing refers to @t when this returns.
 */
void vns_transport_unregister(const struct vns_transport *t)
{
	int i;

	mutex_lock(&roles_mutex);
	for (i = 0; i < VNS_ROLE_COUNT; i++) {
		if (rcu_access_pointer(roles[i]) == t)
			RCU_INIT_POINTER(roles[i], NULL);
	}
	mutex_unlock(&roles_mutex);
	synchronize_rcu();
}
EXPORT_SYMBOL_GPL(vns_transport_unregister);

static u32 role_cid(enum vns_role role)
{
	const struct vns_transport *t = rcu_dereference(roles[role]);

	return t ? t->local_cid(t) : VMADDR_CID_ANY;
}

static bool has_role(enum vns_role role)
{
	return rcu_access_pointer(roles[role]);
}

/* Who has @role, unless it is among those that are @leaving. */
static const struct vns_transport *role_of(enum vns_role role,
					   unsigned long leaving)
{
	return leaving & BIT(role) ? NULL : rcu_dereference(roles[role]);
}

/**
 * vns_route_cid_is_ours() - may a socket be bound to @cid?
 * @cid: the CID; VMADDR_CID_ANY is none
 *
 * Context: any.
 */
bool vns_route_cid_is_ours(u32 cid)
{
	bool ours;

	rcu_read_lock();
	ours = (cid != VMADDR_CID_ANY && cid == role_cid(VNS_ROLE_G2H)) ||
	       (cid == VMADDR_CID_HOST && has_role(VNS_ROLE_H2G)) ||
	       (cid == VMADDR_CID_LOCAL && has_role(VNS_ROLE_LOCAL));
	rcu_read_unlock();

	return ours;
}
EXPORT_SYMBOL_GPL(vns_route_cid_is_ours);

/**
 * vns_route_local_cid() - the CID that others know this machine by
 *
 * Context: any.
 * Return: as a guest, else as a host, else VMADDR_CID_LOCAL, or VMADDR_CID_ANY
 *	when there is no transport.
 */
u32 vns_route_local_cid(void)
{
	static const enum vns_role order[] = {
		VNS_ROLE_G2H, VNS_ROLE_H2G, VNS_ROLE_LOCAL,
	};
	u32 cid = VMADDR_CID_ANY;
	int i;

	rcu_read_lock();
	for (i = 0; i < ARRAY_SIZE(order) && cid == VMADDR_CID_ANY; i++)
		cid = role_cid(order[i]);
	rcu_read_unlock();

	return cid;
}

/* Is @cid this machine itself? */
static bool is_this_machine(u32 cid, unsigned long leaving)
{
	const struct vns_transport *g2h = role_of(VNS_ROLE_G2H, leaving);

	if (!role_of(VNS_ROLE_LOCAL, leaving))
		return false;
	if (cid == VMADDR_CID_LOCAL)
		return true;
	if (g2h)
		return cid != VMADDR_CID_ANY && cid == g2h->local_cid(g2h);
	return cid == VMADDR_CID_HOST;
}

static bool falls_back_to_host(const struct vns_sock *vs, u32 cid,
			       unsigned long leaving)
{
	const struct vns_transport *g2h = role_of(VNS_ROLE_G2H, leaving);
	const struct vns_net *vn = vns_net(sock_net(&vs->vsk.sk));

	return READ_ONCE(vn->g2h_fallback) && cid != VMADDR_CID_ANY &&
	       g2h && !g2h->host_only &&
	       (!g2h->stream_allow ||
		g2h->stream_allow(g2h, cid, vs->vsk.remote_addr.svm_port));
}

static bool guest_is_served(const struct vns_sock *vs, u32 cid,
			    unsigned long leaving)
{
	const struct vns_transport *h2g = role_of(VNS_ROLE_H2G, leaving);

	/* Who cannot tell which guests it has gets them all. */
	return h2g && (!h2g->owns_cid || h2g->owns_cid(h2g, vns_domain(vs), cid));
}

/* Decides by @vs's remote address, whose flags it completes. */
static enum vns_role choose_role(struct vns_sock *vs, unsigned long leaving)
{
	struct sockaddr_vm *remote = &vs->vsk.remote_addr;
	const u32 cid = remote->svm_cid;

	if (is_this_machine(cid, leaving))
		return VNS_ROLE_LOCAL;
	if (cid <= VMADDR_CID_HOST || (remote->svm_flags & VMADDR_FLAG_TO_HOST))
		return VNS_ROLE_G2H;
	if (!guest_is_served(vs, cid, leaving) &&
	    falls_back_to_host(vs, cid, leaving)) {
		remote->svm_flags |= VMADDR_FLAG_TO_HOST;
		return VNS_ROLE_G2H;
	}
	return VNS_ROLE_H2G;
}

/* May @vs use @t, which has @role, for its remote address? */
static int check_reach(const struct vns_sock *vs, const struct vns_transport *t,
		       enum vns_role role)
{
	const struct sockaddr_vm *remote = &vs->vsk.remote_addr;

	if (vns_domain_is_local(vns_domain(vs)) && t->global_only) {
		if (vns_is_seqpacket(vs))
			return -ESOCKTNOSUPPORT;
		return role == VNS_ROLE_G2H ? -ENETUNREACH : -ENODEV;
	}
	if (vns_is_seqpacket(vs))
		return t->seqpacket_allow &&
		       t->seqpacket_allow(t, vns_domain(vs), remote->svm_cid) ?
		       0 : -ESOCKTNOSUPPORT;
	if (t->stream_allow &&
	    !t->stream_allow(t, remote->svm_cid, remote->svm_port))
		return -ENETUNREACH;

	return 0;
}

/*
 * With a reference on its module, or an error pointer.  A module that is being
 * unloaded still has its role for a moment, and counts as gone: the answer is
 * that of before or of after, never one of its own.
 */
static const struct vns_transport *choose(struct vns_sock *vs)
{
	const u8 flags = vs->vsk.remote_addr.svm_flags;
	const struct vns_transport *t;
	unsigned long leaving = 0;
	enum vns_role role;
	int err;

	rcu_read_lock();
	for (;;) {
		vs->vsk.remote_addr.svm_flags = flags;
		role = choose_role(vs, leaving);
		t = role_of(role, leaving);
		err = t ? check_reach(vs, t, role) : -ENODEV;
		if (err || try_module_get(t->owner))
			break;
		leaving |= BIT(role);
	}
	rcu_read_unlock();

	return err ? ERR_PTR(err) : t;
}

/* Takes over the caller's reference on @t's module. */
static int attach(struct vns_sock *vs, const struct vns_transport *t,
		  struct vns_sock *parent)
{
	int err;

	if (vs->transport == t) {
		module_put(t->owner);
		return 0;
	}
	if (vs->transport) {
		vs->transport->release(vs);
		vns_route_detach(vs);
		/* What the old connection left behind must not show again. */
		sock_reset_flag(vns_sock_sk(vs), SOCK_DONE);
		vns_sock_sk(vs)->sk_state = TCP_CLOSE;
		WRITE_ONCE(vs->vsk.peer_shutdown, 0);
	}

	vs->transport = t;
	err = t->attach(vs, parent);
	if (err) {
		vs->transport = NULL;
		module_put(t->owner);
	}

	return err;
}

/**
 * vns_route_attach() - let a certain transport carry a socket's data
 * @vs: the socket
 * @t: the transport; its module is held while it is attached
 * @parent: the listener of a child, or NULL
 *
 * Context: socket lock held, or nobody else knows @vs; may sleep.
 * Return: 0, -ENODEV when @t is going away, or the error of its attach.
 */
int vns_route_attach(struct vns_sock *vs, const struct vns_transport *t,
		     struct vns_sock *parent)
{
	if (!try_module_get(t->owner))
		return -ENODEV;

	return attach(vs, t, parent);
}

/**
 * vns_route_detach() - the socket's transport is done with it
 * @vs: the socket, attached or not
 *
 * Context: socket lock held, or nobody else knows @vs, or the last reference is
 *	gone; see vns_transport.detach.
 */
void vns_route_detach(struct vns_sock *vs)
{
	const struct vns_transport *t = vs->transport;

	if (!t)
		return;
	t->detach(vs);
	vs->transport = NULL;
	module_put(t->owner);
}

/**
 * vns_route_connect() - attach the transport that serves @vs's remote address
 * @vs: the socket; VMADDR_FLAG_TO_HOST may be set on its remote address
 *
 * Context: socket lock held; may sleep.
 * Return: 0, -ENODEV when nobody serves the address, -ENETUNREACH or
 *	-ESOCKTNOSUPPORT when who does cannot take @vs there, or the error of
 *	the transport's attach.
 */
int vns_route_connect(struct vns_sock *vs)
{
	const struct vns_transport *t = choose(vs);

	return IS_ERR(t) ? PTR_ERR(t) : attach(vs, t, NULL);
}

/**
 * vns_route_child() - attach the transport that a connection came through
 * @child: the new socket, its addresses set
 * @listener: whom it is for
 *
 * For stock transports, which leave the choice to us.  A peer above CID 2 that
 * knows us by such a CID too is a sibling: it came through the host.
 *
 * Context: socket lock of @child held; may sleep.
 * Return: as vns_route_connect().
 */
int vns_route_child(struct vns_sock *child, struct vns_sock *listener)
{
	const struct vns_transport *t;

	if (child->vsk.local_addr.svm_cid > VMADDR_CID_HOST &&
	    child->vsk.remote_addr.svm_cid > VMADDR_CID_HOST)
		child->vsk.remote_addr.svm_flags |= VMADDR_FLAG_TO_HOST;
	t = choose(child);

	return IS_ERR(t) ? PTR_ERR(t) : attach(child, t, listener);
}

/**
 * vns_route_dgram() - attach the transport for SOCK_DGRAM
 * @vs: a new socket
 *
 * Context: may sleep.
 * Return: 0, -ENODEV when no transport has datagrams or @vs is in a local
 *	namespace, or the error of the transport's attach.
 */
int vns_route_dgram(struct vns_sock *vs)
{
	const struct vns_transport *t;

	rcu_read_lock();
	t = rcu_dereference(roles[VNS_ROLE_DGRAM]);
	if (t && (vns_domain_is_local(vns_domain(vs)) || !try_module_get(t->owner)))
		t = NULL;
	rcu_read_unlock();

	return t ? attach(vs, t, NULL) : -ENODEV;
}
