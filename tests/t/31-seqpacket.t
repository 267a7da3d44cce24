#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# SOCK_SEQPACKET: messages keep their borders, in every size and way of sending and receiving.
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/seqpacket"
