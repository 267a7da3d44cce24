// SPDX-License-Identifier: GPL-2.0-only
/*
 * Datagrams, as VMCI has them: a port is the number of a resource that the
 * transport gives out, and the far side sends every datagram back.
 */
#include <linux/module.h>

#include "far_conn.h"

static LIST_HEAD(bound);
static DEFINE_SPINLOCK(bound_lock);
static u32 next_resource = 5000;

static bool in_use(u32 resource)
{
	struct far_conn *conn;

	list_for_each_entry(conn, &bound, bound)
		if (conn->resource == resource)
			return true;
	return false;
}

int far_dgram_bind(struct vsock_sock *vsk, struct sockaddr_vm *addr)
{
	struct far_conn *conn = far_called(vsk, dgram_bind);
	u32 wanted = addr->svm_port;
	int err = 0;

	spin_lock(&bound_lock);
	if (wanted == VMADDR_PORT_ANY)
		wanted = next_resource++;
	if (in_use(wanted)) {
		err = -EADDRINUSE;
	} else {
		conn->resource = wanted;
		list_add(&conn->bound, &bound);
	}
	spin_unlock(&bound_lock);
	if (!err)
		vsock_addr_init(&vsk->local_addr, addr->svm_cid, wanted);

	return err;
}
EXPORT_SYMBOL_GPL(far_dgram_bind);

void far_dgram_unbind(struct far_conn *conn)
{
	spin_lock(&bound_lock);
	list_del_init(&conn->bound);
	spin_unlock(&bound_lock);
}

int far_dgram_enqueue(struct vsock_sock *vsk, struct sockaddr_vm *to,
		      struct msghdr *msg, size_t len)
{
	struct far_conn *conn = far_called(vsk, dgram_enqueue);
	struct sk_buff *skb;

	if (len > conn->far->room)
		return -EMSGSIZE;
	skb = far_copy(msg, len);
	if (IS_ERR(skb))
		return PTR_ERR(skb);
	*far_cb(skb) = (struct far_cb){
		.cid = to->svm_cid,
		.port = to->svm_port,
	};
	/* The caller has the socket lock: it goes through the backlog. */
	sock_hold(sk_vsock(vsk));
	local_bh_disable();
	sk_receive_skb(sk_vsock(vsk), skb, 0);
	local_bh_enable();

	return len;
}
EXPORT_SYMBOL_GPL(far_dgram_enqueue);

int far_dgram_dequeue(struct vsock_sock *vsk, struct msghdr *msg, size_t len,
		      int flags)
{
	struct sock *sk = sk_vsock(vsk);
	struct sk_buff *skb;
	int off = 0;
	int err;

	(void)far_called(vsk, dgram_dequeue);
	skb = __skb_recv_datagram(sk, &sk->sk_receive_queue, flags, &off, &err);
	if (!skb)
		return err;
	if (len < skb->len)
		msg->msg_flags |= MSG_TRUNC;
	len = min_t(size_t, len, skb->len);
	err = skb_copy_datagram_msg(skb, 0, msg, len);
	if (!err && msg->msg_name) {
		DECLARE_SOCKADDR(struct sockaddr_vm *, from, msg->msg_name);

		vsock_addr_init(from, far_cb(skb)->cid, far_cb(skb)->port);
		msg->msg_namelen = sizeof(*from);
	}
	skb_free_datagram(sk, skb);

	return err ?: len;
}
EXPORT_SYMBOL_GPL(far_dgram_dequeue);

/* Of the others, who have none; nothing may ask them for any. */

int far_no_dgram_bind(struct vsock_sock *vsk, struct sockaddr_vm *addr)
{
	WARN_ON(1);
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(far_no_dgram_bind);

int far_no_dgram_enqueue(struct vsock_sock *vsk, struct sockaddr_vm *to,
			 struct msghdr *msg, size_t len)
{
	WARN_ON(1);
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(far_no_dgram_enqueue);

int far_no_dgram_dequeue(struct vsock_sock *vsk, struct msghdr *msg,
			 size_t len, int flags)
{
	WARN_ON(1);
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(far_no_dgram_dequeue);

bool far_no_dgram_allow(u32 cid, u32 port)
{
	return false;
}
EXPORT_SYMBOL_GPL(far_no_dgram_allow);
