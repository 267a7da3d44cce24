#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Sockets that talk to a guest: in a sockmap, with messages of no bytes, without a copy; and a guest that starts anew.
set -uo pipefail
. tests/lib/guest.sh

load_vhost
load_loopback
exec "$TESTBIN/vhost-more-sockets"
