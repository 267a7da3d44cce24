// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is there MSG_SPLICE_PAGES?
 * Changed: 6.5 brought it
 */
#include <linux/socket.h>

int probe_flag = MSG_SPLICE_PAGES;
