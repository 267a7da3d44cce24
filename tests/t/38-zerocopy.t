#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# MSG_ZEROCOPY, where the kernel lets a family other than TCP and UDP have SO_ZEROCOPY.
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/zerocopy"
