// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does vsock_addr_cast() take a struct sockaddr?
 * Changed: 6.19 brought struct sockaddr_unsized
 * one-of: address type of vsock_addr_cast
 */
#include <linux/socket.h>
#include <net/vsock_addr.h>

int vsock_addr_cast(const struct sockaddr *addr, size_t len, struct sockaddr_vm **out_addr);
