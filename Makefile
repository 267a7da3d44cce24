# SPDX-License-Identifier: GPL-2.0-only
# The commands a person types; the work is done by scripts/ and, for the modules, by the kernel's kbuild with ./Kbuild.

.DEFAULT_GOAL := modules

# Inputs, all optional: KVER=<release> or KDIR=<build tree> choose the kernel, CC= the compiler, W= C= V= go to kbuild.
# Command line variables reach the scripts as environment; they are not handed down a second time through MAKEFLAGS,
# where they would override what kbuild computes (dkms adds KERNELRELEASE=, for instance).
MAKEOVERRIDES :=
export KVER KDIR W C V
export CC_REQUEST := $(if $(filter command line,$(origin CC)),$(CC))
export CC_HINT := $(if $(filter environment,$(origin CC)),$(CC))

.PHONY: modules
modules:
	+@scripts/build

# The exported symbols' CRCs, ours beside the stock vsock.ko's; without KVER or KDIR for every kernel that has headers here,
# with KERNEL=6.12-rt (all, …) for kernels of the tests.
.PHONY: abi
abi:
	+@$(if $(KERNEL),tests/vm/with-kernel $(KERNEL)) scripts/abi-table

# No warning at W=1, none from sparse, none from shellcheck, on every kernel that has headers here, or in KERNEL=.
.PHONY: check
check:
	+@$(if $(KERNEL),tests/vm/with-kernel $(KERNEL)) scripts/check

.PHONY: install uninstall
install uninstall:
	@scripts/dkms-$@

# Packages, in build/deb and build/rpm.
.PHONY: deb rpm
deb rpm:
	@packaging/make-$@

# Targets test, shell, demo, bench and fuzz; a source tree that DKMS got from us has none of these.
-include tests/tests.mk demo/demo.mk bench/bench.mk fuzz/fuzz.mk

.PHONY: clean
clean:
	rm -rf build
