#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# /dev/vhost-vsock as a VMM sees it: each ioctl, its errors, CIDs.
set -uo pipefail
. tests/lib/guest.sh

load_vhost
exec "$TESTBIN/vhost-device"
