#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Random system calls from hostile processes; RANDOM_SECONDS and RANDOM_SEED reach it from make's command line. That
# the modules unload afterwards and the log is clean is for the harness to see, as always.
# vm: smp=2 timeout=900
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/random-calls"
