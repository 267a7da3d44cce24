/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of the newest vm_sockets.h that an older one lacks. */
#ifndef VNS_COMPAT_UAPI_LINUX_VM_SOCKETS_H
#define VNS_COMPAT_UAPI_LINUX_VM_SOCKETS_H

#include_next <uapi/linux/vm_sockets.h>

/* Behind svm_cid came only zeroes before the flags. */
#ifndef HAVE_SVM_FLAGS
#define svm_flags svm_zero[0]
#define VMADDR_FLAG_TO_HOST 0x01
#endif

#ifndef VMADDR_CID_LOCAL
#define VMADDR_CID_LOCAL 1
#endif

#ifndef HAVE_SO_VM_SOCKETS_CONNECT_TIMEOUT_NEW
#define SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD 6
#define SO_VM_SOCKETS_CONNECT_TIMEOUT_NEW 8
#endif

#ifndef HAVE_SOL_VSOCK
#define SOL_VSOCK 287
#define VSOCK_RECVERR 1
#endif

#endif /* VNS_COMPAT_UAPI_LINUX_VM_SOCKETS_H */
