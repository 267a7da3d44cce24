#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# packaging/kmm: the resource says what the operator wants to hear, by the operator's own schema where that is to be had
# (KMM_CRD=FILE, or from the network), and agrees with the rest of the project; with KMM_BUILD=yes the images are built.
# shellcheck disable=SC2317  # functions that ok is given, and what blocks of the document call
set -uo pipefail
self=$(readlink -f "$0")
cd "$(dirname "$self")/../.." || exit
# What is mounted for a build is seen here only.
if [ "${KMM_BUILD:-}" = yes ] && [ -z "${KMM_PRIVATE:-}" ]; then
	KMM_PRIVATE=1 exec unshare --mount --propagation private "$self"
fi
. tests/lib/guest.sh
. tests/lib/document.sh
tests/vm/setup kmm || exit
resource=packaging/kmm/module.yaml
scratch=$(mktemp -d)
trap 'umount "$scratch/storage/overlay" 2>/dev/null; rm -rf "$scratch" "$document_files"' EXIT

# field EXPRESSION: of the resource m, its container c, the container's mapping k, as Python sees them.
field() {
	python3 -c "import yaml
m = yaml.safe_load(open('$resource'))
c = m['spec']['moduleLoader']['container']
k = c['kernelMappings'][0]
print($1)"
}

is "$(field "len(m['metadata']['name'] + m['metadata']['namespace']) <= 40")" True "names are short enough for labels"
is "$(field "k['regexp']")" "$(sed -n 's/^BUILD_EXCLUSIVE_KERNEL="\(.*\)"$/\1/p' dkms.conf)" "the kernels of dkms.conf"
is "$(field "c['modprobe']['modulesLoadingOrder'][0] == c['modprobe']['moduleName']")" True \
	"the module that is named is the last one to be loaded"
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' dkms.conf)
is "$(field "k['containerImage']")" "registry.example.com/vsock-netns/modules:$version-\${KERNEL_FULL_VERSION}" \
	"the image is of this version, and for each kernel another"
while read -r module; do
	is "$(field "'$module' in c['inTreeModulesToRemove']")" True "the kernel's own $module is taken out"
	ok "$module is signed" grep -q "/updates/$module\.ko$" packaging/kmm/README.md
done < <(sed -n 's/^BUILT_MODULE_NAME.*="\(.*\)"$/\1/p' dkms.conf)

# ---- the operator's schema
# with_signing FILE: the resource with what the document says of Secure Boot.
with_signing() {
	awk '/^```/ { inside = $0 == "```yaml"; next } inside' packaging/kmm/README.md >"$scratch/sign.yaml"
	python3 - "$resource" "$scratch/sign.yaml" >"$1" <<-'PYTHON'
		import sys, yaml
		module, sign = [yaml.safe_load(open(file)) for file in sys.argv[1:]]
		module["spec"]["moduleLoader"]["container"]["kernelMappings"][0].update(sign)
		yaml.safe_dump(module, sys.stdout)
	PYTHON
}
find_schema() {
	local site=https://raw.githubusercontent.com/kubernetes-sigs/kernel-module-management/main
	schema=${KMM_CRD:-$scratch/crd.yaml}
	[ -e "$schema" ] || python3 - "$site/config/crd/bases/kmm.sigs.x-k8s.io_modules.yaml" "$schema" 2>/dev/null <<-'PYTHON'
		import sys, urllib.request
		with urllib.request.urlopen(sys.argv[1], timeout=10) as answer, open(sys.argv[2], "wb") as file:
		    file.write(answer.read())
	PYTHON
}
with_signing "$scratch/signed.yaml"
sed 's/moduleName:/modulName:/' "$resource" >"$scratch/misspelt.yaml"
if find_schema; then
	ok "the resource is as the operator's schema wants it" packaging/kmm/validate "$schema" "$resource"
	ok "with signing too" packaging/kmm/validate "$schema" "$scratch/signed.yaml"
	fails "a misspelt field is found" packaging/kmm/validate "$schema" "$scratch/misspelt.yaml"
else
	skip "no schema: KMM_CRD=FILE, or a network" "the resource is as the operator's schema wants it" "with signing too" \
		"a misspelt field is found"
fi

# ---- the images, from a userland that apt makes here: no registry is asked
if [ "${KMM_BUILD:-}" = yes ]; then
	tests/vm/setup kmm-build || exit
	. tests/vm/common.sh
	. tests/vm/archive.sh
	use_kernel 6.1
	uname() { echo "$release"; }
	# Apart from what the machine has of images; with its network and, as this may be a container itself, in a chroot.
	export BUILDAH_ISOLATION=chroot http_proxy
	http_proxy=$(apt-config dump --format '%v' Acquire::http::Proxy)
	podman() {
		local verb=$1
		shift
		[ "$verb" != build ] || set -- --network host "$@"
		command podman --root "$scratch/storage" --runroot "$scratch/run" "$verb" "$@"
	}
	ok "a userland" mmdebstrap --mode=root --variant=minbase bookworm "$scratch/debian.tar" \
		"deb $(archive_uri Debian) bookworm main" "deb $(archive_uri Debian-Security) bookworm-security main"
	ok "as an image" podman import "$scratch/debian.tar" docker.io/library/debian:12
	# The machine need not have that kernel installed: its files are in the cache.
	ok "the kernel's modules" mount --bind "${modules%/*}" /lib/modules
	document_play packaging/kmm/README.md source
	document_play packaging/kmm/README.md modules
	image=$(podman create vsock-netns-modules true)
	ok "the image has a tree of modules" podman cp "$image:/opt/lib/modules/$release" "$scratch/tree"
	for module in vsock vsock_loopback vhost_vsock; do
		is "$(modinfo -F vermagic "$scratch/tree/updates/$module.ko" | cut -d ' ' -f 1)" "$release" "$module for that kernel"
	done
	ok "modprobe would load ours" grep -q "^updates/vhost_vsock.ko:.* updates/vsock.ko" "$scratch/tree/modules.dep"
else
	skip "takes minutes: KMM_BUILD=yes" "the images are built"
fi

done_testing
