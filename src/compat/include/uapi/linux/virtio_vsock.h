/* SPDX-License-Identifier: GPL-2.0-only */
/* Seqpacket's names in the packet protocol, for kernels whose protocol lacks it. */
#ifndef VNS_COMPAT_UAPI_LINUX_VIRTIO_VSOCK_H
#define VNS_COMPAT_UAPI_LINUX_VIRTIO_VSOCK_H

#include_next <uapi/linux/virtio_vsock.h>

#ifndef HAVE_VIRTIO_VSOCK_SEQPACKET
#define VIRTIO_VSOCK_F_SEQPACKET 1
#define VIRTIO_VSOCK_TYPE_SEQPACKET 2
#define VIRTIO_VSOCK_SEQ_EOM 1
#define VIRTIO_VSOCK_SEQ_EOR 2
#endif

#endif /* VNS_COMPAT_UAPI_LINUX_VIRTIO_VSOCK_H */
