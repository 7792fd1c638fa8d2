# SPDX-License-Identifier: GPL-2.0
# Flags for a program in a guest without a C library and possibly without an MMU: linked
# with the kernel's nolibc, loadable at any address (relocate.h). KSRC= is the kernel
# source, KHDR_INCLUDES= the flags that find its headers.
GUEST		:= $(dir $(lastword $(MAKEFILE_LIST)))
NOLIBC_CFLAGS	:= -std=gnu11 -Os -g -Wall -Wextra -nostdinc -fPIE \
		   -fno-stack-protector -fno-asynchronous-unwind-tables \
		   -fno-toplevel-reorder \
		   -isystem $(KSRC)/tools/include/nolibc $(KHDR_INCLUDES) \
		   -I$(GUEST) -I$(GUEST)../../include/uapi
NOLIBC_LDFLAGS	:= -static-pie -nostdlib -Wl,--no-dynamic-linker -Wl,-z,norelro
NOLIBC_LDLIBS	:= -lgcc
