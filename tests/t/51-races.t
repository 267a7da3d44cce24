#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Threads race on sockets: connect, accept, close, shutdown, poll, options, namespace exit. Then the modules have to go.
# vm: smp=2 timeout=600
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/races"
