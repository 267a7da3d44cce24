// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does proto_ops have a sendpage, with sock_no_sendpage() to put there?
 * Changed: 6.5 replaced it by MSG_SPLICE_PAGES
 * exported: sock_no_sendpage
 */
#include <linux/net.h>
#include <net/sock.h>

const struct proto_ops probe_ops = { .sendpage = sock_no_sendpage };
