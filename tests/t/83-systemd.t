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

# A manager in a process namespace of its own, but in this machine's network namespace. Of this machine's units it knows those
# of the bus that systemd-run --pipe talks over: what starts first of all, and cleans /tmp, is not wanted.
units=/run/systemd/system
mkdir -p $units
for target in alone sysinit basic shutdown; do
	printf '%s\n' "[Unit]" "DefaultDependencies=no" >$units/$target.target
done
echo "Wants=dbus.socket" >>$units/alone.target
cp /lib/systemd/system/dbus.{socket,service} $units/
start_manager() {
	# shellcheck disable=SC2016  # for the inner shell
	unshare --pid --fork --mount --propagation private --cgroup sh -c '
		mount -t proc proc /proc &&
			exec env container=test SYSTEMD_UNIT_PATH="$0:/run/systemd/transient" \
				/lib/systemd/systemd --system --unit=alone.target --log-target=console' $units >/run/manager 2>&1 &
}
# A client that is not in its process namespace has no number there, and is refused.
beside_manager() { nsenter --pid --target "$(pgrep -o -x systemd)" -- "$@"; }
systemctl() { beside_manager systemctl "$@"; }
systemd-run() { beside_manager systemd-run "$@"; }
manager_answers() { systemctl is-system-running | grep -qE 'running|degraded'; }

# And nobody whom containers could be registered with; nor is there a terminal, whose lines end in another way.
systemd-nspawn() { command systemd-nspawn --register=no --keep-unit --pipe "$@"; }

load_loopback
diag "$(systemctl --version | head -n 1)"
start_manager
ok "systemd runs" wait_until manager_answers || diag "$(cat /run/manager)"
document_play docs/examples.md private-network
document_play docs/examples.md nspawn

done_testing
