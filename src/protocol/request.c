// SPDX-License-Identifier: GPL-2.0-only
/* A guest connects to a listener of ours. */
#include <linux/errno.h>
#include <uapi/linux/virtio_vsock.h>

#include "protocol/conn.h"

static int establish(struct guest *guest, const struct packet_header *header,
		     struct sock *listener, struct vns_sock *child)
{
	struct conn *conn;
	int err;

	vsock_addr_init(&child->vsk.local_addr, header->dst_cid,
			header->dst_port);
	vsock_addr_init(&child->vsk.remote_addr, header->src_cid,
			header->src_port);
	err = vns_child_attach(child, &conn_transport);
	if (err)
		return err;
	conn = conn_new(guest, header->src_cid, child, header->src_port,
			header->dst_port);
	if (!conn)
		return -ENOMEM;
	conn->state = CONN_ESTABLISHED;
	conn->accepted = true;
	conn->known = true;
	conn->peer_buf_alloc = header->buf_alloc;
	/* Sent by this thread, and so not before the listener took it. */
	conn->due = CONN_DUE_RESPONSE;
	err = conn_link(conn);
	if (err)
		return err;
	vns_mark_connected(child);

	/* From here on it may be accepted, used and closed. */
	conn_get(conn);
	err = vns_child_enqueue(listener, vns_sock_sk(child));
	spin_lock(&conn->lock);
	if (err)
		conn_unlink(conn);
	else
		conn_make_ready(conn);
	spin_unlock(&conn->lock);
	conn_put(conn);

	return err;
}

static int connect_in(struct protocol *protocol,
		      const struct packet_header *header, struct sock *listener)
{
	const bool seqpacket = header->type == VIRTIO_VSOCK_TYPE_SEQPACKET;
	struct guest *guest = protocol_guest(protocol);
	struct sock *child;
	int err;

	if (!vns_listener_would_take(listener,
				     seqpacket ? SOCK_SEQPACKET : SOCK_STREAM))
		return -ECONNRESET;
	if (seqpacket && !guest_has_seqpacket(guest))
		return -ESOCKTNOSUPPORT;

	child = vns_child_create(listener);
	if (!child)
		return -ENOMEM;
	err = establish(guest, header, listener, vns_sk(child));
	/* The queue of the listener has a reference of its own. */
	if (err)
		vns_child_abandon(child);

	return err;
}

/**
 * protocol_request() - a guest wants to connect
 * @protocol: the guest's connections
 * @header: its VIRTIO_VSOCK_OP_REQUEST
 *
 * Context: the guest's thread; may sleep for memory.
 */
void protocol_request(struct protocol *protocol,
		      const struct packet_header *header)
{
	struct sockaddr_vm addr;
	struct sock *listener;
	int err = -ECONNRESET;

	/* A hypervisor above us may have given us its CID since. */
	if (vns_route_cid_is_ours(header->src_cid)) {
		protocol_refuse(protocol, header);
		return;
	}
	vsock_addr_init(&addr, header->dst_cid, header->dst_port);
	listener = vns_listener_find(guest_domain(protocol_guest(protocol)),
				     &addr);
	if (listener) {
		err = connect_in(protocol, header, listener);
		sock_put(listener);
	}
	if (err)
		protocol_refuse(protocol, header);
}
