# SPDX-License-Identifier: GPL-2.0
# Completion of mapdevctl(8) for bash: commands, regions, attributes and their values.
# shellcheck shell=bash

_mapdevctl() {
	local commands='create destroy list show stat watch users dirty revoke restore resize discard'
	local attributes='backing= cache= dirty= dma32= granule= map= mode= numa_node= phys= pin= ro='
	local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words='' value=''

	# Bash may take an equals sign as a word of its own.
	if [ "$word" = = ]; then
		value=${COMP_WORDS[COMP_CWORD - 1]} word=''
	elif [ "${COMP_WORDS[COMP_CWORD - 1]}" = = ]; then
		value=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	case $COMP_CWORD,$command,$value in
	1,*)			words="$commands --help --version" ;;
	*,create,backing)	words='paged pages vmalloc contig window' ;;
	*,create,cache)		words='wb wc uc' ;;
	*,create,map)		words='demand eager' ;;
	*,create,d* | *,create,pin | *,create,ro)	words='0 1' ;;
	[23],create,*)		;;
	*,create,)		words=$attributes ;;
	2,list,*)		words=--json ;;
	2,*)			words=$(cd /sys/class/mapdev 2>/dev/null && echo *) ;;
	3,show,* | 3,stat,* | 3,dirty,*)	words=--json ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	if [[ ${COMPREPLY[0]} = *= ]]; then
		compopt -o nospace 2>/dev/null
	fi
}

complete -F _mapdevctl mapdevctl
