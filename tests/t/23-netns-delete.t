#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Namespaces that are deleted while sockets of theirs are open, and that they go when the last one does.
# vm: smp=2
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/netns-delete"
