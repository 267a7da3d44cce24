// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does linux/virtio_vsock.h know seqpacket packets, their ends of message and of record apart?
 * Changed: 5.16; 5.14 had one flag for both
 */
#include <uapi/linux/virtio_vsock.h>

int probe_values[] = { VIRTIO_VSOCK_TYPE_SEQPACKET, VIRTIO_VSOCK_SEQ_EOM, VIRTIO_VSOCK_SEQ_EOR };
