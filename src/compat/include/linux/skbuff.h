/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions behind MSG_ZEROCOPY under their present names.
 * ubuf_put_copied(): net_zcopy_put() of who has copied instead
 * msghdr_ubuf(): the completion that the caller of sendmsg() brought, or NULL.
 */
#ifndef VNS_COMPAT_LINUX_SKBUFF_H
#define VNS_COMPAT_LINUX_SKBUFF_H

#include_next <linux/skbuff.h>

#ifdef HAVE_MSG_ZEROCOPY_REALLOC_DEVMEM
#define msg_zerocopy_realloc(sk, size, ubuf) \
	msg_zerocopy_realloc(sk, size, ubuf, false)
#endif

#ifdef HAVE_SOCK_ZEROCOPY_REALLOC
#define msg_zerocopy_realloc sock_zerocopy_realloc

static inline void net_zcopy_get(struct ubuf_info *ubuf)
{
	refcount_inc(&ubuf->refcnt);
}

static inline void net_zcopy_put(struct ubuf_info *ubuf)
{
	sock_zerocopy_put(ubuf);
}

static inline void net_zcopy_put_abort(struct ubuf_info *ubuf, bool have_uref)
{
	sock_zerocopy_put_abort(ubuf, have_uref);
}
#endif

static inline void ubuf_put_copied(struct ubuf_info *ubuf)
{
#ifdef HAVE_UBUF_INFO_OPS
	ubuf->ops->complete(NULL, ubuf, false);
#elif !defined(HAVE_SOCK_ZEROCOPY_REALLOC)
	ubuf->callback(NULL, ubuf, false);
#else
	ubuf->zerocopy = 0;
	sock_zerocopy_put(ubuf);
#endif
}

static inline struct ubuf_info *msghdr_ubuf(const struct msghdr *msg)
{
#ifdef HAVE_MSGHDR_UBUF
	return msg->msg_ubuf;
#else
	return NULL;
#endif
}

#endif /* VNS_COMPAT_LINUX_SKBUFF_H */
