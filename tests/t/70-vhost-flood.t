#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Guests that flood the host: bounded memory, and others are served.
# vm: timeout=400
set -uo pipefail
. tests/lib/guest.sh

load_vhost
exec "$TESTBIN/vhost-flood"
