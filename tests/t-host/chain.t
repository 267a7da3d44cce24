#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the ring engine takes for a chain of descriptors: its source in userspace, under sanitizers.
set -euo pipefail
cd "$(dirname "$0")/../.."

make -s -f fuzz/fuzz.mk chain-test >&2
exec build/fuzz/chain-test
