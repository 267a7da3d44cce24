#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Many sockets whose locks a process holds, and work to do for each: the work for others goes on.
set -uo pipefail
. tests/lib/guest.sh

load_vhost
exec "$TESTBIN/locked-sockets"
