# SPDX-License-Identifier: GPL-2.0-only
# Targets test, test-long, test-examples, test-upstream, test-siblings, test-packages and shell, and the compiling of tests/programs.
# Part of the top-level Makefile, and usable alone:
# make -f tests/tests.mk test

TESTS_DIR := $(dir $(lastword $(MAKEFILE_LIST)))
TESTS_OUT := $(TESTS_DIR)../build/tests/bin

# make test [KERNEL=5.10,6.1,6.12] [T="name…"] [JOBS=2] [VERBOSE=1]
.PHONY: test
test:
	@$(TESTS_DIR)run $(if $(KERNEL),-k '$(KERNEL)') $(if $(JOBS),-j $(JOBS)) $(if $(VERBOSE),-v) $(T)

# make test-long [KERNEL=debug] [RANDOM_SECONDS=600] [RANDOM_SEED=N]: random calls for longer than an ordinary run has.
export RANDOM_SECONDS RANDOM_SEED
.PHONY: test-long
test-long:
	@RANDOM_SECONDS=$(or $(RANDOM_SECONDS),600) $(TESTS_DIR)run -k $(or $(KERNEL),debug) 61-random-calls 70-vhost-random

# make test-examples [KERNEL=6.1,6.12]: what documents show and an ordinary run leaves out: containers, services, machines;
# and on 7.3 what they say of newer kernels.
.PHONY: test-examples
test-examples:
	@$(TESTS_DIR)run -k $(or $(KERNEL),6.1) 82-podman 83-systemd 84-libvirt 85-qemu 86-guide
	@$(TESTS_DIR)run -k 7.3 87-migration

# make test-upstream [KERNEL=6.1,6.12,5.10]: the kernel's own tests, with our modules and with the stock ones.
.PHONY: test-upstream
test-upstream:
	@$(TESTS_DIR)upstream/run $(if $(KERNEL),-k '$(KERNEL)')

# make test-siblings [KERNEL=6.1,6.12]: two virtual machines side by side under a real hypervisor's vsock device.
.PHONY: test-siblings
test-siblings:
	@$(TESTS_DIR)siblings/run $(if $(KERNEL),-k '$(KERNEL)')

# make test-packages [DISTRO=bullseye,bookworm,trixie] [T="source lifecycle machine"]: the Debian package, and the README's own way, on whole userlands.
.PHONY: test-packages
test-packages:
	@$(TESTS_DIR)packages/run $(if $(DISTRO),-d '$(DISTRO)') $(T)

# make shell [KERNEL=6.1]: a prompt in a test machine, with our modules loaded.
.PHONY: shell
shell:
	@$(TESTS_DIR)vm/shell $(or $(KERNEL),6.1)

# Static, so that the program does not pull a C library from the host and runs on any kernel as it was tested.
PROGRAMS := $(patsubst $(TESTS_DIR)programs/%.c,$(TESTS_OUT)/%,$(wildcard $(TESTS_DIR)programs/*.c))
PROGRAM_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -static -pthread -I$(TESTS_DIR)lib -MMD -MP

.PHONY: test-programs
test-programs: $(PROGRAMS)

$(TESTS_OUT)/%: $(TESTS_DIR)programs/%.c $(TESTS_DIR)tests.mk
	@mkdir -p $(@D)
	$(CC) $(PROGRAM_CFLAGS) -o $@ $<

# Which headers each was made of, as the compiler noted.
-include $(PROGRAMS:=.d)
