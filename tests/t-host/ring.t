#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The ring engine and the packet header keep to their rules: their source in userspace, under sanitizers.
set -euo pipefail
cd "$(dirname "$0")/../.."

make -s -f fuzz/fuzz.mk ring-test >&2
exec build/fuzz/ring-test
