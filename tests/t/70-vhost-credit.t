#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Credit in both directions between guest and host.
# vm: timeout=400
set -uo pipefail
. tests/lib/guest.sh

load_vhost
exec "$TESTBIN/vhost-credit"
