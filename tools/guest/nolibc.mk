# SPDX-License-Identifier: GPL-2.0
# How to build a program for a guest without a C library, and maybe without an MMU:
# by the kernel's nolibc, as one piece that can be loaded anywhere (relocate.h).
# KSRC= is the kernel's source, KHDR_INCLUDES= how to find its headers.
GUEST		:= $(dir $(lastword $(MAKEFILE_LIST)))
NOLIBC_CFLAGS	:= -std=gnu11 -Os -g -Wall -Wextra -nostdinc -fPIE \
		   -fno-stack-protector -fno-asynchronous-unwind-tables \
		   -fno-toplevel-reorder \
		   -isystem $(KSRC)/tools/include/nolibc $(KHDR_INCLUDES) \
		   -I$(GUEST) -I$(GUEST)../../include/uapi
NOLIBC_LDFLAGS	:= -static-pie -nostdlib -Wl,--no-dynamic-linker -Wl,-z,norelro
NOLIBC_LDLIBS	:= -lgcc
