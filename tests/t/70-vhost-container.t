#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What a guest has the host keep is charged to the memory cgroup of the process that runs it.
set -uo pipefail
. tests/lib/guest.sh

load_vhost
exec "$TESTBIN/vhost-container"
