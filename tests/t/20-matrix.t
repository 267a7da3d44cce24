#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Who reaches whom over CID 1 and CID 2: init, two global and two local namespaces with each other.
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/matrix"
