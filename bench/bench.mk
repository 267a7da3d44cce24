# SPDX-License-Identifier: GPL-2.0-only
# Targets bench and bench-plots. Part of the top-level Makefile, and usable alone: make -f bench/bench.mk bench

BENCH_DIR := $(dir $(lastword $(MAKEFILE_LIST)))
BENCH_OUT := $(BENCH_DIR)../build/bench

# make bench [KERNEL=6.1]: ratios of our cost, and the stock modules', to AF_UNIX's; guests, ours to stock's; plots in build/bench.
.PHONY: bench
bench:
	@$(BENCH_DIR)run $(if $(KERNEL),-k '$(KERNEL)')
	@$(BENCH_DIR)run-vhost $(if $(KERNEL),-k '$(KERNEL)')

# make bench-plots [KERNEL=6.1]: draws what was last measured, in docs/bench.
.PHONY: bench-plots
bench-plots:
	@$(BENCH_DIR)plot $(BENCH_OUT)/$(or $(KERNEL),6.1).tsv $(BENCH_DIR)../docs/bench

.PHONY: bench-program
bench-program: $(BENCH_OUT)/bench $(BENCH_OUT)/vhost

# Static, so that it brings its C library along.
$(BENCH_OUT)/vhost: $(wildcard $(BENCH_DIR)../tests/lib/*.h)
$(BENCH_OUT)/%: $(BENCH_DIR)%.c $(BENCH_DIR)bench.mk
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Werror -static -pthread -o $@ $<
