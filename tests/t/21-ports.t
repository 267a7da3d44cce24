#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Which CIDs and ports can be bound, by whom, and when they are free again.
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/ports"
