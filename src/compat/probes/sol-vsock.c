// SPDX-License-Identifier: GPL-2.0-only
/*
 * Are there SOL_VSOCK and VSOCK_RECVERR?
 * Changed: 6.7 brought them
 */
#include <linux/types.h>
#include <linux/socket.h>
#include <uapi/linux/vm_sockets.h>

int probe_names[SOL_VSOCK + VSOCK_RECVERR];
