#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The packet protocol between a guest and the host, packet by packet.
set -uo pipefail
. tests/lib/guest.sh

load_vhost
exec "$TESTBIN/vhost-packets"
