#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Random packets and broken rings of hostile guests; RANDOM_SECONDS and RANDOM_SEED reach it from make's command line.
# vm: smp=2 timeout=600
set -uo pipefail
. tests/lib/guest.sh

load_vhost
exec "$TESTBIN/vhost-random"
