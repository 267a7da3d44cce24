#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The documents' examples with services and containers of systemd, as they are written there.
# packages: systemd
# only when named
# kernels: 6.1 6.12
# vm: smp=2 mem=2G timeout=900
# shellcheck disable=SC2317  # functions are called through wait_until, and by what the document says
set -uo pipefail
. tests/lib/guest.sh
. tests/lib/document.sh

# A manager in a process namespace of its own, with nothing to start, but in this machine's network namespace.
cat >/run/alone.target <<-UNIT
	[Unit]
	DefaultDependencies=no
UNIT
start_manager() {
	unshare --pid --fork --mount --propagation private --cgroup sh -c '
		mount -t proc proc /proc &&
			mkdir -p /run/systemd/system &&
			cp /run/alone.target /run/systemd/system/ &&
			exec env container=test /lib/systemd/systemd --system --unit=alone.target --log-target=console' \
		>/run/manager 2>&1 &
}
manager_answers() { systemctl is-system-running | grep -qE 'running|degraded'; }

# And nobody whom containers could be registered with.
systemd-nspawn() { command systemd-nspawn --register=no --keep-unit "$@"; }

load_loopback
diag "$(systemctl --version | head -n 1)"
start_manager
ok "systemd runs" wait_until manager_answers || diag "$(cat /run/manager)"
document_play docs/examples.md private-network
document_play docs/examples.md nspawn

done_testing
