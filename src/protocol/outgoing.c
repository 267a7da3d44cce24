// SPDX-License-Identifier: GPL-2.0-only
/* The next packet for the guest. */
#include <linux/errno.h>
#include <linux/uio.h>
#include <uapi/linux/virtio_vsock.h>

#include "protocol/conn.h"
#include "protocol/tap.h"

static bool has_payload(const struct conn *conn)
{
	return conn->state == CONN_ESTABLISHED && conn->out.unread;
}

/* Of what is due, that which may be sent already. */
static u8 sendable(const struct conn *conn)
{
	switch (conn->state) {
	case CONN_CONNECTING:
		return conn->due & (CONN_DUE_REQUEST | CONN_DUE_SHUTDOWN);
	case CONN_ESTABLISHED:
		return conn->due;
	default:
		return conn->due & CONN_DUE_RST;
	}
}

static bool has_something(const struct conn *conn)
{
	return sendable(conn) || has_payload(conn);
}

/*
 * In one turn a connection sends up to so many small packets, or so many pages:
 * all that it has, mostly, so that the guest sees packets in the order in which
 * they came up.
 */
#define TURN_MAX	64

/* To the end of the list: a new turn. */
static void await_turn(struct conn *conn)
	__must_hold(&conn->lock)
{
	struct protocol *protocol = conn->protocol;

	lockdep_assert_held(&conn->lock);
	conn->spent = 0;
	spin_lock(&protocol->lock);
	conn->turn = protocol->next_turn;
	WRITE_ONCE(protocol->next_turn, conn->turn + 1);
	list_add_tail(&conn->ready, &protocol->ready);
	spin_unlock(&protocol->lock);
}

/* To the front: its turn goes on. */
static void keep_turn(struct conn *conn)
	__must_hold(&conn->lock)
{
	struct protocol *protocol = conn->protocol;

	lockdep_assert_held(&conn->lock);
	spin_lock(&protocol->lock);
	list_add(&conn->ready, &protocol->ready);
	spin_unlock(&protocol->lock);
}

/**
 * conn_make_ready() - have the guest's thread look at what there is to send
 * @conn: the connection
 */
void conn_make_ready(struct conn *conn)
	__must_hold(&conn->lock)
{
	lockdep_assert_held(&conn->lock);
	if (conn->is_ready || !conn->linked || !has_something(conn))
		return;
	conn->is_ready = true;
	conn_get(conn);
	await_turn(conn);
	guest_wake(protocol_guest(conn->protocol));
}

/**
 * conn_due() - a control packet is to be sent
 * @conn: the connection
 * @due: CONN_DUE_*
 */
void conn_due(struct conn *conn, u8 due)
	__must_hold(&conn->lock)
{
	conn->due |= due;
	conn_make_ready(conn);
}

/*
 * The thread is done with @conn until its next turn, after a packet or -EFAULT.
 * True: it is back in the list, which has the reference.
 */
static bool put_back(struct conn *conn, int ret, u32 len)
	__must_hold(&conn->lock)
{
	if (conn->linked && has_something(conn)) {
		conn->spent += 1 + len / PAGE_SIZE;
		if (ret > 0 && conn->spent < TURN_MAX)
			keep_turn(conn);
		else
			await_turn(conn);
		return true;
	}
	conn->is_ready = false;
	/* Nothing waits that lingered for that alone. */
	if (!conn->sk && conn->state == CONN_CLOSED)
		conn_unlink(conn);

	return false;
}

static void fill(struct conn *conn, struct packet_header *header, u16 op)
	__must_hold(&conn->lock)
{
	*header = (struct packet_header) {
		.src_cid = VMADDR_CID_HOST,
		.dst_cid = conn->cid,
		.src_port = conn->key.host_port,
		.dst_port = conn->key.guest_port,
		.type = conn->type,
		.op = op,
	};
	conn_credit_fill(conn, header);
}

/**
 * struct piece - the part of a buffer that a packet takes along
 * @skb: the buffer, out of the queue meanwhile
 * @offset: of the part
 * @len: its bytes
 * @begun: @offset is behind the word of a message that begins here
 */
struct piece {
	struct sk_buff *skb;
	u32 offset;
	u32 len;
	bool begun;
};

/* Takes the buffer out of the queue: nobody appends to it, or frees it, now. */
static void take_piece(struct conn *conn, size_t room, struct piece *piece,
		       struct packet_header *header)
	__must_hold(&conn->lock)
{
	vns_record record;

	piece->skb = __skb_dequeue(conn->out.buffers);
	piece->offset = conn->out.taken;
	piece->begun = conn->messages && !conn->message_left;
	if (piece->begun) {
		memcpy(&record, piece->skb->data + piece->offset,
		       sizeof(record));
		piece->offset += sizeof(record);
		conn->message_left = vns_record_len(record);
		conn->message_eor = record & VNS_RECORD_EOR;
	}
	piece->len = min_t(size_t, piece->skb->len - piece->offset, room);
	if (conn->messages)
		piece->len = min(piece->len, conn->message_left);
	header->len = piece->len;
	if (conn->messages && piece->len == conn->message_left)
		header->flags = VIRTIO_VSOCK_SEQ_EOM |
			(conn->message_eor ? VIRTIO_VSOCK_SEQ_EOR : 0);
}

/* Nothing was sent; unless the connection ended meanwhile, it still can be. */
static void undo_piece(struct conn *conn, const struct piece *piece,
		       struct sk_buff_head *done)
	__must_hold(&conn->lock)
{
	if (conn->state == CONN_CLOSED) {
		__skb_queue_tail(done, piece->skb);
		return;
	}
	if (piece->begun)
		conn->message_left = 0;
	__skb_queue_head(conn->out.buffers, piece->skb);
}

static void piece_sent(struct conn *conn, const struct piece *piece,
		       struct sk_buff_head *done)
	__must_hold(&conn->lock)
{
	if (conn->state == CONN_CLOSED) {
		__skb_queue_tail(done, piece->skb);
		return;
	}
	conn->out.unread -= piece->len;
	conn->out.taken = piece->offset + piece->len;
	if (conn->messages)
		conn->message_left -= piece->len;
	if (conn->out.taken < piece->skb->len) {
		__skb_queue_head(conn->out.buffers, piece->skb);
	} else {
		conn->out.taken = 0;
		__skb_queue_tail(done, piece->skb);
	}
	conn_credit_wake(conn);
	if (unlikely(conn->drain_wanted) && !conn->out.unread && conn->sk)
		conn->sk->sk_state_change(conn->sk);
}

static int send_payload(struct conn *conn, struct packet_header *header,
			struct iov_iter *room, struct sk_buff_head *done)
	__must_hold(&conn->lock)
{
	struct piece piece;
	int err;

	if (!iov_iter_count(room))
		return -EFAULT;
	fill(conn, header, VIRTIO_VSOCK_OP_RW);
	take_piece(conn, iov_iter_count(room), &piece, header);
	spin_unlock(&conn->lock);

	err = skb_copy_datagram_iter(piece.skb, piece.offset, room, piece.len);
	if (!err)
		protocol_tap_payload(conn->protocol, header, piece.skb,
				     piece.offset);

	spin_lock(&conn->lock);
	if (err) {
		/* Whatever this packet would have said is still to be said. */
		undo_piece(conn, &piece, done);
		if (conn->state == CONN_ESTABLISHED)
			conn->due |= CONN_DUE_CREDIT;
		return -EFAULT;
	}
	piece_sent(conn, &piece, done);

	return 1;
}

static u32 shutdown_flags(const struct conn *conn)
{
	return (conn->shutdown & RCV_SHUTDOWN ? VIRTIO_VSOCK_SHUTDOWN_RCV : 0) |
	       (conn->shutdown & SEND_SHUTDOWN ? VIRTIO_VSOCK_SHUTDOWN_SEND : 0);
}

/* The most urgent of what is due; what follows data waits for that. */
static u16 take_due(struct conn *conn)
	__must_hold(&conn->lock)
{
	static const struct {
		u8 due;
		u16 op;
	} order[] = {
		{ CONN_DUE_REQUEST, VIRTIO_VSOCK_OP_REQUEST },
		{ CONN_DUE_RESPONSE, VIRTIO_VSOCK_OP_RESPONSE },
		{ CONN_DUE_RST, VIRTIO_VSOCK_OP_RST },
		{ 0, VIRTIO_VSOCK_OP_RW },
		{ CONN_DUE_CREDIT, VIRTIO_VSOCK_OP_CREDIT_UPDATE },
		{ CONN_DUE_SHUTDOWN, VIRTIO_VSOCK_OP_SHUTDOWN },
	};
	const u8 due = sendable(conn);
	int i;

	if (likely(!due))
		return has_payload(conn) ? VIRTIO_VSOCK_OP_RW :
					   VIRTIO_VSOCK_OP_INVALID;

	for (i = 0; i < ARRAY_SIZE(order); i++) {
		if (order[i].due ? !(due & order[i].due) : !has_payload(conn))
			continue;
		conn->due &= ~order[i].due;
		return order[i].op;
	}

	return VIRTIO_VSOCK_OP_INVALID;
}

/* 1 when @header is filled, 0 when there is nothing, or -EFAULT. */
static int next_packet(struct conn *conn, struct packet_header *header,
		       struct iov_iter *room, struct sk_buff_head *done)
	__must_hold(&conn->lock)
{
	const u16 op = take_due(conn);

	if (op == VIRTIO_VSOCK_OP_INVALID)
		return 0;
	if (op == VIRTIO_VSOCK_OP_RW)
		return send_payload(conn, header, room, done);
	fill(conn, header, op);
	if (op == VIRTIO_VSOCK_OP_SHUTDOWN) {
		header->flags = shutdown_flags(conn);
		conn->shutdown = 0;
	}

	return 1;
}

static int send_from(struct conn *conn, struct packet_header *header,
		     struct iov_iter *room)
{
	struct sk_buff_head done;
	bool kept;
	int ret;

	header->len = 0;
	__skb_queue_head_init(&done);
	spin_lock(&conn->lock);
	ret = next_packet(conn, header, room, &done);
	if (ret > 0 && unlikely(conn->place == CONN_LINGERING) && conn->linked)
		conn_linger_touch(conn);
	kept = put_back(conn, ret, header->len);
	spin_unlock(&conn->lock);
	vns_queue_free(&done);
	if (!kept)
		conn_put(conn);

	return ret;
}

static const struct refusal *first_refusal(const struct protocol *protocol)
{
	return protocol->refusals_count ?
	       &protocol->refusals[protocol->refusals_first] : NULL;
}

/*
 * Whose turn it is: a connection's, which comes with the reference that the list
 * had, or NULL: a refusal's or nobody's.
 */
static struct conn *take_ready(struct protocol *protocol)
{
	const struct refusal *refusal = first_refusal(protocol);
	struct conn *conn;

	spin_lock(&protocol->lock);
	conn = list_first_entry_or_null(&protocol->ready, struct conn, ready);
	if (conn && refusal && refusal->turn <= conn->turn)
		conn = NULL;
	if (conn)
		list_del_init(&conn->ready);
	spin_unlock(&protocol->lock);

	return conn;
}

static int send_refusal(struct protocol *protocol,
			struct packet_header *header)
{
	const struct refusal *refusal = first_refusal(protocol);

	if (!refusal)
		return 0;

	*header = (struct packet_header) {
		.src_cid = VMADDR_CID_HOST,
		.dst_cid = guest_cid(protocol_guest(protocol)),
		.src_port = refusal->host_port,
		.dst_port = refusal->guest_port,
		.type = refusal->type,
		.op = VIRTIO_VSOCK_OP_RST,
		.buf_alloc = refusal->buf_alloc,
		.fwd_cnt = refusal->fwd_cnt,
	};
	protocol->refusals_first++;
	protocol->refusals_first %= PROTOCOL_MAX_REFUSALS;
	protocol->refusals_count--;

	return 1;
}

/**
 * protocol_may_send() - does something wait to be sent?
 * @protocol: the guest's connections
 *
 * Context: the guest's thread.
 */
bool protocol_may_send(struct protocol *protocol)
{
	return protocol->refusals_count ||
	       !list_empty_careful(&protocol->ready);
}

/**
 * protocol_send() - make the next packet for the guest
 * @protocol: the guest's connections
 * @header: filled in
 * @room: of a buffer of the guest's, behind the header; takes @header->len bytes
 *
 * Connections take turns.  A packet is split when it does not fit.
 *
 * Context: the guest's thread; may sleep for the guest's memory.
 * Return: 1, 0 when nothing waits any more, -EFAULT when @room cannot be written
 *	or is empty: nothing was taken that will not be sent with another buffer.
 */
int protocol_send(struct protocol *protocol, struct packet_header *header,
		  struct iov_iter *room)
{
	struct conn *conn;
	int ret = 0;

	while (!ret && (conn = take_ready(protocol)))
		ret = send_from(conn, header, room);
	if (!ret)
		ret = send_refusal(protocol, header);
	if (ret > 0 && !header->len)
		protocol_tap(protocol, header);

	return ret;
}
