#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Data between guest and host in every layout of buffers, rings and memory; the dirty log; translation.
# vm: timeout=400
set -uo pipefail
. tests/lib/guest.sh

load_vhost
exec "$TESTBIN/vhost-data"
