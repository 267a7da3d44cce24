# SPDX-License-Identifier: GPL-2.0-only
# Target demo. Part of the top-level Makefile, and usable alone: make -f demo/demo.mk

DEMO_DIR := $(dir $(lastword $(MAKEFILE_LIST)))

# make demo: what namespaces change, seen on an unmodified Debian kernel with its stock modules, then with ours.
.PHONY: demo
demo:
	@$(DEMO_DIR)run
