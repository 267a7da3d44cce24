#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The documents' examples with ip netns, unshare and the sysctls, as they are written there.
# On one kernel: what the commands do is for the other tests.
# kernels: 6.1
# vm: timeout=900
set -uo pipefail
. tests/lib/guest.sh
. tests/lib/document.sh

load_loopback
document_play README.md use
document_fresh
document_play docs/examples.md ip-netns
document_fresh
document_play docs/examples.md unshare
document_fresh
document_play docs/examples.md sysctls
document_end

done_testing
