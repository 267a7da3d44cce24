#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The sysctls and namespaces of a user who is not root: outside, and as root of a user namespace.
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/userns"
