#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# connect(), listen() and accept(): refusals, states, names, the backlog, another try.
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/connect"
