#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The documents' examples with QEMU, as they are written there. tests/t/76-vhost-namespaces.t has guests that answer.
# only when named
# kernels: 6.1 6.12
# vm: smp=2 mem=2G timeout=900
set -uo pipefail
. tests/lib/guest.sh
. tests/lib/document.sh

load_loopback
document_play docs/examples.md qemu-global
document_fresh
document_play docs/examples.md qemu-local
document_fresh
ip netns add red
document_play README.md machines
document_end

done_testing
