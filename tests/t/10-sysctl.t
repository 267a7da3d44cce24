#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The rules of net.vsock.ns_mode, child_ns_mode and g2h_fallback, in every kind of namespace, as root.
set -uo pipefail
. tests/lib/guest.sh

load_vsock
exec "$TESTBIN/sysctl"
