#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Socket options, addresses as programs pass them, /dev/vsock.
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/options"
