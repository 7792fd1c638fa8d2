#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# windows.sh MODULES PAINT: run paint on BARs of two PCI devices, in a virtual machine
# with the devices of scripts/vm/devices. mapdev is loaded; MODULES is the directory of
# mapdev_pci.ko.
set -euo pipefail

module=$1/mapdev_pci.ko paint=$2
devices=/sys/bus/pci/devices
bound=()

# find_device VENDOR:DEVICE BAR SIZE: print the address of the device with a BAR of SIZE.
find_device() {
	local device vendor product bars first last
	for device in "$devices"/*; do
		read -r vendor <"$device/vendor"
		read -r product <"$device/device"
		[ "$vendor:$product" = "$1" ] || continue
		mapfile -t bars <"$device/resource"
		read -r first last _ <<<"${bars[$2]}"
		[ $((last - first + 1)) -eq "$3" ] || continue
		echo "${device##*/}"
		return
	done
	echo "windows.sh: no device $1 has $3 bytes in BAR $2" >&2
	return 1
}

# bind ADDRESS: bind the device to the driver.
bind() {
	echo mapdev_pci >"$devices/$1/driver_override"
	echo "$1" >/sys/bus/pci/drivers/mapdev_pci/bind
	bound+=("$1")
}

unbind_all() {
	local device
	for device in "${bound[@]}"; do
		echo "$device" >"$devices/$device/driver/unbind"
		echo >"$devices/$device/driver_override"
	done
	rmmod mapdev_pci
}

# node ADDRESS BAR: print its node
node() { echo "/dev/mapdev/pci-${1//:/-}-bar$2"; }

screen=$(find_device 0x1234:0x1111 0 $((16 << 20)))
shared=$(find_device 0x1af4:0x1110 2 $((16 << 20)))
insmod "$module"
trap unbind_all EXIT
bind "$screen"
bind "$shared"
"$paint" "$(node "$screen" 0)" "$(node "$screen" 2)" "$(node "$shared" 2)"
