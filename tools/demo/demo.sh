#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The demo of mapdev. "make demo" runs it in the test virtual machine; as root
# it runs on any machine that can load the module.
#
#   MODULE        mapdev.ko
#   TOOLS         the directory that holds mapdevctl and demo
#   WITNESS       not empty if scripts/vm/witness is running: show windows, too
#   KERNEL_IMAGE  the file to write to the region; by default the image of the
#                 running kernel in /boot, or else the C library

set -eu

die()
{
	echo "demo: $*" >&2
	exit 1
}

: "${MODULE:?is not set: set it to the path of mapdev.ko}"
: "${TOOLS:?is not set: set it to the directory that holds mapdevctl and demo}"

[ "$(id -u)" = 0 ] || die "only root can load a module: run it with sudo"
[ ! -e /sys/module/mapdev ] || die "mapdev is loaded already: unload it with rmmod mapdev"

find_file()
{
	for file in "${KERNEL_IMAGE:-}" "/boot/vmlinuz-$(uname -r)" \
		    /bin/busybox /lib/*/libc.so.6 /lib64/libc.so.6 /bin/sh; do
		if [ -s "$file" ] && [ -r "$file" ]; then
			readlink -f "$file"
			return
		fi
	done
}

[ -z "${KERNEL_IMAGE:-}" ] || [ -r "$KERNEL_IMAGE" ] || die "KERNEL_IMAGE: cannot read $KERNEL_IMAGE"
FILE=$(find_file)

echo "mapdev demo on Linux $(uname -r)"
echo "\$ insmod mapdev.ko regions=demo:64M"
insmod "$MODULE" regions=demo:64M || die "insmod failed: see dmesg | tail"
trap 'rmmod mapdev' EXIT

echo "\$ mapdevctl list"
"$TOOLS/mapdevctl" list
echo "\$ demo /dev/mapdev/demo $FILE"
"$TOOLS/demo" /dev/mapdev/demo "$FILE"

if [ -n "${WITNESS:-}" ]; then
	echo "\$ insmod mapdev_pci.ko"
	"${0%/*}/windows.sh" "${MODULE%/*}" "$TOOLS/paint"
fi

# An unused module is one of the results.
trap - EXIT
echo "\$ rmmod mapdev"
rmmod mapdev || die "the module does not unload"
[ ! -e /dev/mapdev/demo ] || die "/dev/mapdev/demo is still there after rmmod"
