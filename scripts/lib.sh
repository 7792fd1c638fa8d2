# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# What all scripts share: where things are, how to speak, how to run a long
# step. Sourced, not run. Messages go to stderr, so that a script's stdout is
# its answer (a path, a list) and nothing else.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/mapdev
LOGS=$CACHE/log
MIN_SERIES=7.2		# the oldest kernel the module is written for
SERIES=7.3		# the one whose source has lib.mk, the harness and the KTAP parser for
			# kernels that come without
GONE=3			# status of those who are asked for a kernel that the archive has no longer
mkdir -p "$LOGS"

say() { printf '%s\n' "mapdev: $*" >&2; }
die() { say "$*"; exit 1; }

# rows FILE: the rows of one of our tables, without comments and empty lines.
rows() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$1"; }

# at_least A B: is version A the same as B or newer?
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

# kernel_row NAME: its row of scripts/vm/kernels, into the variables of that table, and
# what its architecture wants. (host, the running kernel, has none.)
#
# karch      the kernel's word for it; the kernel is arch/$karch/boot/$image
# cross      prefix of the compiler
# guest      how scripts/vm/boot boots it: by virtme-ng, or from an initramfs, with
# machine    QEMU for that, and its machine
# console    where the kernel speaks there
# memory     for QEMU's -m
# parts      "make check" shares its suites out to this many virtual machines
# selftests  what "make -C selftests" is told beside that
# loads      modules of the kernel's own that the tests use, where it is not built here
kernel_row() {
	local row
	row=$(rows "$TOP/scripts/vm/kernels" | awk -v name="$1" '$1 == name')
	[ "$1" != host ] || row="host $(uname -r) $(uname -m) host - - - no"
	kbuild=() loads=''
	[ -n "$row" ] || die "scripts/vm/kernels has no kernel named $1"
	read -r _ series arch fragments objects compiler boot check <<<"$row"
	case $arch in
	x86_64)		karch=x86 image=bzImage cross='' guest=virtme memory=8G parts=2
			kbuild=(ARCH=x86_64) ;;
	i386)		karch=x86 image=bzImage cross='' guest=virtme kbuild=(ARCH=i386) ;;
	riscv64)	karch=riscv image=Image cross=riscv64-linux-gnu- guest=initramfs
			machine=(qemu-system-riscv64 -M virt -bios none)
			console=ttyS0 memory=256M parts=1 selftests=(NOMMU=y) ;;
	arm64)		karch=arm64 image=Image cross=aarch64-linux-gnu- guest=initramfs
			machine=(qemu-system-aarch64 -M "virt,gic-version=3" -cpu "max,sve=off,pauth-impdef=on")
			console=ttyAMA0 memory=8704M parts=1 selftests=(LDFLAGS=-static) ;;
	*)		die "scripts/lib.sh does not know how to build for $arch" ;;
	esac
	[ -z "$cross" ] || kbuild=("ARCH=$karch" "CROSS_COMPILE=$cross")
	case $fragments in
	packages|host)	loads='brd configfs hwpoison_inject overlay uio_pci_generic' ;;
	esac
	case $compiler in
	-)		compiler=gcc ;;
	gcc)		compiler=${cross}gcc ;;
	clang-*)	kbuild+=("LLVM=${compiler#clang}") ;;
	*)		die "scripts/vm/kernels: there is no way to build with $compiler" ;;
	esac
}

# kernel_place NAME: get it by scripts/vm/kernel, and say where it is, after kernel_row:
#
# kdir       what its modules are built with
# within     the command that enters the root where $kdir and its compiler are, or none
# image      what boots
kernel_place() {
	local dir root
	kernel_row "$1"
	dir=$("$TOP/scripts/vm/kernel" "$1")
	kdir=$dir within=()
	case $fragments in
	packages)
		root=${dir%/usr/src/*}
		kdir=${dir#"$root"} within=("$TOP/scripts/vm/within" "$root")
		image=$root/usr/lib/modules/${dir##*/linux-headers-}/vmlinuz ;;
	host)	image=/boot/vmlinuz-$(uname -r) ;;
	*)	image=$dir/arch/$karch/boot/$image ;;
	esac
}

# kernel_source: where lib.mk, kselftest_harness.h and the KTAP parser are for it.
kernel_source() {
	case $fragments in
	packages|host)	"$TOP/scripts/vm/fetch" kernel $SERIES ;;
	*)		realpath "$kdir/source" ;;
	esac
}

# kernel_headers: where the headers for programs are.
kernel_headers() {
	case $fragments in
	packages|host)	"$TOP/scripts/vm/fetch" headers $SERIES ;;
	*)		echo "$kdir/usr/include" ;;
	esac
}

# exclusive NAME: wait until no other copy holds this lock; held until exit.
exclusive() {
	exec 9>"$CACHE/$1.lock"
	flock --nonblock 9 && return
	say "waiting for another run that holds $CACHE/$1.lock"
	flock 9
}

# need_space DIRECTORY MEBIBYTES
need_space() {
	local free
	free=$(df --output=avail -BM "$1" | tail -n 1 | tr -dc 0-9)
	[ "$free" -ge "$2" ] || die "$1 has $free MiB free, $2 MiB are needed"
}

# A line every ten seconds while a long step runs.
heartbeat() {
	local label=$1 log=$2 expected=$3 seconds=0 compiled
	while sleep 10 && kill -0 $$ 2>/dev/null; do
		seconds=$((seconds + 10))
		if [ -n "$expected" ]; then
			# What is expected may be of another release.
			compiled=$(grep -cE '^  (CC|AS) ' "$log" || true)
			[ "$compiled" -lt "$expected" ] || expected=$compiled
			say "$label: $compiled of ~$expected objects, $seconds s"
		else
			say "$label: $seconds s"
		fi
	done
}

# checked_kernels [WORD...]: those of scripts/vm/kernels that "make check" is for; or those
# that WORDs mean: "all", an architecture, a name.
checked_kernels() {
	local word found
	[ $# -gt 0 ] || set -- yes
	for word; do
		found=$(rows "$TOP/scripts/vm/kernels" | awk -v word="$word" '
			$1 == word || $8 == word { print $1; next }
			(word == "all" || $3 == word) && $8 != "no" { print $1 }')
		[ -n "$found" ] || die "scripts/vm/kernels has no kernel or architecture named $word"
		echo "$found"
	done
}

# ram_results CONSOLE DIRECTORY: what scripts/test/guest-ram printed between the kernel's
# messages becomes results as scripts/test/guest leaves them.
ram_results() {
	mkdir -p "$2"
	tr -d '\r' <"$1" | awk -v dir="$2/" '
		/^# selftests\// { suite = $2; sub("/", ".", suite)
			status = suite; sub("selftests.", "", status)
			print 0 >(dir status ".status") }
		suite && !/^\[ *[0-9.]+\]/ { print >(dir suite) }'
}

# timed KERNEL COMMAND...: its seconds go to the file that scripts/test/check wants them in.
timed() {
	local kernel=$1 begin=$SECONDS status=0
	shift
	"$@" || status=$?
	echo "$kernel $((SECONDS - begin))" >>"${SECONDS_FILE:-/dev/null}"
	return "$status"
}

# step LABEL LOG EXPECTED-OBJECTS COMMAND...: run the command with its output in
# LOG, show that it lives, and on failure show the end of the log and its path.
step() {
	local label=$1 log=$2 expected=$3 beat rc=0
	shift 3
	: >"$log"
	heartbeat "$label" "$log" "$expected" 9>&- &
	beat=$!
	"$@" >>"$log" 2>&1 </dev/null 9>&- || rc=$?
	kill "$beat" 2>/dev/null || true
	wait "$beat" 2>/dev/null || true
	[ "$rc" -eq 0 ] && return
	tail -n 20 "$log" >&2
	say "$label failed with status $rc; the whole log: $log"
	return "$rc"
}
