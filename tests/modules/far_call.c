// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module parameters of a test transport: "calls" tells how often each hook was
 * called; writing "CID PORT OUR-PORT" to "call" lets the far side call us.
 */
#include <linux/kernel.h>
#include <linux/module.h>

#include "far_conn.h"

static int get_calls(char *buffer, const struct kernel_param *param)
{
	static const char *const names[] = {
#define FAR_HOOK_NAME(name) #name,
		FAR_HOOKS(FAR_HOOK_NAME)
	};
	const struct far_side *far = param->arg;
	int i, len = 0;

	for (i = 0; i < HOOK_COUNT; i++)
		len += scnprintf(buffer + len, PAGE_SIZE - len, "%s=%d\n",
				 names[i], atomic_read(&far->calls[i]));
	return len;
}

const struct kernel_param_ops far_calls_ops = {
	.get = get_calls,
};
EXPORT_SYMBOL_GPL(far_calls_ops);

/* Both locked.  The child becomes a connection that waits for accept(). */
static void finish(struct far_side *far, struct sock *listener,
		   struct sock *child)
{
	child->sk_state = TCP_ESTABLISHED;
	vsock_insert_connected(vsock_sk(child));
	if (far->handshake)
		vsock_remove_pending(listener, child);
	vsock_enqueue_accept(listener, child);
	far_established(far_conn(vsock_sk(child)));
}

static void begin_handshake(struct sock *listener, struct sock *child)
{
	struct vsock_sock *vchild = vsock_sk(child);

	child->sk_state = TCP_SYN_SENT;
	vsock_add_pending(listener, child);
	/* The clean-up of a handshake that nobody ends has references. */
	vchild->listener = listener;
	sock_hold(listener);
	sock_hold(child);
	schedule_delayed_work(&vchild->pending_work, HZ / 10);
}

static int call_listener(struct far_side *far, struct sock *listener,
			 const struct sockaddr_vm *from,
			 const struct sockaddr_vm *to)
{
	struct vsock_sock *vchild;
	struct sock *child;
	int err;

	if (listener->sk_state != TCP_LISTEN || sk_acceptq_is_full(listener))
		return -ECONNREFUSED;
	child = vsock_create_connected(listener);
	if (!child)
		return -ENOMEM;
	lock_sock_nested(child, SINGLE_DEPTH_NESTING);
	vchild = vsock_sk(child);
	vchild->local_addr = *to;
	vchild->remote_addr = *from;
	err = vsock_assign_transport(vchild, vsock_sk(listener));
	if (!err && vsock_core_get_transport(vchild) != far->transport)
		err = -EPROTO;
	if (err) {
		release_sock(child);
		sock_put(child);
		return err;
	}
	far_conn(vchild)->service = from->svm_port;
	sk_acceptq_added(listener);
	if (far->handshake)
		begin_handshake(listener, child);
	if (!far->handshake || from->svm_port != FAR_SILENT)
		finish(far, listener, child);
	release_sock(child);
	listener->sk_data_ready(listener);

	return 0;
}

static int set_call(const char *text, const struct kernel_param *param)
{
	struct far_side *far = param->arg;
	u32 cid, port, our_port, our_cid;
	struct sockaddr_vm from, to;
	struct sock *listener;
	int err;

	if (sscanf(text, "%u %u %u", &cid, &port, &our_port) != 3)
		return -EINVAL;
	our_cid = far->transport->get_local_cid();
	vsock_addr_init(&from, cid, port);
	vsock_addr_init(&to, our_cid, our_port);
	/* As every transport does: it may belong to a connection already. */
	listener = vsock_find_connected_socket(&from, &to);
	if (listener) {
		sock_put(listener);
		return -EISCONN;
	}
	listener = vsock_find_bound_socket(&to);
	if (!listener)
		return -ECONNREFUSED;
	lock_sock(listener);
	err = call_listener(far, listener, &from, &to);
	release_sock(listener);
	sock_put(listener);

	return err;
}

const struct kernel_param_ops far_call_ops = {
	.set = set_call,
};
EXPORT_SYMBOL_GPL(far_call_ops);
