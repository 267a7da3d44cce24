#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Sockets keep the namespace that they were made in, wherever their descriptors travel.
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/fd-passing"
