#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Sockets in a BPF sockmap, on kernels whose sockmaps take AF_VSOCK: a program drops, lets pass, or sends on what arrives.
# kernels: 6.12 debug
set -uo pipefail
. tests/lib/guest.sh

load_loopback
exec "$TESTBIN/sockmap"
