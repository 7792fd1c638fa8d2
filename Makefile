# SPDX-License-Identifier: GPL-2.0
# mapdev: "make help" lists the targets. Kbuild is for kbuild.

KDIR	?= /lib/modules/$(shell uname -r)/build
PREFIX	?= /usr/local
DESTDIR	?=

MIN_SERIES	:= 7.2
HEADERS	= $(KDIR)/include/config/kernel.release
RELEASE	= $(shell cat $(HEADERS) 2>/dev/null || uname -r)
RULES	:= $(DESTDIR)/usr/lib/udev/rules.d
COMPLETIONS := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
MANUALS	:= $(wildcard Documentation/man/*.[1-9])
OUT	:= $(CURDIR)/build/module
KMAKE	= $(MAKE) -C $(KDIR) M=$(CURDIR) MO=$(OUT)

.DEFAULT_GOAL := module
.PHONY: module samples tools demo check check-all lint docs bench bench-check races coverage mutants torture selftests install uninstall clean help

module: ## build the module for the running kernel, or for KDIR=
	@[ "$(origin KDIR)" = file ] || [ -d "$(KDIR)" ] || \
		{ echo "KDIR=$(KDIR): there is no such folder" >&2; exit 1; }
	@[ "$$(printf '%s\n' "$(RELEASE)" $(MIN_SERIES) | sort -V | head -n 1)" = $(MIN_SERIES) ] || \
		{ echo "Linux $(RELEASE) is older than $(MIN_SERIES), which mapdev requires: make demo shows it in a virtual machine" >&2; exit 1; }
	@[ -e "$(HEADERS)" ] || \
		{ echo "$(KDIR) has no kernel to build for: install the headers of the running kernel, set KDIR=, or use make demo" >&2; exit 1; }
	+$(KMAKE) modules

samples: ## build the drivers of samples/ in build/module/samples/
	+$(KMAKE) SAMPLES=y modules

tools: ## build mapdevctl
	$(MAKE) -C tools/mapdevctl OUTPUT=$(CURDIR)/build/tools

demo: ## share a region between two processes in a virtual machine; KERNEL=host boots the running kernel
	@scripts/demo

check: ## run all tests; ARCH= an architecture or a row of scripts/vm/kernels; TEST=map or TEST=kunit/mapdev_dirty for one test
	@env -u ARCH -u MAKEFLAGS scripts/test/check $(ARCH)

check-all: ## run all tests on all kernels and architectures, and print a table
	@scripts/test/check all

lint: ## run checkpatch, W=1, sparse, codespell, shellcheck, and build the documentation
	@scripts/setup check
	@scripts/test/lint

docs: ## build Documentation/ as HTML in build/docs/
	@scripts/setup check
	@scripts/test/docs

bench: ## measure the cost of mapping, with memfd, hugetlbfs and others; tables and plots in build/bench/
	@scripts/bench/run

bench-check: ## fail if the cost is more than 3 % above scripts/bench/baseline
	@scripts/bench/check

races: ## find data races with KCSAN, in suites with concurrent tasks
	@scripts/test/races

coverage: ## measure the coverage of the driver by the tests; build/coverage/html/
	@scripts/test/coverage

mutants: ## check that each row of scripts/test/mutants/ makes a test fail; MUTANT="NAME..." for some
	@scripts/test/mutate $(MUTANT)

torture: ## run random operations against a model, with new seeds, until Ctrl-C or a failure
	@scripts/test/torture

selftests: ## build the selftests for the debug kernel
	@scripts/test/module debug

kernel-%: ## build or fetch a test kernel: kernel-debug, kernel-stock73 (rows of scripts/vm/kernels)
	@scripts/vm/kernel $*

install: module tools ## install module, mapdevctl, udev rule, completion and manual pages (DESTDIR=, PREFIX=)
	+$(KMAKE) modules_install INSTALL_MOD_PATH=$(DESTDIR)
	install -D -m 755 build/tools/mapdevctl $(DESTDIR)$(PREFIX)/bin/mapdevctl
	install -D -m 644 tools/60-mapdev.rules $(RULES)/60-mapdev.rules
	install -D -m 644 tools/mapdevctl.bash $(COMPLETIONS)/mapdevctl
	for page in $(MANUALS); do \
		install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit; \
	done

uninstall: ## remove what install installed
	find $(DESTDIR)/lib/modules/$(RELEASE)/updates -name 'mapdev*.ko*' -delete
	depmod $(if $(DESTDIR),-b $(DESTDIR)) $(RELEASE)
	rm -f $(DESTDIR)$(PREFIX)/bin/mapdevctl $(RULES)/60-mapdev.rules $(COMPLETIONS)/mapdevctl
	for page in $(MANUALS); do \
		rm -f $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; \
	done

clean: ## remove build/ (the cache keeps kernels)
	rm -rf build

help: ## print this list
	@sed -n 's/^\([a-z%-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20
