#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 20 s
# sanitized: too
# elfcast retarget --to=PACKAGE: what rpmbuild, dpkg-deb and tar make of a tree gives the same as the tree.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/packages.sh"
if [ ! -x "$BUILD/elfcast-retarget" ]; then
	skip "retarget --to=PACKAGE" "built without librpm or libarchive"
	finish
fi
export ELFCAST_EXEC_PATH=$BUILD
FUNCTIONS=500
. "$TOP/tests/helpers/retarget-lib.sh"

build "$TMP/old" 1 -O1
build "$TMP/new" 2 -O1
# The library is another name of the program, which stands before it: in tar it has no data of its own.
mkdir -p "$R/usr/lib/app-1.2" "$R/usr/share/app"
cp "$TMP/new" "$R/usr/bin/app"
cp "$TMP/new" "$R/usr/bin/tool2"
ln "$R/usr/bin/app" "$R/usr/lib/app-1.2/libapp.so.7.1"
ln -s libapp.so.7.1 "$R/usr/lib/app-1.2/libapp.so.6.3"
cp "$TMP/new" "$R/usr/lib/app-1.2/libapp.so.7.0"
head -c 5000 /dev/zero >"$R/usr/share/app/small"
head -c 300000 /dev/urandom >"$R/usr/share/app/big"
cp "$R/usr/share/app/big" "$R/usr/share/app/bigger"
# of PATH: an object of that path like the one of /usr/bin/app
profile_of "$TMP/old" /usr/bin/app
of() { python3 -c 'import json, sys
o = json.load(open(sys.argv[1]))["objects"][0]
o["path"] = sys.argv[2]
print(",", json.dumps(o))' "$TMP/p.json" "$1"; }
more="$(of /usr/lib/app-1.1/libapp.so.6.3) $(of /usr/bin/tool1) $(of /usr/lib/none.so.1),
	{ \"path\": \"/usr/share/app/small\", \"size\": 9000, \"pages\": [[1, 1, 1, 4]] },
	{ \"path\": \"/usr/share/app/big\", \"size\": 300000, \"digest\": \"xxh3-128:00\", \"pages\": [[7, 2, 1, 4]] },
	{ \"path\": \"/usr/share/app/bigger\", \"size\": 200000, \"pages\": [[7, 2, 1, 4]] },
	{ \"path\": \"/usr/bin/app\", \"build_id\": \"$(id_of "$TMP/new")\", \"size\": $(stat -c %s "$TMP/new"), \"pages\": [[0, 1, 1, 4]] }"
profile_of "$TMP/old" /usr/bin/app "$more"
status "to the tree" 0 retarget -v --to="$R" "$TMP/p.json"
cp "$TMP/new.json" "$TMP/tree.json"
same "is what it should be" "/usr/bin/app /usr/bin/tool2 /usr/lib/app-1.2/libapp.so.7.1 /usr/share/app/big /usr/share/app/small" \
	"$(object path | paste -s -d ' ')"
same "of two builds of the program one is there" "- 0" "$(object retargeted_from /usr/bin/app) $(object pages /usr/bin/app)"
same "the library was retargeted" "$(id_of "$TMP/old")" "$(object retargeted_from /usr/lib/app-1.2/libapp.so.7.1)"

# as_tree PACKAGE: the same comes of it
as_tree() {
	rm -f "$TMP/new.json"
	status "to $1" 0 retarget -v --to="$TMP/$1" "$TMP/p.json"
	check "the same of $1" cmp "$TMP/tree.json" "$TMP/new.json"
	check "what is missing in $1 is told" grep -q "none.so.1: left out: not in the package" "$TMP/err"
}
tar -C "$R" -cf "$TMP/app.tar" usr
gzip -k "$TMP/app.tar"
as_tree app.tar
as_tree app.tar.gz
# Of two members of one name the first counts.
mkdir -p "$TMP/second/usr/bin"
cp "$TMP/old" "$TMP/second/usr/bin/tool2"
cp "$TMP/app.tar" "$TMP/twice.tar"
tar -C "$TMP/second" -rf "$TMP/twice.tar" usr/bin/tool2
as_tree twice.tar
if type -P dpkg-deb >/dev/null; then
	make_deb "$TMP/app.deb" "$R" && as_tree app.deb
else
	skip "a .deb" "no dpkg-deb"
fi
if type -P rpmbuild >/dev/null; then
	formats=4
	case $(rpm --version) in *' '[6-9].*) formats="4 6" ;; esac
	for RPM_FORMAT in $formats; do
		make_rpm "$TMP/app$RPM_FORMAT.rpm" "$R" w3.zstdio && as_tree "app$RPM_FORMAT.rpm"
		check "says how far it was verified" grep -q \
			"app$RPM_FORMAT.rpm: hello-1.2-3.$(uname -m), rpm format $RPM_FORMAT, [0-9]* members, digests verified, not signed" "$TMP/err"
	done
else
	skip "an .rpm" "no rpmbuild"
fi
# Of rpm 6.1: a hard link, a ghost. Nothing is known of what it has but its size.
profile "$TMP/six.json" /usr/bin/six "{ \"path\": \"/usr/bin/six-too\", \"build_id\": \"1122334455667788\", \"size\": 656, \"pages\": [[0, 1, 1, 0]] }"
status "to an rpm of format 6" 0 retarget --to="$TOP/tests/system/six.rpm" "$TMP/six.json"
same "says what it is" "elfcast: $TOP/tests/system/six.rpm: six-6-1.noarch, rpm format 6, 4 members, digests verified, signature not verified
elfcast: 1 objects as they were, 0 retargeted, 0 left out" "$(cat "$TMP/err")"

# ---- paths ----
mkdir -p "$TMP/old-root/lib/app-1.1"
cp "$TMP/new" "$TMP/old-root/lib/app-1.1/libapp.so.6.3"
tar -C "$TMP/old-root" -cf "$TMP/lib.tar" ./lib
profile_of "$TMP/old" /usr/lib/app-1.1/libapp.so.6.3
status "/usr is not merged in the package" 0 retarget --to="$TMP/lib.tar" "$TMP/p.json"
same "the path stays" /usr/lib/app-1.1/libapp.so.6.3 "$(object path)"
same "and is the program's" /usr/lib/app-1.1/libapp.so.6.3 "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["program"])' "$TMP/new.json")"
profile_of "$TMP/old" /usr/lib/app-1.0/libapp.so.6.2
status "its program has another number" 0 retarget --to="$TMP/lib.tar" "$TMP/p.json"
same "which it gets" /usr/lib/app-1.1/libapp.so.6.3 "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["program"])' "$TMP/new.json")"

# ---- large files ----
mkdir -p "$TMP/large/usr/bin"
cp "$TMP/new" "$TMP/large/usr/bin/app"
truncate -s 70M "$TMP/large/usr/bin/app"
tar -C "$TMP/large" -Scf "$TMP/large.tar" usr
profile_of "$TMP/old" /usr/bin/app
status "another build, of 70 MiB" 1 retarget -v --to="$TMP/large.tar" "$TMP/p.json"
check "says why" grep -q "app: left out: another build, and too large to look into" "$TMP/err"
profile "$TMP/same.json" /usr/bin/app "{ \"path\": \"/usr/bin/app\", \"build_id\": \"$(id_of "$TMP/new")\", \"size\": 73400320, \"pages\": [[9, 1, 1, 0]] }"
status "the trained build, of 70 MiB" 0 retarget --to="$TMP/large.tar" "$TMP/same.json"
same "stays" "9 -" "$(object pages) $(object retargeted_from)"

# ---- nothing comes of it ----
cp "$TMP/new.json" "$TMP/before.json"
fails() { # name package message
	status "$1" 1 retarget --to="$2" "$TMP/p.json"
	same "$1: says so" "elfcast: $3" "$(cat "$TMP/err")"
	check "$1: what was written before stays" cmp "$TMP/before.json" "$TMP/new.json"
}
profile_of "$TMP/old" /usr/bin/nobody
fails "no file of the profile" "$TMP/app.tar" "nothing of '$TMP/p.json' is known of '$TMP/app.tar'"
profile_of "$TMP/old" /usr/bin/app
head -c 70000 "$TMP/app.tar" >"$TMP/cut.tar"
status "cut" 1 retarget --to="$TMP/cut.tar" "$TMP/p.json"
check "cut: one line" test "$(grep -c "^elfcast: $TMP/cut.tar: damaged: " "$TMP/err") $(wc -l <"$TMP/err")" = "1 1"
check "cut: nothing is written" cmp "$TMP/before.json" "$TMP/new.json"
fails "no package" "$TMP/p.json" "$TMP/p.json: is neither an rpm, a .deb nor a tar archive"
mkfifo "$TMP/fifo"
fails "a FIFO" "$TMP/fifo" "$TMP/fifo: is neither a package nor a directory"
fails "not there" "$TMP/none.rpm" "cannot open '$TMP/none.rpm': No such file or directory"
if type -P dpkg-deb >/dev/null; then
	python3 - "$TMP/app.deb" "$TMP/flipped.deb" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[len(data) * 3 // 4] ^= 0xff
open(sys.argv[2], "wb").write(data)
END
	status "a bit of a .deb" 1 retarget --to="$TMP/flipped.deb" "$TMP/p.json"
	check "a bit of a .deb: one line" test "$(grep -c "flipped.deb: damaged" "$TMP/err") $(wc -l <"$TMP/err")" = "1 1"
fi
status "a full disk" 1 elfcast retarget -o /dev/full --to="$TMP/app.tar" "$TMP/p.json"
same "says so" "elfcast: cannot write '/dev/full': No space left on device" "$(cat "$TMP/err")"
mkdir "$TMP/empty"
ELFCAST_EXEC_PATH=$TMP/empty fails "elfcast-retarget is not installed" "$TMP/app.tar" \
	"'$TMP/app.tar' has the name of no object, and elfcast-retarget, which takes packages, is not installed"

# ---- who reads it, and Ctrl-C ----
truncate -s 60G "$TMP/large/usr/bin/app" # takes its time: it has a digest
tar -C "$TMP/large" -Scf "$TMP/large.tar" usr
profile "$TMP/p.json" /usr/bin/app '{ "path": "/usr/bin/app", "size": 9, "digest": "xxh3-128:00", "pages": [[0, 1, 1, 0]] }'
cat >"$TMP/interrupt.py" <<'END'
import os, signal, subprocess, sys, time
p = subprocess.Popen(["elfcast", "retarget", "--to=" + sys.argv[1], sys.argv[2]], stdout=subprocess.PIPE,
                     stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
def of(pid):
    try:
        return dict(l.split(":\t", 1) for l in open("/proc/%s/status" % pid).read().splitlines() if ":\t" in l)
    except OSError:
        return {}
child, state = 0, {}
while p.poll() is None and state.get("Seccomp") != "2":
    children = open("/proc/%d/task/%d/children" % (p.pid, p.pid)).read().split()
    child = children[0] if children else 0
    state = of(child)
    time.sleep(0.01)
print("# reads:", {k: state.get(k) for k in ("Uid", "CapEff", "NoNewPrivs", "Seccomp")})
assert state["NoNewPrivs"] == "1" and int(state["CapEff"], 16) == 0
assert os.geteuid() != 0 or state["Uid"].split()[0] != "0"
p.send_signal(signal.SIGINT)
out, err = p.communicate()
assert (p.returncode, out, err) == (-signal.SIGINT, b"", b"elfcast: interrupted\n"), (p.returncode, out, err)
while of(child).get("State", "Z")[0] != "Z":
    time.sleep(0.01)
END
check "a process without rights reads it, and Ctrl-C ends both" timeout 100 python3 "$TMP/interrupt.py" "$TMP/large.tar" "$TMP/p.json"
finish
