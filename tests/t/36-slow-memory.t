#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Calls that sleep in the middle of a copy, because their memory is not there yet: all others go on.
# vm: smp=2
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/slow-memory"
