#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Thousands of namespaces made and deleted: all work, and nothing of them stays.
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/namespaces-many"
