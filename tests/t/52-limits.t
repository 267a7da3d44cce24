#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What a process can make the kernel hold, and that many sockets give it back.
# vm: timeout=400
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/limits"
