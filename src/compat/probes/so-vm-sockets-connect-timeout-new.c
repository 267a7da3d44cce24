// SPDX-License-Identifier: GPL-2.0-only
/*
 * Are there SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD and _NEW?
 * Changed: 5.16 brought them
 */
#include <linux/types.h>
#include <linux/socket.h>
#include <uapi/linux/vm_sockets.h>

int probe_names[SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD + SO_VM_SOCKETS_CONNECT_TIMEOUT_NEW];
