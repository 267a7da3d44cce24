#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Guests with broken rings: nobody else notices.
# vm: smp=2 timeout=500
set -uo pipefail
. tests/lib/guest.sh

load_vhost
exec "$TESTBIN/vhost-hostile"
