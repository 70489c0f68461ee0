#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# State directories that others could write to are not used, and say so; what is no file of
# ours in the place of one neither hangs nor wedges compile, the boot and status.
. "$(dirname "$0")/../lib.sh"

make_root
V=$R/var/lib/elfcast
mkdir -p "$R/run"
compile() { timeout 20 elfcast compile --storage=flash --root="$R" 2>"$TMP/err"; }
boot() {
	timeout 20 elfcast-prefetch --root="$R" --report="$TMP/report" 2>"$TMP/err"
	python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); print(r["outcome"], r["launches"])' "$TMP/report"
}
state() { timeout 20 elfcast status --json --root="$R" 2>"$TMP/err" |
	python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["pack"]["state"], len(d["programs"]), d["damaged_shadows"])'; }
says() { grep -qF -- "$1" "$TMP/err" || { sed 's/^/# /' "$TMP/err" && false; }; }
shadow_of() { basename "$S"/*"$1"*; }
place() { # KIND PATH: something that is no regular file
	rm -rf "$2"
	case $1 in
	fifo) mkfifo "$2" ;;
	empty) mkdir "$2" ;;
	full) mkdir -p "$2/x" ;;
	link) ln -s /etc/passwd "$2" ;;
	esac
}

check "compiled" compile
want=$(sums)
one=$(shadow_of one)
same "as it should be" "read 2, there 2 0" "$(boot), $(state)"

# ---- who may write there ------------------------------------------------------------------
not_trusted() { # NAME
	same "$1: not read at boot" "bad pack 0" "$(boot)"
	check "$1: the boot names it" says "'/var/lib/elfcast/boot.pack' or its directory is not root's, or others may write it"
}
for mode in 664 646; do
	chmod $mode "$V/boot.pack"
	not_trusted "pack, mode $mode"
	same "pack, mode $mode: not shown" "damaged 2 0" "$(state)"
	check "pack, mode $mode: named" says "/var/lib/elfcast/boot.pack: not root's, or others may write it"
	check "pack, mode $mode: made again" compile
	same "pack, mode $mode: as it was" "644 $want" "$(stat -c %a "$V/boot.pack") $(sums)"
	chmod $mode "$S/$one"
	same "shadow, mode $mode: not used" "there 1 1" "$(state)"
	check "shadow, mode $mode: named" says "/var/lib/elfcast/shadow/$one: not root's, or others may write it"
	elfcast prefetch --root="$R" /usr/bin/one 2>"$TMP/err"
	check "shadow, mode $mode: not read ahead" says "no shadow of '/usr/bin/one'"
	check "shadow, mode $mode: made again" compile
	same "shadow, mode $mode: as it was" "644 $want" "$(stat -c %a "$S/$one") $(sums)"
	chmod $mode "$V/index"
	check "index, mode $mode: all is compiled again" compile
	check "index, mode $mode: named" says "/var/lib/elfcast/index: not root's, or others may write it"
	same "index, mode $mode: as it was" 644 "$(stat -c %a "$V/index")"
done
for mode in 775 757; do
	chmod $mode "$V"
	not_trusted "directory, mode $mode"
	status "directory, mode $mode: compile refuses" 1 compile
	check "directory, mode $mode: named" says "/var/lib/elfcast: not root's, or others may write it"
	chmod 755 "$V"
	chmod $mode "$S"
	status "shadows, mode $mode: compile refuses" 1 compile
	check "shadows, mode $mode: named" says "/var/lib/elfcast/shadow: not root's, or others may write it"
	chmod 755 "$S"
done
if [ "$(id -u)" != 0 ]; then
	skip "other owners" "needs root"
else
	for f in boot.pack . ; do
		chown 65534 "$V/$f"
		not_trusted "$f of somebody else"
		chown 0 "$V/$f"
	done
	chown 65534 "$S/$one"
	same "shadow of somebody else" "there 1 1" "$(state)"
	chown 0 "$S/$one"
fi
same "all is well again" "read 2, there 2 0" "$(boot), $(state)"

# ---- what is there instead ----------------------------------------------------------------
for kind in fifo empty full link; do
	for f in index boot.pack lock dirty .boot.pack.new .index.new "shadow/$one" "shadow/.$one.new" shadow/stranger shadow; do
		[ "$f" = shadow ] && [ "$kind" = empty ] && continue
		[ "$f" = shadow ] && [ "$kind" = full ] && continue
		place $kind "$V/$f"
		boot >"$TMP/out"
		check "$kind as $f: the boot ends" test -s "$TMP/out"
		state >"$TMP/out"
		check "$kind as $f: status ends" test -s "$TMP/out"
		# A shadow, the pack and the index are new each time.
		n=$((3 - ${n:-1}))
		sed -i "s/\[\[0, [12], 1, 0\]\]/[[0, $n, 1, 0]]/" "$P/test.one.json"
		check "$kind as $f: compile mends it" compile
		case $kind$f in *dirty | linkshadow | fifoshadow) ;; *) check "$kind as $f: named" says "/var/lib/elfcast/$f: " ;; esac
		same "$kind as $f: all is there" "read 2, there 2 0, 2" "$(boot), $(state), $(n_shadows)"
		check "$kind as $f: nothing in the way" test ! -d "$V/$f" -o "$f" = shadow
	done
done
mkfifo "$V/launches.lock" "$V/launches"
timeout 20 elfcast status --launches --root="$R" >"$TMP/out" 2>"$TMP/err"
same "a FIFO as launch counts: status ends" 0 $?
check "and names it" says "/var/lib/elfcast/launches: "
timeout -s TERM -k 10 2 elfcastd --root="$R" 2>"$TMP/err"
check "elfcastd puts them right" test -f "$V/launches.lock" -a -f "$V/launches"
same "who launches what is not for all to read" 640 "$(stat -c %a "$V/launches")"
if [ "$(id -u)" != 0 ] || ! type -P setpriv >/dev/null; then
	skip "as another user" "needs root and setpriv"
else
	cp -r "$BUILD/elfcast" "$TMP/elfcast"
	chmod 755 "$TMP"
	as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$TMP/elfcast" "$@" --root="$R"; }
	status "another user: no launches" 1 as_nobody status --launches
	check "another user: told why" says "cannot read the launch counts: Permission denied"
	status "another user: no choice for the boot" 1 as_nobody status --pack
	check "another user: told why, too" says "launch counts are root's to read"
	status "another user: what is in memory" 0 as_nobody status --usage
	check "another user: not what was launched" says "launch counts are root's to read"
	printf 'elfcast-launch-times 1\nread 50 /usr/bin/two\nend 1\n' >"$V/launch-times"
	chmod 600 "$V/launch-times"
	status "another user: the overview" 0 as_nobody status
	check "another user: what was saved is root's" grep -qx "saved:     not known: the times of launches are root's to read" "$TMP/out"
	same "another user: that is no fault" 0 "$(grep -c 'times of launches' "$TMP/err")"
fi
finish
