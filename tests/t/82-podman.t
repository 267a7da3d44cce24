#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The documents' examples with Podman's containers, as they are written there.
# packages: podman
# only when named
# kernels: 6.1 6.12
# vm: smp=2 mem=2G timeout=900
set -uo pipefail
. tests/lib/guest.sh
. tests/lib/document.sh

# Podman's layers cannot be on the layer that this machine's own files are.
mkdir -p /var/lib/containers
mount -t tmpfs tmpfs /var/lib/containers

end_containers() { podman rm --all --force --time 0 >/dev/null; }

load_loopback
diag "$(podman --version)"
document_play docs/examples.md podman-global
end_containers
document_play docs/examples.md podman-local
# Its own, as what the example started ends with its only connection.
podman run --detach --rm --network none --rootfs /:O sleep infinity >/dev/null
run=$(vsock-netns list)
like "$run" "container [0-9a-f]{12} +[0-9]+ +local" "vsock-netns list knows the container" || diag "$run"
end_containers
document_play docs/examples.md podman-pod
end_containers

done_testing
