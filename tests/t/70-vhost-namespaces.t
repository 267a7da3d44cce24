#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Guests belong to namespaces: who reaches whom, who may have which CID, and what frees one.
set -uo pipefail
. tests/lib/guest.sh

load_vhost
exec "$TESTBIN/vhost-namespaces"
