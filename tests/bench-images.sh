#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Images in which the files of launches lie first, in the order in which they are needed (`elfcast
# export`), against images of the same tree as the tools lay it out: cold launches on modelled disks,
# plain and read ahead at exec by elfcastd. Each way in turn, truly cold each time.
#
#   PROGRAMS="python3 git gdb"   launches that are recorded and measured, in this order
#   OTHERS="…"                   programs that are in the image as well; by default what make bench has
#                                and 60 small ones
#   KIND="squashfs erofs"        squashfs: zstd. erofs: uncompressed, as mkfs.erofs keeps an order in no
#                                other; from 1.8.2 on (MKFS_EROFS=PATH), else not measured
#   STORAGE="sd:1500:60 hdd net:1000:3000:125"  ROUNDS=5  OUT=FILE (JSON lines)
#
# Ends with one table; "ordered/not" is the median of the ratios of the same rounds.
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd) BUILD=${BUILD:-$TOP/build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
export TOP BUILD PYTHONDONTWRITEBYTECODE=1
. "$TOP/tests/lab/lab.sh"
lab_enter "$@"
# shellcheck disable=SC2034 # of measure.sh
MEASURE_MODES="cold warm exec"
. "$TOP/tests/lab/measure.sh"
: "${PROGRAMS:=python3 git gdb}" "${KIND:=squashfs erofs}" "${ROUNDS:=5}"
: "${STORAGE:=sd:1500:60 hdd net:1000:3000:125}"

lab_build || lab_die "the build failed"
make -s -C "$TOP" BUILD="${BUILD#"$TOP"/}" "$BUILD/elfcastd" >/dev/null || lab_die "the build failed"
lab_has_fuse || lab_die "no modelled disk here: it takes /dev/fuse and libfuse3"
lab_begin

read -ra kinds <<<"$(lab_ordered_kinds "$KIND")"
[ ${#kinds[@]} -gt 0 ] || lab_die "nothing to measure"
measured=() others=()
for p in $PROGRAMS; do
	why=$(lab_lacks "$p")
	if [ -z "$why" ]; then measured+=("$p"); else echo "not measured: $p: $why" >&2; fi
done
[ ${#measured[@]} -gt 0 ] || lab_die "nothing to measure"
for p in ${OTHERS-$LAB_ALL $(lab_more 60)}; do
	[[ " ${measured[*]} ${others[*]} " == *" $p "* ]] || [ -n "$(lab_lacks "$p")" ] || others+=("$p")
done

measure_say "making the root"
lab_make "${measured[@]}" "${others[@]}"
measure_train "${measured[@]}"
echo "set up: $SECONDS s" >&2
for kind in "${kinds[@]}"; do
	for order in no yes; do
		LAB_FIRST=()
		[ $order = no ] || LAB_FIRST=("${measured[@]/#/$LAB/lab.}") LAB_FIRST=("${LAB_FIRST[@]/%/.json}")
		LAB_PLAIN=yes lab_kind "$kind"
		echo "$kind, ordered: $order, $(($(stat -c %s "$LAB_IMAGE") >> 20)) MiB: $SECONDS s" >&2
		for storage in $STORAGE; do
			measure "$storage" "$ROUNDS" "${measured[@]}" | sed "s/^{/{\"ordered\": \"$order\", /" \
				>>"$LAB/results"
			echo "$storage: $SECONDS s" >&2
		done
	done
done
[ -z "${OUT:-}" ] || cp "$LAB/results" "$OUT"
/usr/bin/python3 "$TOP/tests/lab/images_table.py" "$LAB/results"
