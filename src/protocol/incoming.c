// SPDX-License-Identifier: GPL-2.0-only
/* A packet from the guest. */
#include <linux/errno.h>
#include <uapi/linux/virtio_vsock.h>

#include "protocol/conn.h"
#include "protocol/tap.h"

/**
 * protocol_may_receive() - may a packet be taken from the guest?
 * @protocol: the guest's connections
 *
 * Not while as many answers wait as can be kept: each packet may need one.
 *
 * Context: the guest's thread.
 */
bool protocol_may_receive(struct protocol *protocol)
{
	return protocol->refusals_count < PROTOCOL_MAX_REFUSALS;
}

/* Once for each packet at most; for that there is room. */
static void refuse(struct protocol *protocol,
		   const struct packet_header *header, u32 buf_alloc,
		   u32 fwd_cnt)
{
	unsigned int at = protocol->refusals_first + protocol->refusals_count;

	if (header->op == VIRTIO_VSOCK_OP_RST ||
	    WARN_ON_ONCE(!protocol_may_receive(protocol)))
		return;
	protocol->refusals[at % PROTOCOL_MAX_REFUSALS] = (struct refusal) {
		.guest_port = header->src_port,
		.host_port = header->dst_port,
		.buf_alloc = buf_alloc,
		.fwd_cnt = fwd_cnt,
		.type = header->type,
		.turn = READ_ONCE(protocol->next_turn),
	};
	protocol->refusals_count++;
}

/**
 * protocol_refuse() - answer a packet that belongs to no connection with a RST
 * @protocol: the guest's connections
 * @header: the packet; a RST gets no answer
 *
 * Context: the guest's thread.
 */
void protocol_refuse(struct protocol *protocol,
		     const struct packet_header *header)
{
	refuse(protocol, header, 0, 0);
}

/**
 * conn_refuse() - answer a packet that ends its connection with a RST
 * @conn: the connection
 * @header: the packet
 *
 * Context: the guest's thread.
 */
void conn_refuse(struct conn *conn, const struct packet_header *header)
	__must_hold(&conn->lock)
{
	lockdep_assert_held(&conn->lock);
	refuse(conn->protocol, header, conn->buf_alloc, conn->forwarded);
}

/* The answer to our request, or what should have been one. */
static void take_answer(struct conn *conn, const struct packet_header *header,
			struct sk_buff_head *dropped)
	__must_hold(&conn->lock)
{
	/* It cannot know of a request that it did not get. */
	const bool asked = !(conn->due & CONN_DUE_REQUEST);

	if (!asked) {
		protocol_refuse(conn->protocol, header);
		return;
	}

	switch (header->op) {
	case VIRTIO_VSOCK_OP_INVALID:
		break;
	case VIRTIO_VSOCK_OP_RESPONSE:
		conn->state = CONN_ESTABLISHED;
		conn->accepted = true;
		conn_credit_update(conn, header);
		conn_make_ready(conn);
		conn_answer(conn);
		break;
	case VIRTIO_VSOCK_OP_RST:
		conn_close(conn, ECONNRESET, dropped);
		conn_unlink(conn);
		break;
	default:
		conn_refuse(conn, header);
		conn_close(conn, EPROTO, dropped);
		conn_unlink(conn);
		break;
	}
}

/* What the guest does no more: RCV_SHUTDOWN, SEND_SHUTDOWN. */
static u8 what_ends(const struct packet_header *header)
{
	u8 how = 0;

	if (header->flags & VIRTIO_VSOCK_SHUTDOWN_RCV)
		how |= RCV_SHUTDOWN;
	if (header->flags & VIRTIO_VSOCK_SHUTDOWN_SEND)
		how |= SEND_SHUTDOWN;

	return how;
}

static void take_shutdown(struct conn *conn, const struct packet_header *header,
			  struct sk_buff_head *dropped)
	__must_hold(&conn->lock)
{
	struct vsock_sock *vsk = vsock_sk(conn->sk);
	const u8 how = what_ends(header);

	if (!how)
		return;

	conn->peer_shutdown |= how;
	if (conn->peer_shutdown == SHUTDOWN_MASK &&
	    skb_queue_empty(conn->in.buffers)) {
		/*
		 * It stays where it is: closing the socket answers once more,
		 * unless the ports are in use again.
		 */
		conn_refuse(conn, header);
		conn_close(conn, 0, dropped);
		return;
	}
	if (!conn->known)
		return;
	/* After the last data: see vns_peer_is_done(). */
	smp_store_release(&vsk->peer_shutdown, vsk->peer_shutdown | how);
	conn->sk->sk_state_change(conn->sk);
}

static int take_established(struct conn *conn,
			    const struct packet_header *header,
			    struct iov_iter *payload,
			    struct sk_buff_head *dropped)
	__must_hold(&conn->lock)
{
	conn_credit_update(conn, header);

	switch (header->op) {
	case VIRTIO_VSOCK_OP_RW:
		return conn_receive(conn, header, payload, dropped);
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		conn_due(conn, CONN_DUE_CREDIT);
		break;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		take_shutdown(conn, header, dropped);
		break;
	case VIRTIO_VSOCK_OP_RST:
		/* It stays, as above. */
		conn_close(conn, 0, dropped);
		break;
	}

	return 0;
}

/* Nobody is here to receive: the guest has to agree that it is over. */
static void take_lingering(struct conn *conn,
			   const struct packet_header *header,
			   struct sk_buff_head *dropped)
	__must_hold(&conn->lock)
{
	switch (header->op) {
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		conn->peer_shutdown |= what_ends(header);
		if (conn->peer_shutdown != SHUTDOWN_MASK)
			break;
		conn_refuse(conn, header);
		fallthrough;
	case VIRTIO_VSOCK_OP_RST:
		conn_end(conn, dropped);
		conn_unlink(conn);
		break;
	}
}

/* Is the packet for this connection, or for what comes after it? */
static bool concerns(const struct conn *conn,
		     const struct packet_header *header)
{
	if (conn->state == CONN_CLOSED)
		return false;
	return conn->sk || header->op != VIRTIO_VSOCK_OP_REQUEST;
}

/* 0, -EFAULT, or -ENOENT: the packet is not for it. */
static int take(struct conn *conn, const struct packet_header *header,
		struct iov_iter *payload)
{
	struct sk_buff_head dropped;
	int ret = 0;

	__skb_queue_head_init(&dropped);
	spin_lock(&conn->lock);
	if (!concerns(conn, header))
		ret = -ENOENT;
	else if (conn->type != header->type)
		protocol_refuse(conn->protocol, header);
	else if (!conn->sk)
		take_lingering(conn, header, &dropped);
	else if (conn->state == CONN_CONNECTING)
		take_answer(conn, header, &dropped);
	else
		ret = take_established(conn, header, payload, &dropped);
	spin_unlock(&conn->lock);
	__skb_queue_purge(&dropped);

	return ret;
}

static bool known_type(u16 type)
{
	return type == VIRTIO_VSOCK_TYPE_STREAM ||
	       type == VIRTIO_VSOCK_TYPE_SEQPACKET;
}

/**
 * protocol_receive() - take a packet from the guest
 * @protocol: the guest's connections, protocol_may_receive()
 * @header: its header, from packet_header_parse()
 * @payload: @header->len bytes
 *
 * Context: the guest's thread; may sleep for memory, the guest's and other.
 * Return: 0, -EFAULT when @payload could not be read: its connection was reset.
 */
int protocol_receive(struct protocol *protocol,
		     const struct packet_header *header,
		     struct iov_iter *payload)
{
	const u32 cid = guest_cid(protocol_guest(protocol));
	struct conn *conn;
	int ret = -ENOENT;

	/* It has a name, speaks for itself only, and to this machine. */
	if (!cid || header->src_cid != cid ||
	    header->dst_cid != VMADDR_CID_HOST)
		return 0;
	if (!header->len)
		protocol_tap(protocol, header);

	conn = conn_find(protocol, header->src_port, header->dst_port);
	if (conn) {
		ret = take(conn, header, payload);
		conn_put(conn);
	}
	if (ret != -ENOENT)
		return ret;

	if (header->op == VIRTIO_VSOCK_OP_REQUEST && known_type(header->type))
		protocol_request(protocol, header);
	else
		protocol_refuse(protocol, header);

	return 0;
}
