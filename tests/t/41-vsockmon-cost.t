#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What watches a local namespace costs nothing elsewhere, on a clock that counts instructions.
# uses: stock
# kernels: 5.10 6.1 6.12 debug
# vm: counted timeout=400
set -uo pipefail
. tests/lib/guest.sh

modinfo -n vsockmon >/dev/null 2>&1 || plan skip "this kernel has no vsockmon"
tool=$TESTBIN/vsock-tool
load_loopback
ns_new local local

# The debug kernel takes seconds for each.
many=200
[ "$KERNEL" != debug ] || many=50
alone=$("$tool" cost)
for ((i = 0; i < many; i++)); do
	printf 'link add many%d group 7 type vsockmon\nlink set many%d up\n' $i $i
done | ip -n local -batch -
crowded=$("$tool" cost)
is "$(ip -n local -o link show up group 7 | wc -l)" $many "$many devices watch a local namespace"
# Caches of the kernel make some difference; a walk over them would cost many times as much.
ok "which costs a round trip elsewhere nothing: $crowded ns instead of $alone" test "$crowded" -lt $((alone * 5 / 4))
ip -n local link delete group 7
done_testing
