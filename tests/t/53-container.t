#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A container that takes without end gets no more than its memory cgroup allows.
# vm: timeout=400
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/container"
