/* SPDX-License-Identifier: GPL-2.0-only */
/* <linux/vm_sockets.h> is the uapi header; go through its shadow. */
#include <uapi/linux/vm_sockets.h>
