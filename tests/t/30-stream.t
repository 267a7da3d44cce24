#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# SOCK_STREAM: what is sent arrives, in every size and way of sending and receiving.
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/stream"
