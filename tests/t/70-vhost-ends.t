#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Connections to guests that end, devices that close, many at once.
# vm: smp=2
set -uo pipefail
. tests/lib/guest.sh

load_vhost
exec "$TESTBIN/vhost-ends"
