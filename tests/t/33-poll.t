#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What poll() and epoll tell in each state of a socket, and what wakes them.
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/poll"
