#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 20 s
# sanitized: too
# elfcast embed and extract: a profile inside of its program.
. "$(dirname "$0")/../lib.sh"

D=$TMP/opt
mkdir "$D"
cat >"$TMP/a.c" <<'EOF'
#include <stdio.h>
int main(void) { puts("works"); return 0; }
EOF
build() { gcc -O1 -Wl,--build-id=sha1 -o "$@" "$TMP/a.c"; }
elfcast embed --print-reserve 4096 >"$TMP/reserve.s"
build "$D/plain"
build "$D/reserved" "$TMP/reserve.s"
build "$D/small" -x assembler <(elfcast embed --print-reserve=256) -x c
# profile_for FILE JSON [PATH]: needs its first two pages, and one of a library that is not there
profile_for() {
	local path=${3:-$1}
	profile "$2" "$path" "{ \"path\": \"$path\", \"build_id\": \"$(build_id_of "$1")\",
		\"size\": $(stat -c %s "$1"), \"pages\": [[0, 2, 1, 0]] },
		{ \"path\": \"/usr/lib/libgone.so.1\", \"build_id\": \"0123456789abcdef\", \"size\": 8192, \"pages\": [[1, 1, 1, 1]] }"
}
profile_for "$D/plain" "$TMP/plain.json"
profile_for "$D/reserved" "$TMP/reserved.json" /somewhere/else/reserved
for f in plain reserved small; do cp "$D/$f" "$TMP/$f.orig"; done
what() { # FILE: what its profile says of itself
	elfcast extract "$1" | python3 -c '
import json, sys
p = json.load(sys.stdin)
print(p["program"], *sorted("%s %d %s" % (o["path"], o["size"], o["pages"]) for o in p["objects"]))'
}

same "what is installed reserves 16 KiB" "" "$(elfcast embed --print-reserve 16384 | diff - <(grep -v '^#' "$TOP/packaging/reserve.s"))"

# What is linked with room.
check "the build-id is read beside the room" test -n "$(build_id_of "$D/reserved")"
check "room that is empty has no profile" sh -c "! elfcast extract '$D/reserved' 2>'$TMP/err'"
check "which is said" grep -qxF "elfcast: '$D/reserved' has no profile in it" "$TMP/err"
cap=
setcap cap_net_raw+ep "$D/reserved" 2>/dev/null && cap=$(getcap "$D/reserved")
chmod 4751 "$D/reserved"
mode() { stat -c '%a %u %g %s' "$1"; }
before=$(mode "$D/reserved")
check "it is filled" elfcast embed -q "$D/reserved" "$TMP/reserved.json"
same "owner, mode and size stay" "$before" "$(mode "$D/reserved")"
[ -z "$cap" ] || same "capabilities too" "$cap" "$(getcap "$D/reserved")"
same "it works" works "$("$D/reserved")"
same "the build-id stays" "$(build_id_of "$TMP/reserved.orig")" "$(build_id_of "$D/reserved")"
off=$((16#$(readelf -SW "$D/reserved" | awk '$2 == ".note.elfcast" || $3 == ".note.elfcast" { for (i = 1; i <= NF; i++) if ($i == "NOTE") print $(i + 2) }')))
same "nothing but the room is another byte" "" \
	"$(cmp -l "$TMP/reserved.orig" "$D/reserved" | awk -v a=$((off + 20)) -v b=$((off + 20 + 4096)) '$1 <= a || $1 > b')"
same "the profile is one of where the program lies now" \
	"$D/reserved $D/reserved $(stat -c %s "$D/reserved") [[0, 2, 1, 0]] /usr/lib/libgone.so.1 8192 [[1, 1, 1, 1]]" \
	"$(what "$D/reserved")"
cp "$D/reserved" "$TMP/filled"
elfcast embed -q "$D/reserved" "$TMP/reserved.json"
check "filled twice it is the same" cmp "$TMP/filled" "$D/reserved"
check "strip leaves it" sh -c "strip -o '$D/stripped' '$D/reserved' && elfcast extract '$D/stripped' >/dev/null"
check "emptied" elfcast embed -q --remove "$D/reserved"
check "it is as it was linked" cmp "$TMP/reserved.orig" "$D/reserved"
check "to another file" elfcast embed -q -o "$D/other" "$D/reserved" "$TMP/reserved.json"
check "the first stays" cmp "$TMP/reserved.orig" "$D/reserved"
check "the other is filled" cmp "$TMP/filled" "$D/other"
status "twice out" 1 elfcast embed --remove "$D/reserved"

# Too little room.
profile_for "$D/small" "$TMP/small.json"
status "room that is too small" 1 elfcast embed "$D/small" "$TMP/small.json"
check "is told with both numbers" grep -qE "takes [0-9]+ bytes, and '$D/small' has 256 reserved" "$TMP/err"
check "and nothing is changed" cmp "$TMP/small.orig" "$D/small"

# What was linked without.
check "behind the end" elfcast embed -q "$D/plain" "$TMP/plain.json"
same "it works" works "$("$D/plain")"
same "all before it is as it was" "" "$(head -c "$(stat -c %s "$TMP/plain.orig")" "$D/plain" | cmp - "$TMP/plain.orig")"
check "its profile is there" sh -c "elfcast extract '$D/plain' | grep -q '\"$D/plain\"'"
cp "$D/plain" "$TMP/trailed"
elfcast embed -q "$D/plain" "$TMP/plain.json"
check "twice it is the same" cmp "$TMP/trailed" "$D/plain"
tar -C "$D" -cf "$TMP/t.tar" plain && mkdir "$TMP/untarred" && tar -C "$TMP/untarred" -xf "$TMP/t.tar"
check "it survives cp and tar" sh -c "elfcast extract '$TMP/untarred/plain' | grep -q '\"$TMP/untarred/plain\"'"
strip -o "$TMP/stripped" "$D/plain"
check "strip takes it away" sh -c "! elfcast extract '$TMP/stripped' 2>/dev/null"
elfcast embed -q --remove "$D/plain"
check "taken out, it is as it was" cmp "$TMP/plain.orig" "$D/plain"
elfcast embed -q --trailer "$D/small" "$TMP/small.json"
check "--trailer where there is room" sh -c "elfcast extract '$D/small' | grep -q '\"$D/small\"'"
elfcast show "$D/small" >"$TMP/show" 2>&1
check "show knows it" grep -q "$D/small" "$TMP/show"

# Damage: every cut, every byte; with sanitizers, which start slowly, every fifth: fuzz_embedded has all.
step=1
[ -z "${ELFCAST_SANITIZED:-}" ] || [ -n "${SOAK:-}" ] || step=5
tried() { # AT-LEAST: and nothing else is said
	test "$(sed -n '$s/^tried //p' "$TMP/damage")" -ge $(($1 / step)) -a "$(wc -l <"$TMP/damage")" = 1
}
python3 - "$TMP/filled" "$((off + 20))" $step "$D" >"$TMP/damage" <<'EOF'
import os, subprocess, sys
name, off, step, d = sys.argv[1:5]
data = bytearray(open(name, "rb").read())
off = int(off)
used = off + 32 + sum(int.from_bytes(data[off + i:off + i + 4], "little") for i in (8, 24))
whole = subprocess.run(["elfcast", "extract", name], capture_output=True).stdout
def taken(what):
    with open(d + "/damaged", "wb") as f:
        f.write(what)
    r = subprocess.run(["elfcast", "extract", d + "/damaged"], capture_output=True)
    if r.returncode not in (0, 1) or (r.returncode == 0) != (r.stdout != b""):
        print("status", r.returncode, r.stderr)
    return r.returncode == 0
n = 0
for i in list(range(off, used, int(step))) + [used, used + 100]:
    damaged = bytearray(data)
    damaged[i] ^= 0x21
    if taken(damaged):
        print("byte", i)
    n += 1
print("tried", n)
EOF
check "every changed byte of a note is refused" tried 300
python3 - "$TMP/trailed" "$(stat -c %s "$TMP/plain.orig")" "$D" $step >"$TMP/damage" <<'EOF'
import subprocess, sys
name, off, d, step = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
data = open(name, "rb").read()
n = 0
def taken(what):
    global n
    n += 1
    with open(d + "/damaged", "wb") as f:
        f.write(what)
    r = subprocess.run(["elfcast", "extract", d + "/damaged"], capture_output=True)
    if r.returncode not in (0, 1):
        print("status", r.returncode, r.stderr)
    return r.returncode == 0
for i in range(off, len(data), step):
    if taken(data[:i]):
        print("cut", i)
    if taken(data[:i] + bytes([data[i] ^ 0x21]) + data[i + 1:]):
        print("byte", i)
print("tried", n)
EOF
check "every cut and every changed byte of a trailer is refused" tried 500

# compile takes those that the administrator names.
R=$TMP/root S=$TMP/root/var/lib/elfcast/shadow C=$TMP/root/etc/elfcast/elfcast.conf
mkdir -p "$R/opt" "$R/etc/elfcast" "$R/usr/share/elfcast/profiles.d" "$R/var"
cp "$TMP/filled" "$R/opt/app"
cp "$TMP/plain.orig" "$R/opt/none"
compile() { elfcast compile --root="$R" >"$TMP/err" 2>&1; }
compile
same "nobody is looked into who is not named" 0 "$(n_shadows)"
echo "Embedded=/opt/app /opt/gone" >"$C"
check "compile looks into programs that are named" compile
same "it is compiled" 1 "$(n_shadows)"
check "for where the program lies" sh -c "elfcast show --root='$R' /opt/app | grep -q /opt/app"
check "list has it" sh -c "elfcast list --root='$R' | grep -q ' /opt/app$'"
sums >"$TMP/sums"
check "again" compile
same "it is the same" "" "$(sums | diff - "$TMP/sums")"
profile "$R/usr/share/elfcast/profiles.d/vendor.app.json" /opt/app "{ \"path\": \"/opt/app\",
	\"build_id\": \"$(build_id_of "$R/opt/app")\", \"size\": $(stat -c %s "$R/opt/app"), \"pages\": [[0, 1, 1, 0]] }"
compile
same "a package's counts before it" "vendor.app.json" "$(ls "$S" | sed 's/^[0-9a-f]*\.//; s/\.shadow$//')"
compile
same "and still" 1 "$(n_shadows)"
rm "$R/usr/share/elfcast/profiles.d/vendor.app.json"
compile
check "without the package's it counts again" sh -c "ls '$S' | grep -q 'embedded\\.'"
cp "$TMP/filled" "$R/opt/new" && printf x | dd of="$R/opt/new" bs=1 seek=$((off + 20 + 30)) conv=notrunc status=none
mv "$R/opt/new" "$R/opt/app"
compile
check "a damaged one is told" grep -qF "/opt/app: has a damaged profile in it" "$TMP/err"
same "and is not compiled" 0 "$(n_shadows)"
echo "Embedded=/opt/none" >"$C"
compile
check "one without, too" grep -qF "/opt/none: has no profile in it" "$TMP/err"
cp "$TMP/filled" "$R/opt/app"
chmod 777 "$R/opt/app"
echo "Embedded=/opt/app" >"$C"
compile
check "one that others may write is not believed" grep -qF "/opt/app: is not root's, or others may write it" "$TMP/err"
echo "Embedded=app" >"$C"
compile
check "a name is not enough" grep -qF "elfcast.conf:1:10: 'app' is no absolute path" "$TMP/err"

# And those that were launched here, unless somebody else has a profile of them.
chmod 755 "$R/opt/app"
rm "$C"
cp "$R/opt/none" "$R/opt/other"
compile
same "not before they are" 0 "$(n_shadows)"
{
	echo "elfcast-launches 3 $(date +%s) - - 0"
	printf '3.000000 %s 0 /opt/%s\n' "$(date +%s)" app "$(date +%s)" gone "$(date +%s)" none "$(date +%s)" other
	echo "end 4"
} >"$R/var/lib/elfcast/launches"
compile
same "one that was launched is looked into" "embedded 1" "$(ls "$S" | cut -d . -f 2 | sort -u) $(n_shadows)"
same "others are not told of" "" "$(grep -v compiled "$TMP/err")"
elfcast status --root="$R" >"$TMP/out" 2>&1
same "status misses no profile" "" "$(grep 'gone' "$TMP/out")"
check "list has it" sh -c "elfcast list --root='$R' | grep -q ' /opt/app$'"
sums >"$TMP/sums"
check "again" compile
same "it is the same" "" "$(sums | diff - "$TMP/sums")"
profile "$R/usr/share/elfcast/profiles.d/vendor.app.json" /opt/app "{ \"path\": \"/opt/app\",
	\"build_id\": \"$(build_id_of "$R/opt/app")\", \"size\": $(stat -c %s "$R/opt/app"), \"pages\": [[0, 1, 1, 0]] }"
compile && compile
same "a package's counts before it here, too" "vendor.app.json" "$(ls "$S" | sed 's/^[0-9a-f]*\.//; s/\.shadow$//')"

# check, where it is built.
if [ -x "$BUILD/elfcast-check" ]; then
	export ELFCAST_EXEC_PATH=$BUILD ASAN_OPTIONS=detect_leaks=0
	mkdir -p "$TMP/package/somewhere/else"
	cp "$TMP/filled" "$TMP/package/somewhere/else/reserved"
	check "check looks inside" sh -c "elfcast check '$TMP/filled' 2>&1 | grep -q 'trained in 1 run'"
	check "and holds it against the package" sh -c "elfcast check --against='$TMP/package' '$TMP/filled' 2>&1 | grep -q 'matches.*/somewhere/else/reserved'"
	check "a program without one" sh -c "elfcast check '$TMP/plain.orig' 2>&1 | grep -qF '$TMP/plain.orig: has no profile in it'"
else
	skip "check looks inside" "elfcast-check is not built"
fi

# What is launched by a link, in a profile of two releases: this one's file, and the other's.
profile "$TMP/link.json" "$D/link" "{ \"path\": \"$D/plain\", \"build_id\": \"$(build_id_of "$D/plain")\",
		\"size\": $(stat -c %s "$TMP/plain.orig"), \"pages\": [[0, 1, 1, 0]] },
	{ \"path\": \"$D/plain\", \"build_id\": \"0123456789abcdef\", \"size\": 8192, \"pages\": [[1, 1, 1, 1]] },
	{ \"path\": \"/usr/lib/libgone.so.1\", \"build_id\": \"0123456789abcdef\", \"size\": 8192, \"pages\": [[1, 1, 1, 1]] }"
cp "$TMP/plain.orig" "$D/target" && ln -s target "$D/link"
check "a profile of a link goes into the file" elfcast embed -q "$D/link" "$TMP/link.json"
same "of this build alone" "$D/target $D/target $(stat -c %s "$D/target") [[0, 1, 1, 0]] /usr/lib/libgone.so.1 8192 [[1, 1, 1, 1]]" \
	"$(what "$D/target")"

# What stays as it is.
stays() { # WHY FILE: refused, with this reason, unchanged
	cp "$2" "$TMP/before"
	check "refused: $1" sh -c "! elfcast embed '$2' '$TMP/plain.json' 2>'$TMP/err'"
	check "with the reason" grep -qF "$1" "$TMP/err"
	check "and unchanged" cmp "$TMP/before" "$2"
}
{ cat "$TMP/plain.orig" && echo payload; } >"$D/payload"
stays "something lies behind its end" "$D/payload"
{ cat "$TMP/plain.orig" && printf '~Module signature appended~\n'; } >"$D/module"
stays "something lies behind its end" "$D/module"
cp "$TMP/plain.orig" "$D/appimage"
printf 'AI\2' | dd of="$D/appimage" bs=1 seek=8 conv=notrunc status=none
stays "it is an AppImage" "$D/appimage"
gcc -O1 -Wl,--build-id=none -o "$D/without" "$TMP/a.c"
stays "has no build-id" "$D/without"
stays "it was trained on build $(build_id_of "$TMP/plain.orig")" "$D/reserved"
ln "$D/plain" "$D/second-name"
stays "has 2 names" "$D/plain"
rm "$D/second-name"
echo text >"$D/text"
stays "is not an ELF program" "$D/text"
if python3 -c 'import os, sys; os.setxattr(sys.argv[1], "security.ima", b"\3\1")' "$D/other" 2>/dev/null; then
	stays "it is signed" "$D/other"
else
	skip "a file that is signed" "needs root and attributes"
fi
status "a directory" 1 elfcast embed "$D" "$TMP/plain.json"
status "no such program" 1 elfcast embed "$D/none" "$TMP/plain.json"
status "no such profile" 1 elfcast embed "$D/plain" "$TMP/none.json"
status "no program" 2 elfcast embed
status "one argument" 2 elfcast embed "$D/plain"
status "no size" 2 elfcast embed --print-reserve=x
status "a size that hides the build-id" 2 elfcast embed --print-reserve=65536
status "--print-reserve with more" 2 elfcast embed --print-reserve=4096 "$D/plain"
status "extract: two" 2 elfcast extract "$D/plain" "$D/plain"
same "nothing is left behind" "" "$(find "$D" -name '*.elfcast-*')"
finish
