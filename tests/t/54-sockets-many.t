#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A hundred thousand sockets: bound, then connected; no call gets slower, on a clock that counts instructions.
# vm: mem=2G counted timeout=400
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/sockets-many"
