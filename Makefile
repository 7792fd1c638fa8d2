# SPDX-License-Identifier: GPL-2.0
# mapdev: "make help" lists what can be made. What kbuild reads is in Kbuild.

KDIR	?= /lib/modules/$(shell uname -r)/build
PREFIX	?= /usr/local
DESTDIR	?=

MIN_SERIES	:= 7.2
HEADERS	= $(KDIR)/include/config/kernel.release
RELEASE	= $(shell cat $(HEADERS) 2>/dev/null || uname -r)
RULES	:= $(DESTDIR)/usr/lib/udev/rules.d
MANUALS	:= $(wildcard Documentation/man/*.[1-9])
OUT	:= $(CURDIR)/build/module
KMAKE	= $(MAKE) -C $(KDIR) M=$(CURDIR) MO=$(OUT)

.DEFAULT_GOAL := module
.PHONY: module samples tools demo check check-all lint docs bench bench-check races coverage mutants torture selftests install uninstall clean help

module: ## the module for the running kernel, or for the kernel of KDIR=
	@[ "$$(printf '%s\n' "$(RELEASE)" $(MIN_SERIES) | sort -V | head -n 1)" = $(MIN_SERIES) ] || \
		{ echo "Linux $(RELEASE) is older than $(MIN_SERIES), which mapdev needs: type make demo to see it work in a virtual machine" >&2; exit 1; }
	@[ -e "$(HEADERS)" ] || \
		{ echo "$(KDIR) holds no kernel to build for: install the headers of the running kernel, give KDIR=, or type make demo" >&2; exit 1; }
	+$(KMAKE) modules

samples: ## the drivers of samples/, into build/module/samples/
	+$(KMAKE) SAMPLES=y modules

tools: ## mapdevctl
	$(MAKE) -C tools/mapdevctl OUTPUT=$(CURDIR)/build/tools

demo: ## the main job, shown in a virtual machine; KERNEL=host boots the running kernel
	@scripts/demo

check: ## every test, ends with: N passed, N failed, N skipped; ARCH= an architecture or a row of scripts/vm/kernels; TEST=map or TEST=kunit/mapdev_dirty that one alone
	@env -u ARCH -u MAKEFLAGS scripts/test/check $(ARCH)

check-all: ## the same on all kernels and architectures; ends with a table of them
	@scripts/test/check all

lint: ## checkpatch, W=1, sparse, codespell, shellcheck, documentation
	@scripts/setup check
	@scripts/test/lint

docs: ## Documentation/ as HTML, in build/docs/
	@scripts/setup check
	@scripts/test/docs

bench: ## what mapping costs, beside memfd, hugetlbfs and others; tables, plots in build/bench/
	@scripts/bench/run

bench-check: ## is that worse than scripts/bench/baseline by more than 3 %?
	@scripts/bench/check

races: ## data races, by KCSAN, in suites where several tasks meet
	@scripts/test/races

coverage: ## which lines and branches of the driver the tests run; build/coverage/html/
	@scripts/test/coverage

mutants: ## does each row of scripts/test/mutants/ make a test fail? MUTANT="NAME..." for some
	@scripts/test/mutate $(MUTANT)

torture: ## random operations against a model, with new seeds, until Ctrl-C or a failure
	@scripts/test/torture

selftests: ## build the selftests for the debug kernel
	@scripts/test/module debug

kernel-%: ## kernel-debug, kernel-stock73: a test kernel (rows of scripts/vm/kernels)
	@scripts/vm/kernel $*

install: module tools ## module, mapdevctl, udev rule, manual pages (DESTDIR=, PREFIX=)
	+$(KMAKE) modules_install INSTALL_MOD_PATH=$(DESTDIR)
	install -D -m 755 build/tools/mapdevctl $(DESTDIR)$(PREFIX)/bin/mapdevctl
	install -D -m 644 tools/60-mapdev.rules $(RULES)/60-mapdev.rules
	for page in $(MANUALS); do \
		install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit; \
	done

uninstall: ## what install put there
	find $(DESTDIR)/lib/modules/$(RELEASE)/updates -name 'mapdev*.ko*' -delete
	depmod $(if $(DESTDIR),-b $(DESTDIR)) $(RELEASE)
	rm -f $(DESTDIR)$(PREFIX)/bin/mapdevctl $(RULES)/60-mapdev.rules
	for page in $(MANUALS); do \
		rm -f $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; \
	done

clean: ## build/ (kernels stay in the cache)
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z%-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20
