#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sanitized: too
# Whether the next boot is recorded, on a fake root: compile decides and leaves a mark, status tells.
. "$(dirname "$0")/../lib.sh"

make_root
S=$R/var/lib/elfcast
mark() { cat "$S/boot.train" 2>/dev/null; }
why() { elfcast status --json --root="$R" 2>/dev/null | python3 -c 'import json, sys
t = json.load(sys.stdin)["training"]; print(t["why"], t["next_boot"])'; }
compiled() { # NAME REASON: what compile finds, status says, and the mark holds
	elfcast compile -q --root="$R" --storage=flash
	case $2 in
	enough | off | fails) same "$1" "$2 False " "$(why) $(mark)" ;;
	*) same "$1" "$2 True $2" "$(why) $(mark)" ;;
	esac
}
training() { # KEY VALUE...: over what is there
	while [ $# -gt 0 ]; do
		sed -i "s/^$1 .*/$1 $2/" "$S/boot.training"
		shift 2
	done
}
# A recorded boot: of ten programs, the first one is process 1's.
objects=
for i in one $(seq 2 11); do
	[ "$i" = one ] || make_elf "$R/usr/bin/$i" "$i"
	objects+=", $(printf '{ "path": "%s", "build_id": "%s", "size": %s, "pages": [[0, 1, 1, 1]] }' \
		"/usr/bin/$i" "$(build_id_of "$R/usr/bin/$i")" "$(stat -c %s "$R/usr/bin/$i")")"
done
mkdir -p "$R/etc/elfcast/profiles.d"
recorded=$R/etc/elfcast/profiles.d/local.one.boot.json
put_recorded() {
	profile "$recorded" /usr/bin/one "${objects#, }"
	sed -i 's/"default"/"boot"/' "$recorded"
}

same "before the first compile" "none True " "$(why) $(mark)"
compiled "no boot was recorded" none
put_recorded
compiled "a profile that somebody put there is none of this machine's" none

cat >"$S/boot.training" <<END
elfcast-boot-training 1
profile local.one.boot.json
kernel $(uname -r)
exact 0
boots 2
time 1796000000
pages 1000
new 10
failed 0
failed-kernel 
END
cp "$S/boot.training" "$TMP/good"
compiled "what is known is enough" enough
elfcast status --root="$R" >"$TMP/out" 2>/dev/null
check "in words" grep -qxF 'next boot: not recorded: what is known is enough' "$TMP/out"
check "and when it was" grep -qE "^recorded: +2026-11-3[0-9] [0-9:]+, 2 boots, kernel $(uname -r), 3\.9 MiB, the last boot added 0\.0\$" \
	"$TMP/out"
training boots 1
compiled "one boot only" few
training boots 3 new 60
compiled "the last one added much" few
training boots 4
compiled "there is an end to it" enough
training boots 1 exact 1
compiled "one is enough, recorded exactly" enough
training kernel 1.2.3
compiled "another kernel" kernel
elfcast status --root="$R" >"$TMP/out" 2>/dev/null
check "in words" grep -qxF 'next boot: recorded: another kernel was recorded' "$TMP/out"
training failed 3 failed-kernel "$(uname -r)"
compiled "it fails with this one" fails
cp "$TMP/good" "$S/boot.training"

mkdir "$R/run" 2>/dev/null
mkdir -p "$R/run/elfcast"
sed 's/"objects_used": 243/"objects_used": 100/' "$TOP/tests/fuzz/corpus/boot_report/read" >"$R/run/elfcast/boot.json"
touch -d @1795000000 "$R/run/elfcast/boot.json"
compiled "a report from before the recording" enough
touch -d @1797000000 "$R/run/elfcast/boot.json"
compiled "the last boot could use little" useless
cp "$TOP/tests/fuzz/corpus/boot_report/read" "$R/run/elfcast/boot.json"
touch -d @1797000000 "$R/run/elfcast/boot.json"
compiled "it could use all" enough

make_elf "$R/usr/bin/5" rebuilt
compiled "one file of eleven is another" enough
rm "$R/usr/bin/6"
compiled "and one is missing" files
make_elf "$R/usr/bin/one" rebuilt
compiled "process 1's program is another" system
echo BootTrain=no >"$R/etc/elfcast/elfcast.conf"
compiled "switched off" off
printf 'Boot=no\n' >"$R/etc/elfcast/elfcast.conf"
compiled "with all of the boot" off
echo BootTrain=auto >"$R/etc/elfcast/elfcast.conf"
compiled "switched on" system
echo BootTrain=yes >"$R/etc/elfcast/elfcast.conf"
elfcast compile --root="$R" >"$TMP/out" 2>&1
check "neither is a problem, with its place" grep -qF "elfcast.conf:1:11: 'yes' is not auto or no" "$TMP/out"
rm "$R/etc/elfcast/elfcast.conf"
rm "$recorded"
compiled "its profile was removed" none
put_recorded
echo garbage >"$S/boot.training"
compiled "damaged state is none" none

# The unit's program, where it is not due: it records nothing, and needs no root for that.
rm -f "$S/boot.train"
status "this boot is not due" 0 elfcast train --auto --root="$R"
check "it says so" grep -q 'this boot is not recorded: what is known is enough' "$TMP/err"
echo none >"$S/boot.train"
echo BootTrain=no >"$R/etc/elfcast/elfcast.conf"
status "a setting that was changed since" 0 elfcast train --auto --root="$R"
check "counts" grep -q 'this boot is not recorded: switched off' "$TMP/err"
for option in --system --light --install --scenario=x; do
	status "--auto with $option" 2 elfcast train --auto $option
done
status "--auto runs no command" 2 elfcast train --auto -- true
status "--light is for --system" 2 elfcast train --light -- true

# An image's machines have recorded nothing yet, or are not known: no mark in /usr.
rm -rf "$S"
elfcast compile -q --usr --root="$R"
same "no mark in an image's /usr" "" "$(cd "$R" && find . -name 'boot.train*')"
finish
