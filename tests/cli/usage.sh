#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sanitized: too
# What became of the pack, on a fake root: in memory or not, launched or not; and who was read
# ahead in vain too often is left out until it is launched.
. "$(dirname "$0")/../lib.sh"

R=$TMP/root
P=$R/usr/share/elfcast/profiles.d
V=$R/var/lib/elfcast
mkdir -p "$P" "$R/usr/bin" "$R/etc/elfcast"
program() { # name pages [scenario]
	make_elf "$R/usr/bin/$1" "$1"
	truncate -s 1M "$R/usr/bin/$1"
	# Not holes: their pages are no pages of the disk.
	dd if=/dev/zero of="$R/usr/bin/$1" bs=4096 seek=8 count=248 conv=notrunc status=none
	profile "$P/v.$1.json" "/usr/bin/$1" "$(printf '{ "path": "%s", "build_id": "%s", "size": %s, "pages": [[0, %s, 1, 1]] }' \
		"/usr/bin/$1" "$(build_id_of "$R/usr/bin/$1")" "$(stat -c %s "$R/usr/bin/$1")" "$2")"
	[ -z "${3:-}" ] || sed -i "s/\"default\"/\"$3\"/" "$P/v.$1.json"
}
compile() { elfcast compile --root="$R" --storage=flash 2>"$TMP/err"; }
usage() { elfcast status --usage --json --root="$R" 2>"$TMP/err" |
	python3 -c "import json, sys; d = json.load(sys.stdin); print($1)"; }
of() { # PROGRAM KEY
	usage "[l['$2'] for l in d['launches'] if l['program'] == '/usr/bin/$1'][0]"
}
verdict() { # PROGRAM
	elfcast status --pack --json --root="$R" 2>/dev/null | python3 -c "import json, sys
print([l['verdict'] for l in json.load(sys.stdin)['launches'] if l['program'] == '/usr/bin/$1'][0])"
}
launched() { # program time...
	printf 'elfcast-launches 2 1767300000 -\n' >"$V/launches"
	[ $# = 0 ] || printf '1.000000 %s 0 /usr/bin/%s\n' "$2" "$1" >>"$V/launches"
	printf 'end %s\n' $(($# / 2)) >>"$V/launches"
}
unused() { # boots program
	printf 'elfcast-launches 2 1767300000 %s\n0.000000 0 %s /usr/bin/%s\nend 1\n' \
		6f1c2d3e-0000-4000-8000-0123456789ab "$1" "$2" >"$V/launches"
}

status "no pack" 0 elfcast status --usage --root="$R"
check "no pack: says so" grep -q 'there is no pack' "$TMP/err"
same "no pack: JSON" "[]" "$(usage 'd["launches"]')"

program a 20
program b 30
program sys 5 boot
compile
same "all are in the pack" "['a', 'b', 'sys']" "$(usage 'sorted(l["program"][9:] for l in d["launches"])')"
same "no counts: nothing is known to be launched" "False False" "$(usage 'd["counting"], d["launches"][1]["launched"]' | tr -d '(),')"
check "no counts: warns" grep -q 'not counted' "$TMP/err"

# In memory. Not on tmpfs, where all is.
if [ "$(id -u)" != 0 ] || [ "$(stat -f -c %T "$TMP")" = tmpfs ]; then
	skip "residency" "needs root, and a disk"
else
	sync "$R"/usr/bin/*
	"$BUILD/tests/residency" --evict "$R"/usr/bin/*
	same "evicted: not resident" 0 "$(of a resident_bytes)"
	in_memory() {
		"$BUILD/tests/residency" --evict "$R"/usr/bin/*
		cat "$R/usr/bin/a" >/dev/null
		resident=$(of a resident_bytes)
	}
	undisturbed "$R/usr/bin/a" in_memory
	same "read: resident" $((20 * 4096)) "$resident"
	same "all that the pack reads for it" $((20 * 4096)) "$(of a bytes)"
	same "not read: not resident" 0 "$(of b resident_bytes)"
	summed() {
		in_memory
		resident=$(usage 'd["not_used"]["resident_bytes"]')
	}
	undisturbed "$R/usr/bin/a" summed
	same "sum of what nobody launched" $((20 * 4096)) "$resident"

	# On a layered file system, whose inodes have no pages of their own (live systems, containers).
	mkdir "$TMP/upper" "$TMP/work" "$TMP/merged"
	overlaid() { # COMMAND...: with the root below an overlay
		unshare -m bash -c 'mount -t overlay -o "lowerdir=$1/root,upperdir=$1/upper,workdir=$1/work" elfcast "$1/merged" &&
			"${@:2}"' bash "$TMP" "$@"
	}
	if overlaid true 2>/dev/null; then
		overlaid elfcast compile -q --root="$TMP/merged" --storage=flash
		on_overlay() {
			"$BUILD/tests/residency" --evict "$R"/usr/bin/*
			cat "$R/usr/bin/a" >/dev/null
			resident=$(overlaid elfcast status --usage --json --root="$TMP/merged" 2>/dev/null | python3 -c '
import json, sys
print(*sorted((l["program"][9:], l["resident_bytes"] // 4096, l["unknown_bytes"]) for l in json.load(sys.stdin)["launches"]))')
		}
		undisturbed "$R/usr/bin/a" on_overlay
		same "overlay: what is in memory" "('a', 20, 0) ('b', 0, 0) ('sys', 0, 0)" "$resident"
		stranger() { # what somebody sees who may not look
			chmod 755 "$TMP"
			overlaid setpriv --reuid=65534 --regid=65534 --clear-groups "$BUILD/elfcast" status --usage --root="$1" 2>&1
		}
		check "who may not see is not told 0.0" test "$(stranger "$TMP/merged" | grep -cE '^ +0\.[01] +\?')" = 3
		check "but why" grep -q 'cannot be seen whether they are in memory' <<<"$(stranger "$TMP/merged")"
	else
		skip "overlay" "cannot be mounted"
	fi
fi

launched a "$(date +%s)"
same "launched since boot" "True False" "$(of a launched) $(of b launched)"
same "the machine's own start is used" True "$(of sys launched)"
same "sum of what was launched" $((25 * 4096)) "$(usage 'd["used"]["bytes"]')"
launched a 1767225601 # before this boot
same "launched before boot" False "$(of a launched)"
status "text" 0 elfcast status --usage --root="$R"
check "text: a line each" grep -qE '^ +0\.1 +[0-9.]+ +[0-9.]+  \? +0  /usr/bin/b$' "$TMP/out"
check "text: the boot" grep -qE '  boot +0  /usr/bin/sys, boot$' "$TMP/out"

check "one profile needs no name" test "$(grep -c '\[' "$TMP/out")" = 0

# Two profiles of one program, of the same scenario.
sed 's/\[0, 20, /[40, 7, /' "$P/v.a.json" >"$P/w.a.json"
compile
elfcast status --usage --root="$R" >"$TMP/out" 2>&1
same "two profiles of a program are told apart" "/usr/bin/a [v.a.json] /usr/bin/a [w.a.json]" \
	"$(grep -o '/usr/bin/a.*' "$TMP/out" | sort | xargs)"
same "JSON: their names" "['v.a.json', 'w.a.json']" \
	"$(usage 'sorted(l["profile"] for l in d["launches"] if l["program"] == "/usr/bin/a")')"
same "the pack's list, too" "/usr/bin/a [v.a.json] /usr/bin/a [w.a.json]" \
	"$(elfcast status --pack --root="$R" 2>/dev/null | grep -o '/usr/bin/a.*' | sort | xargs)"
rm "$P/w.a.json"
compile

rm "$R/usr/bin/b" && cp "$R/usr/bin/a" "$R/usr/bin/b"
same "another file: nothing is known of it" "$((30 * 4096)) 0" "$(of b unknown_bytes) $(of b resident_bytes)"
program b 30
compile

# In vain.
unused 4 b
same "boots in vain" "0 4" "$(of a boots_in_vain) $(of b boots_in_vain)"
same "four boots in vain: still there" taken "$(verdict b)"
unused 5 b
same "five: left out" unused "$(verdict b)"
compile
same "compile leaves it out" "['a', 'sys']" "$(usage 'sorted(l["program"][9:] for l in d["launches"])')"
launched b "$(date +%s)"
same "launched: taken again" taken "$(verdict b)"
unused 5 b
echo "Always=/usr/bin/b" >"$R/etc/elfcast/elfcast.conf"
same "Always=" taken "$(verdict b)"
rm "$R/etc/elfcast/elfcast.conf"
unused 5 sys
same "the machine's own start is never in vain" taken "$(verdict sys)"
unused 5 b && truncate -s -1 "$V/launches"
same "damaged: as good as none" taken "$(verdict b)"

printf torn >"$V/boot.pack"
status "damaged pack" 1 elfcast status --usage --root="$R"
check "damaged pack: one line" test "$(wc -l <"$TMP/err")" = 1
finish
