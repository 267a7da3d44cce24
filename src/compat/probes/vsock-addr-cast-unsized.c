// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does vsock_addr_cast() take a struct sockaddr_unsized?
 * Changed: 6.19 brought the type
 * one-of: address type of vsock_addr_cast
 */
#include <linux/socket.h>
#include <net/vsock_addr.h>

int vsock_addr_cast(const struct sockaddr_unsized *addr, size_t len, struct sockaddr_vm **out_addr);
