#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# How a connection ends, and what wakes who waits: shutdown, close, signals, timeouts, full buffers.
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/ends"
