# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# Common code of the scripts: paths, messages, tables, long steps. Sourced, not run.
# Messages go to stderr: the stdout of a script is its answer (a path, a list) alone.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/mapdev
LOGS=$CACHE/log
MIN_SERIES=7.2		# the oldest kernel the module is written for
SERIES=7.3		# the one whose source has lib.mk, the harness and the KTAP parser for
			# kernels that come without
GONE=3			# exit status: the archive no longer has this kernel
mkdir -p "$LOGS"

say() { printf '%s\n' "mapdev: $*" >&2; }
die() { say "$*"; exit 1; }

# rows FILE: print the rows of a table, without comments and empty lines.
rows() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$1"; }

# at_least A B: is version A the same as B or newer?
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

# kernel_row NAME: read the row of scripts/vm/kernels into variables with the names of its
# columns, and set those that depend on the architecture. (host, the running kernel, has
# no row.)
#
# karch      name of the architecture in the kernel: the image is arch/$karch/boot/$image
# cross      prefix of the compiler
# guest      how scripts/vm/boot boots it: virtme (virtme-ng) or initramfs
# machine    for an initramfs: QEMU and its options
# console    for an initramfs: the console of the kernel
# memory     for QEMU's -m
# parts      number of virtual machines that "make check" distributes the suites to
# selftests  further variables for "make -C selftests"
# loads      modules of a distribution's kernel that the tests use
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

# kernel_place NAME: kernel_row, then get the kernel by scripts/vm/kernel and set:
#
# kdir       the directory that modules are built against
# within     the command that enters the root of $kdir and its compiler, or empty
# image      the image to boot
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

# kernel_source: print the source tree to take lib.mk, kselftest_harness.h and the KTAP
# parser from.
kernel_source() {
	case $fragments in
	packages|host)	"$TOP/scripts/vm/fetch" kernel $SERIES ;;
	*)		realpath "$kdir/source" ;;
	esac
}

# kernel_headers: print the directory of the headers for programs.
kernel_headers() {
	case $fragments in
	packages|host)	"$TOP/scripts/vm/fetch" headers $SERIES ;;
	*)		echo "$kdir/usr/include" ;;
	esac
}

# exclusive NAME: take a lock, and hold it until exit.
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

# heartbeat LABEL LOG EXPECTED-OBJECTS: print a line every ten seconds.
heartbeat() {
	local label=$1 log=$2 expected=$3 seconds=0 compiled
	while sleep 10 && kill -0 $$ 2>/dev/null; do
		seconds=$((seconds + 10))
		if [ -n "$expected" ]; then
			# The number may be that of another release.
			compiled=$(grep -cE '^  (CC|AS) ' "$log" || true)
			[ "$compiled" -lt "$expected" ] || expected=$compiled
			say "$label: $compiled of ~$expected objects, $seconds s"
		else
			say "$label: $seconds s"
		fi
	done
}

# checked_kernels [WORD...]: print the kernels of "make check", or those that the WORDs
# select: "all", an architecture, a name.
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

# ram_results CONSOLE DIRECTORY: convert the output of scripts/test/guest-ram, which is
# mixed with messages of the kernel, to result files like those of scripts/test/guest.
ram_results() {
	mkdir -p "$2"
	tr -d '\r' <"$1" | awk -v dir="$2/" '
		/^# selftests\// { suite = $2; sub("/", ".", suite)
			status = suite; sub("selftests.", "", status)
			print 0 >(dir status ".status") }
		suite && !/^\[ *[0-9.]+\]/ { print >(dir suite) }'
}

# timed KERNEL COMMAND...: run it, and append its duration to $SECONDS_FILE.
timed() {
	local kernel=$1 begin=$SECONDS status=0
	shift
	"$@" || status=$?
	echo "$kernel $((SECONDS - begin))" >>"${SECONDS_FILE:-/dev/null}"
	return "$status"
}

# step LABEL LOG EXPECTED-OBJECTS COMMAND...: run the command with its output in LOG.
# Print progress, and after a failure the end of the log and its path.
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
