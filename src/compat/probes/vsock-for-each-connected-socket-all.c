// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does vsock_for_each_connected_socket() go through all transports' sockets?
 * Changed: 5.17 added the transport
 * one-of: signature of vsock_for_each_connected_socket
 */
#include <net/sock.h>
#include <net/af_vsock.h>

void vsock_for_each_connected_socket(void (*fn)(struct sock *sk));
