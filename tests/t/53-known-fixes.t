#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Mistakes of earlier AF_VSOCK code, tried on loopback; see tests/known-fixes.md.
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/known-fixes"
