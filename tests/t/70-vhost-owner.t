#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Processes that end while something else keeps their guest's device open.
# kernels: 5.10 6.1 6.12 debug
# vm: smp=2
set -uo pipefail
. tests/lib/guest.sh

load_vhost
exec "$TESTBIN/vhost-owner"
