// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does vsock_transport name its module?
 * Changed: 5.5 brought it
 * one-of: owner of a vsock_transport
 */
#include <linux/module.h>
#include <net/sock.h>
#include <net/af_vsock.h>

const struct vsock_transport probe_transport = { .module = THIS_MODULE };
