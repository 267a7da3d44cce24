# SPDX-License-Identifier: GPL-2.0-only
# Targets fuzz and fuzz-corpus, and the programs that test the ring engine in userspace. Part of the top-level Makefile,
# and usable alone: make -f fuzz/fuzz.mk fuzz

FUZZ_DIR := $(dir $(lastword $(MAKEFILE_LIST)))
FUZZ_OUT := $(FUZZ_DIR)../build/fuzz
FUZZ_RING := $(addprefix $(FUZZ_DIR)../src/ring/,ring.c walk.c header.c)
FUZZ_HEADERS := $(wildcard $(FUZZ_DIR)*.h $(FUZZ_DIR)../src/ring/*.h) $(FUZZ_DIR)fuzz.mk
FUZZ_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Werror -fno-sanitize-recover=all -I$(FUZZ_DIR)../src -I$(FUZZ_DIR)
FUZZ_CLANG ?= clang

# make fuzz [SECONDS=300]: feeds ring engine and packet header what no driver would write, under sanitizers.
.PHONY: fuzz
fuzz: $(FUZZ_OUT)/fuzz
	@$(FUZZ_DIR)run $< $(or $(SECONDS),300)

# make fuzz-corpus: makes fuzz/corpus the few inputs that reach all that was reached.
.PHONY: fuzz-corpus
fuzz-corpus: $(FUZZ_OUT)/fuzz
	@$(FUZZ_DIR)minimise $<

$(FUZZ_OUT)/fuzz: $(FUZZ_DIR)fuzz.c $(FUZZ_DIR)memory.c $(FUZZ_RING) $(FUZZ_HEADERS)
	@mkdir -p $(@D)
	@$(FUZZ_DIR)../tests/vm/setup fuzz
	$(FUZZ_CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer,address,undefined -o $@ $(filter %.c,$^)

.PHONY: ring-test chain-test
ring-test chain-test: %: $(FUZZ_OUT)/%

$(FUZZ_OUT)/%-test: $(FUZZ_DIR)%-test.c $(FUZZ_DIR)memory.c $(FUZZ_RING) $(FUZZ_HEADERS) $(FUZZ_DIR)../tests/lib/tap.h
	@mkdir -p $(@D)
	$(CC) $(FUZZ_CFLAGS) -fsanitize=address,undefined -o $@ $(filter %.c,$^)
