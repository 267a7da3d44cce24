// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does struct sockaddr_vm have svm_flags, and is there VMADDR_FLAG_TO_HOST?
 * Changed: 5.11 brought both
 */
#include <linux/types.h>
#include <linux/socket.h>
#include <uapi/linux/vm_sockets.h>

__u8 probe_flags(struct sockaddr_vm *addr);
__u8 probe_flags(struct sockaddr_vm *addr)
{
	return addr->svm_flags & VMADDR_FLAG_TO_HOST;
}
