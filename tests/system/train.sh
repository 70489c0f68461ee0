#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# elfcast train against real launches: the profile, the verb's manners, --install.
set -u
export ASAN_OPTIONS=detect_leaks=0 # LeakSanitizer uses ptrace itself
elfcast=$BUILD/elfcast
dir=$(mktemp -d /var/tmp/elfcast-train-XXXXXX) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$dir" && cd "$dir" || exit 1

. "$TOP/tests/helpers/train-lib.sh"
train() { "$elfcast" train "$@" >"$dir/out" 2>"$dir/err"; }

train -n 3 -- perl -e 'use POSIX'
[ $? = 0 ] && [ -s perl.json ] && grep -q '"runs": 3' perl.json &&
	grep -q "\"program\": \"$(readlink -f "$(command -v perl)")\"" perl.json &&
	grep -qE "^elfcast: .*: [0-9]+ objects, [0-9]+ pages \([0-9.]+ MiB\), 3 runs" "$dir/err" &&
	[ ! -s "$dir/out" ]
verdict "writes PROGRAM.json and one line" $?

# The launch is the same each time: what is not in all runs is what differs by address space
# layout and the like.
python3 - perl.json <<'PY' 2>"$dir/err"
import json, sys
p = json.load(open(sys.argv[1]))
pages = [(r[1], r[2]) for o in p["objects"] for r in o["pages"]]
total = sum(n for n, _ in pages)
always = sum(n for n, runs in pages if runs == 3)
posix = [o for o in p["objects"] if o["path"].endswith("/POSIX.so")]
ids = [o for o in p["objects"] if "build_id" in o]
data = [o for o in p["objects"] if "digest" in o]
assert total > 200 and always / total > 0.9, (always, total)
assert len(posix) == 1 and posix[0].get("build_id"), posix
assert len(ids) + len(data) == len(p["objects"]) and ids and data
PY
verdict "objects have identities, and runs agree" $?

# One run tells what is looked up: the second, or the first after it that counts.
tells() { # profile: runs, those without lookups, in how many runs names were looked up
	python3 -c 'import json, sys
p = json.load(open(sys.argv[1]))
t = p["trained"]
print(t["runs"], t.get("without_lookups", 0), *{g[0] for d in p["lookups"] for g in d[2:]})' "$1"
}
train -n 1 -o once.json -- perl -e 'use POSIX'
[ "$(tells once.json) $(tells perl.json)" = "1 0 1 3 2 1" ] &&
	cmp -s <(sed -n '/"lookups"/,$p' once.json) <(sed -n '/"lookups"/,$p' perl.json)
verdict "what is looked up, of one run" $?
printf '#!/bin/bash\necho x >>%s/count\n[ $(wc -l <%s/count) != 2 ] || kill -9 $$\n' "$dir" "$dir" >second
chmod 755 second
train -n 3 --allow-failed -o second.json -- ./second
[ $? = 0 ] && [ "$(tells second.json)" = "2 1 1" ]
verdict "and if that run does not count, of the next" $?

train -n 1 -o - -- true && grep -q '"elfcast": 1' "$dir/out"
verdict "profile to standard output" $?

train -n 2 --json -o t.json -- true &&
	python3 -c 'import json,sys
r = json.load(open(sys.argv[1]))
assert r["runs"] == 2 and r["pages"] > 0 and r["output"] == "t.json" and r["installed"] is None' "$dir/out"
verdict "summary as JSON" $?

# Containers' filters: less exactly, and it says so.
for call in pidfd_getfd userfaultfd; do
	"$BUILD/tests/refuse" $call "$elfcast" train -n 1 -o refused.json -- perl -e 'use POSIX' >"$dir/out" 2>"$dir/err" &&
		grep -q '"method": "pagemap"' refused.json && grep -q '/POSIX.so",$' refused.json &&
		grep -q "a container's filter of system calls refuses" "$dir/err"
	verdict "$call refused" $?
done

mkdir root && train --root="$dir/root" --install --scenario=list -n 1 -- ls &&
	[ -s root/etc/elfcast/profiles.d/local.ls.list.json ] && [ ! -e ls.json ] &&
	ls root/var/lib/elfcast/shadow/*.local.ls.list.json.shadow >/dev/null
verdict "--install" $?

# What is read of it, if nobody says the scenario: all, or a default.
told_read() { [ "$(sed -n 's/^elfcast: a launch reads //p' "$dir/err")" = "$1" ]; }
mkdir -p root/usr/bin && cp -L /usr/bin/ls root/usr/bin/ls && train --root="$dir/root" --install --scenario=list -n 1 -- ls &&
	told_read "it, since there is no scenario 'default'" && train --root="$dir/root" --install --scenario=long -n 1 --json -- ls -l &&
	grep -q '"read": true' "$dir/out" && train --root="$dir/root" --install --scenario=long -n 1 -- ls -l &&
	told_read "it and 1 more, since there is no scenario 'default'"
verdict "--install of a scenario: all are read" $?
mkdir -p root/usr/share/elfcast/profiles.d && train -n 1 -o root/usr/share/elfcast/profiles.d/dist.ls.json -- ls -a &&
	train --root="$dir/root" --install --scenario=long -n 1 -- ls -l &&
	told_read "'dist.ls.json', of scenario 'default'; this one where it is said (elfcast run --scenario=long), or where both are one profile (elfcast merge --scenario=default)"
verdict "beside a distribution's default" $?
"$elfcast" merge -q --scenario=default -o root/etc/elfcast/profiles.d/dist.ls.json root/usr/share/elfcast/profiles.d/dist.ls.json \
	root/etc/elfcast/profiles.d/local.ls.l*.json 2>"$dir/err" &&
	"$elfcast" compile -q --root="$dir/root" 2>>"$dir/err" &&
	[ "$("$elfcast" list --root="$dir/root" --json | python3 -c 'import json, sys
print(*sorted(x["scenario"] + ":" + x["directory"] for x in json.load(sys.stdin)))')" = "default:/etc/elfcast/profiles.d list:/etc/elfcast/profiles.d long:/etc/elfcast/profiles.d" ] &&
	grep -q '"runs": 3,' root/etc/elfcast/profiles.d/dist.ls.json
verdict "the default is their weighted union" $?
rm -rf root && mkdir root

cp /bin/true 'my prog' && train --root="$dir/root" --install -n 1 -- "./my prog" &&
	ls "root/etc/elfcast/profiles.d/local.$(pwd -P | tr / - | cut -c 2-)-my-prog.json" >/dev/null &&
	[ "$(ls root/var/lib/elfcast/shadow | wc -l)" = 1 ]
verdict "--install of a program with an odd path" $?

# ---- names --------------------------------------------------------------------------------
# Programs that look alike as names of files: each its own profile, also when they come at once.
names=$(pwd -P)/names
mkdir -p "$names/a/b" "$names/a-b" "$names/x"
for p in a/b/c a-b/c a/b-c x/y x/y.z; do cp /bin/true "$names/$p"; done
who() { # what is installed: program and scenario of each, sorted
	python3 - "$dir/root/etc/elfcast/profiles.d" "$names/" <<-'PY'
		import json, os, sys
		d, here = sys.argv[1:]
		ps = [json.load(open(os.path.join(d, n))) for n in os.listdir(d)]
		print(*sorted(p["program"][len(here):] + ":" + p["scenario"] for p in ps))
	PY
}
install() { "$elfcast" train --quiet --root="$dir/root" --install -n 1 "$@" >>"$dir/out" 2>>"$dir/err"; }
at_once() { # PROGRAM...
	local p pids=()
	for p; do
		install -- "$names/$p" &
		pids+=($!)
	done
	for p in "${pids[@]}"; do wait "$p" || return 1; done
}
bad=0
for round in 1 2 3 4; do
	rm -rf root && mkdir root && : >"$dir/err"
	at_once a/b/c a-b/c a/b-c && [ "$(who)" = "a-b/c:default a/b-c:default a/b/c:default" ] || bad=1
	# Trained again, each goes where it was.
	ls root/etc/elfcast/profiles.d >first
	at_once a/b-c a/b/c a-b/c && [ "$(ls root/etc/elfcast/profiles.d)" = "$(cat first)" ] || bad=1
	[ "$(ls root/var/lib/elfcast/shadow | wc -l)" = 3 ] || bad=1
	((bad)) && echo "# round $round: $(who)" && break
done
verdict "programs of one name keep apart, three at once" $bad
rm -rf root && mkdir root && : >"$dir/err"
install -- "$names/x/y.z" && install --scenario=z -- "$names/x/y" &&
	[ "$(who)" = "x/y.z:default x/y:z" ] && install --scenario=z -- "$names/x/y" && [ "$(who)" = "x/y.z:default x/y:z" ]
verdict "a scenario and a program with a dot, too" $?
plain=$(find root/etc/elfcast/profiles.d -type f ! -name '*~*')
echo '{' >"$plain" && install -- "$names/x/y.z" && [ "$(who)" = "x/y.z:default x/y:z" ] &&
	[ "$(ls root/etc/elfcast/profiles.d | wc -l)" = 2 ]
verdict "what cannot be read is replaced" $?
# Links to one file are programs of their own, also in a directory that is a link.
rm -rf root && mkdir root && : >"$dir/err"
cp /bin/true "$names/wrapper" && ln -s wrapper "$names/red" && ln -s ../wrapper "$names/a/green" && ln -s a "$names/link"
install -- "$names/red" && install -- "$names/link/green" && install -- "$names/wrapper" &&
	[ "$(who)" = "a/green:default red:default wrapper:default" ]
verdict "links to one program keep apart" $?
rm -rf root "$names" && mkdir root

# ---- what not everybody may read ----------------------------------------------------------
holds() { # FILE: the names of objects in $place, and whether they have digests
	python3 - "$1" "$place/" <<'PY'
import json, sys
for o in json.load(open(sys.argv[1]))["objects"]:
    if o["path"].startswith(sys.argv[2]):
        print(o["path"][len(sys.argv[2]):], "digest" in o)
PY
}
# What lies in /var/tmp is not recorded.
if [ "$(id -u)" = 0 ] && place=$(mktemp -d /var/lib/elfcast-test-XXXXXX); then
	trap 'rm -rf "$dir" "$place"' EXIT
	chmod 755 "$place" && mkdir "$place/private"
	for f in private/listed secret shared; do echo $f >"$place/$f"; done
	chmod 700 "$place/private" && chmod 640 "$place/secret"
	files=("$place/private/listed" "$place/secret" "$place/shared")
	train -n 1 -o cat.json -- cat "${files[@]}" &&
		[ "$(holds cat.json | paste -sd ' ')" = "private/listed False secret False shared True" ] &&
		grep -q '2 files that not everybody may read: named, without digests' "$dir/err"
	verdict "no digest of a private file" $?
	train --root="$dir/root" --install -n 1 -o both.json -- cat "${files[@]}" &&
		[ "$(holds root/etc/elfcast/profiles.d/local.cat.json)" = "shared True" ] &&
		[ "$(holds both.json)" = "shared True" ] &&
		grep -q '2 files that not everybody may read: left out' "$dir/err" &&
		! grep -rlE 'secret|private/listed' root >/dev/null
	verdict "--install publishes none" $?
	train --root="$dir/root" --install -n 1 -- sh -c "cd $place; for f in private/n1 n2 secret private; do test -e \$f; done"
	same_names() { # NAMES: of those above, the ones in $place that the profile has
		[ "$(python3 - root/etc/elfcast/profiles.d/local.*sh.json "$place" <<-'PY'
			import json, sys
			print([d[2:] for d in json.load(open(sys.argv[1]))["lookups"] if d[0].startswith(sys.argv[2])])
		PY
		)" = "$1" ]
	}
	same_names "[[[1, 'n2']]]"
	verdict "and no name that others may not see" $?
	cp /bin/true "$place/private/tool"
	train --root="$dir/root" --install -n 1 -- "$place/private/tool"
	[ $? = 1 ] && ! grep -rl private/tool root &&
		grep -q "cannot install a profile of '$place/private/tool', which not everybody may read" "$dir/err"
	verdict "nor that of a private program" $?
else
	echo "ok - private files # SKIP needs root"
fi

# ---- on whose behalf ----------------------------------------------------------------------
# by UID GID OPTION...: who a command is, as sudo calls us; one line
by() {
	# Root has groups, too.
	SUDO_UID=$1 SUDO_GID=$2 setpriv --groups 0,6 "$elfcast" train -n 1 -i -o by.json "${@:3}" -- \
		sh -c 'echo $(id -u) $(id -g) $(id -G) $HOME $USER $LOGNAME' \
		>"$dir/out" 2>"$dir/err"
}
if [ "$(id -u)" = 0 ] && [ -d "${place:-}" ] && home=$(getent passwd 65534 | cut -d : -f 6) && [ -n "$home" ]; then
	nobody=$(id -un 65534) group=$(id -g 65534)
	by 65534 "$group" && [ "$(cat "$dir/out")" = "65534 $group $group $home $nobody $nobody" ]
	verdict "sudo: the command is run by who called it" $?
	method=$(grep -o '"method": "[a-z]*"' by.json)
	HOME=/root USER=root LOGNAME=root by 65534 "$group" --as-root &&
		grep -q "^0 0 .* /root root root" "$dir/out"
	verdict "--as-root: by root" $?
	[ -n "$method" ] && [ "$(grep -o '"method": "[a-z]*"' by.json)" = "$method" ]
	verdict "both are recorded as exactly" $?
	by 0 0 && grep -q "^0 0 " "$dir/out"
	verdict "sudo of root: by root" $?
	rm -f by.json
	by 4000000000 0
	[ $? = 1 ] && grep -q 'there is no user 4000000000 (SUDO_UID); --as-root' "$dir/err"
	verdict "sudo of a user whom nobody knows" $?
	by 4294967295 0
	[ $? = 1 ] && grep -q 'SUDO_UID and SUDO_GID are not a user and a group' "$dir/err" && [ ! -e by.json ]
	verdict "sudo of what is no user" $?
	SUDO_UID=65534 SUDO_GID=$group train -n 1 -- "$place/private/tool"
	[ $? = 1 ] && grep -q "cannot record '$place/private/tool': Permission denied" "$dir/err"
	verdict "sudo: no more rights than the caller has" $?
	SUDO_UID=65534 SUDO_GID=$group train --root="$dir/root" --install --scenario=sudo -n 1 -- ls &&
		[ -s root/etc/elfcast/profiles.d/local.ls.sudo.json ]
	verdict "sudo: it is root who installs" $?
else
	echo "ok - on whose behalf # SKIP needs root, and a user nobody"
fi

# ---- runs that fail ------------------------------------------------------------------------
train --allow-failed -n 1 -o crash.json -- perl -e 'kill 9, $$'
[ $? = 1 ] && [ ! -e crash.json ] && grep -q 'killed by signal 9' "$dir/err" &&
	grep -q 'no run of' "$dir/err"
verdict "a run that is killed does not count" $?

train --allow-failed -n 2 -o seven.json -- sh -c 'exit 7'
[ $? = 0 ] && [ -s seven.json ] && [ "$(grep -c 'exited with status 7' "$dir/err")" = 1 ]
verdict "--allow-failed: a status other than 0 is told once" $?

mkdir flip # its second run differs
train --allow-failed -n 2 -o flip.json -- sh -c '[ ! -e flip/ran ] && : >flip/ran'
[ $? = 0 ] && grep -q 'run 2 exited with status 1, an earlier one with 0' "$dir/err"
verdict "runs that end differently are told" $?

rm -rf flip && mkdir flip && cp seven.json before.json
train -n 3 -o seven.json -- sh -c '[ ! -e flip/ran ] && : >flip/ran && exit; rm -r flip; exit 3'
[ $? = 1 ] && cmp -s seven.json before.json && [ ! -e flip ] &&
	grep -q 'run 2 exited with status 3$' "$dir/err" && grep -q 'nothing is written; --allow-failed' "$dir/err"
verdict "one run of three that fails replaces nothing" $?

train --root="$dir/root" --install --scenario=kept -n 1 -- ls &&
	cp root/etc/elfcast/profiles.d/local.ls.kept.json kept.json &&
	{ train --root="$dir/root" --install --scenario=kept -n 1 -- ls "$dir/none"; [ $? = 1 ]; } &&
	cmp -s kept.json root/etc/elfcast/profiles.d/local.ls.kept.json &&
	grep -q "^elfcast: | .*cannot access '$dir/none'" "$dir/err"
verdict "nor what is installed; what it wrote last is shown" $?

# Where it is now, and what was there; and before anything runs, that it could not be written.
installed="installed as '/etc/elfcast/profiles.d/local.ls.told.json'"
told() { train --root="$dir/root" --install --scenario=told "$@" -- ls; grep -c "^elfcast: $want$" "$dir/err"; }
want=$installed
[ "$(told -n 1)" = 1 ] && want="$installed, in place of one of 1 run" && [ "$(told -n 2)" = 1 ] &&
	echo '{' >root/etc/elfcast/profiles.d/local.ls.told.json &&
	want="$installed, in place of one that could not be read" && [ "$(told -n 1)" = 1 ]
verdict "--install says where, and what it replaced" $?
rm -f said.json
train -n 1 -o said.json -- ls && grep -qx "elfcast: written to 'said.json'" "$dir/err" &&
	train -n 1 -o said.json -- ls && grep -qx "elfcast: written to 'said.json', in place of what was there" "$dir/err" &&
	train --json -n 1 -o said.json -- ls && python3 -c 'import json, sys; assert json.load(open(sys.argv[1]))["replaced"]' "$dir/out"
verdict "-o too" $?
train -n 1 -o /dev/null -- ls && grep -qx "elfcast: written to '/dev/null'" "$dir/err" &&
	train --json -n 1 -o /dev/null -- ls && python3 -c 'import json, sys; assert not json.load(open(sys.argv[1]))["replaced"]' "$dir/out"
verdict "a device had nothing" $?
mkdir -p ran && chmod 777 ran && chmod 755 "$dir"
may_not() { # MESSAGE OPTION...: by somebody who may not write; nothing is run
	local want=$1
	shift
	setpriv --reuid=65534 --regid=65534 --clear-groups "$elfcast" train -n 3 "$@" -- touch "$dir/ran/it" >"$dir/out" 2>"$dir/err"
	[ $? = 1 ] && [ ! -e ran/it ] && [ "$(cat "$dir/err")" = "elfcast: $want" ]
}
if [ "$(id -u)" = 0 ]; then
	mkdir -p mine && may_not "cannot install profiles: only root may" --install --root="$dir/root" &&
		may_not "cannot write '$dir/mine/x.json': Permission denied" -o "$dir/mine/x.json" &&
		may_not "cannot write a profile into this directory: Permission denied"
	verdict "who may not write is told before anything is run" $?
	mount -t tmpfs -o ro none mine && may_not "cannot write '$dir/mine/x.json': Read-only file system" -o "$dir/mine/x.json"
	verdict "so is who would write on what is read-only" $?
	umount mine
fi

# More than a pipe holds, lines without end, controls: bounded, and none of them on a terminal.
train -n 1 -o never.json -- perl -e '
	print STDERR "line $_ " . "x" x 60 . "\n" for 1 .. 20000; print STDERR "\e[31mred\x07\x{9b}31m\n\nlast"; exit 5'
[ $? = 1 ] && [ ! -e never.json ] && [ "$(grep -c '| ' "$dir/err")" = 10 ] &&
	grep -q '| ?\[31mred??31m$' "$dir/err" && [ "$(grep '| ' "$dir/err" | tail -n 1)" = 'elfcast: | last' ] &&
	grep -q '| line 20000 x' "$dir/err" && ! grep -q '| line 19993 ' "$dir/err" && ! LC_ALL=C grep -q $'[\e\a\x9b]' "$dir/err"
verdict "ten lines of it, without controls" $?
train -n 1 -o never.json -- perl -e 'print STDERR "x" x 100000; exit 5'
[ $? = 1 ] && [ "$(wc -c <"$dir/err")" -lt 2400 ]
verdict "and no more than 2 KiB" $?
# It may be opened by its name, by who runs the command.
if [ "$(id -u)" = 0 ]; then
	SUDO_UID=65534 SUDO_GID=$(id -g 65534) train -n 1 -o never.json -- sh -c 'echo told >/dev/stderr; exit 5'
	grep -q '| told$' "$dir/err"
	verdict "standard error is the user's" $?
fi
# Who goes on after the program has ended keeps nobody waiting.
train -n 1 --window=500 -o never.json -- sh -c 'sleep 1000 & echo gone >&2; exit 5'
[ $? = 1 ] && [ ! -e never.json ] && grep -q '| gone$' "$dir/err"
verdict "a program that fails and leaves others behind" $?

# ---- when a launch is over -----------------------------------------------------------------
# said COUNT...: what the summary counts of settled, cut and still_reading
said() {
	[ "$(python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
print(r["settled"], r["cut"], r["still_reading"])' "$dir/out")" = "$*" ]
}
# A program that waits has started; what it reads long after that is another matter.
late=(perl -e 'open F, "</etc/hostname"; select undef, undef, undef, 5; open F, "</etc/passwd"; <F>')
reads_late() { grep -q '"/etc/passwd"' late.json; }
train --json -n 1 -o late.json -- "${late[@]}"
[ $? = 0 ] && said 1 0 0 && ! reads_late && grep -q '1 of 1 run went on, and was ended when new pages had become rare' "$dir/err"
verdict "a launch is over when new pages have become rare" $?
train --json -n 1 --until-exit -o late.json -- "${late[@]}"
[ $? = 0 ] && said 0 0 0 && reads_late
verdict "--until-exit: when all has ended" $?
train --json -n 1 --for=3 -o late.json -- sleep 1000
[ $? = 0 ] && said 0 1 0 && grep -q '"window_ms": 3000' late.json
verdict "--for: so long" $?
train --json -n 1 --window=1500 -o reading.json -- perl -e '
	sub all { for my $f (glob "$_[0]/*") { -d $f ? all($f) : do { open F, "<", $f; read F, $_, 4096; select undef, undef, undef, 0.002 } } }
	all("/usr/lib"); sleep 1000'
[ $? = 0 ] && said 0 1 1 && grep -q 'warning: 1 of them was still reading new pages: the launch is cut' "$dir/err"
verdict "a launch that is cut is said to be" $?

# ---- what a command is there for -----------------------------------------------------------
# recorded FILE: program, scenario and objects
recorded() {
	python3 -c 'import json, sys
p = json.load(open(sys.argv[1]))
print(p["program"], p["scenario"], *sorted(o["path"] for o in p["objects"]))' "$1"
}
train -n 1 -o plain.json -- perl -e 'use POSIX' && plain=$(recorded plain.json)
same_as_plain() { # command...
	train -n 1 -o through.json -- "$@"
	[ $? = 0 ] && [ "$(recorded through.json)" = "$plain" ] && grep -q "starts '.*/perl': the profile is of that" "$dir/err"
	verdict "of ${*:1:3}: what it starts" $?
}
same_as_plain env A=b perl -e 'use POSIX'
same_as_plain nice -n 1 perl -e 'use POSIX'
same_as_plain setpriv --no-new-privs perl -e 'use POSIX'
same_as_plain timeout 60 env nice perl -e 'use POSIX'
same_as_plain bash -c 'cd / && exec perl -e "use POSIX"'
same_as_plain dash -c 'cd /; perl -e "use POSIX"; :'
same_as_plain env sh -c 'cd /; timeout 60 perl -e "use POSIX"; :'
[ "$(id -u)" = 0 ] && same_as_plain su -s /bin/sh -c 'cd /; perl -e "use POSIX"; :' nobody
train -n 2 -o both.json -- sh -c 'perl -e 1; ls /' && [[ $(recorded both.json) == */sh\ default\ * ]]
verdict "a shell that starts several: the shell" $?
train -n 1 -o named.json --program=perl -- sh -c 'ls /; perl -e "use POSIX"; ls /' && [ "$(recorded named.json)" = "$plain" ]
verdict "--program: that one, and nothing before it or beside it" $?
train -n 1 -o named.json --program=sh -- sh -c 'perl -e 1' && [[ $(recorded named.json) == */sh\ default\ */perl\ * ]]
verdict "--program: the shell itself" $?
rm -f named.json
train -n 1 -o named.json --program=perl -- ls /
[ $? = 1 ] && [ ! -e named.json ] && grep -q "run 1 did not execute 'perl'" "$dir/err"
verdict "--program that is not executed" $?
train -n 1 --program="$dir/none" -- true
[ $? = 1 ] && grep -q "cannot find the program '$dir/none'" "$dir/err"
verdict "--program that is not there" $?
train -n 1 -o itself.json -- env perl -e 'exec "ls", "/"' && [[ $(recorded itself.json) == */perl\ default\ */ls\ * ]]
verdict "what the program starts is its own" $?

# Calls that name a path are announced; where another one is told of ours already, they stop instead.
cat >listened.py <<'PY'
import ctypes, os, platform, sys
class Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]
class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.POINTER(Filter))]
allow = (Filter * 1)(Filter(6, 0, 0, 0x7fff0000))
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0) # PR_SET_NO_NEW_PRIVS
nr = {"x86_64": 317, "aarch64": 277}[platform.machine()]
fd = libc.syscall(nr, 1, 8, ctypes.byref(Program(1, allow))) # SECCOMP_SET_MODE_FILTER, FLAG_NEW_LISTENER
if fd < 0:
    sys.exit(77)
os.set_inheritable(fd, True)
os.execv(sys.argv[1], sys.argv[1:])
PY
train -n 1 -o told.json -- perl -e 'use POSIX; -e "/etc/none-$_" for 1 .. 9'
python3 listened.py "$elfcast" train -n 1 -o stopped.json -- perl -e 'use POSIX; -e "/etc/none-$_" for 1 .. 9' >"$dir/out" 2>"$dir/err"
case $? in
77) echo "ok - without announced calls # SKIP no listener here" ;;
*)
	grep -q none-9 stopped.json && cmp -s <(sed -n '/lookups/,$p' told.json) <(sed -n '/lookups/,$p' stopped.json) &&
		[ "$(recorded told.json)" = "$(recorded stopped.json)" ]
	verdict "without announced calls: the same" $?
	;;
esac

# ---- sandboxes -----------------------------------------------------------------------------
# The same files, where a sandbox has them elsewhere.
sandbox=(bwrap --ro-bind /usr /usr --ro-bind /usr/bin /app --ro-bind /etc /etc --proc /proc --dev /dev)
for d in lib lib64 lib32; do
	if [ -L /$d ]; then
		sandbox+=(--symlink "usr/$d" "/$d")
	elif [ -d /$d ]; then
		sandbox+=(--ro-bind "/$d" "/$d")
	fi
done
if command -v bwrap >/dev/null && "${sandbox[@]}" /app/true 2>/dev/null; then
	train -n 1 -o outside.json -- /usr/bin/perl -e 'use POSIX' &&
		train -n 1 -o inside.json --program=/usr/bin/perl -- "${sandbox[@]}" /app/perl -e 'use POSIX' &&
		[ "$("$elfcast" diff outside.json inside.json | grep -c ' 0 only in A, 0 only in B')" = 2 ] &&
		! grep -q 'left out' "$dir/err"
	verdict "in a sandbox: the files that are outside of it" $?
	train -n 1 -o inside.json --program=/usr/bin/perl -- "${sandbox[@]}" --file 3 /own.pl /app/perl -e 'do "/own.pl"' 3<<<'1;' &&
		grep -qE 'left out: 1 file .*/own.pl' "$dir/err" && ! grep -q '"path": ".*own.pl' inside.json
	verdict "in a sandbox: what is nowhere else is told" $?
else
	echo "ok - in a sandbox # SKIP no bwrap that works"
fi

# ---- interpreters' programs ----------------------------------------------------------------
echo 'print "app\n"' >app.pl && mkdir -p sub && cp app.pl sub/app.pl
train -n 1 -o app.json -- perl -w app.pl && [ "$(recorded app.json | cut -d ' ' -f 2)" = "$(pwd -P)/app.pl" ]
verdict "a script's profile is no profile of its interpreter" $?
for app in app.pl sub/app.pl; do train --root="$dir/root" --install -n 1 -- env perl "$app" || break; done
train --root="$dir/root" --install -n 1 -- perl -e 1 && [ "$(find root/etc/elfcast/profiles.d -name 'local.perl.*' | wc -l)" = 3 ]
verdict "nor of another one of its name" $?
train -n 1 -o app.json --scenario=mine -- perl app.pl && [ "$(recorded app.json | cut -d ' ' -f 2)" = mine ]
verdict "--scenario names it otherwise" $?
chmod 700 sub
if [ "$(id -u)" = 0 ]; then
	train --root="$dir/root" --install -n 1 -- perl sub/app.pl
	[ $? = 1 ] && grep -q "cannot install a profile of '$(pwd -P)/sub/app.pl', which not everybody may read" "$dir/err" &&
		grep -q -- '--scenario=' "$dir/err"
	verdict "the path of a private one is not published" $?
fi

# ---- what runs already ---------------------------------------------------------------------
service=(perl -e 'use POSIX; if (!fork) { require Text::Wrap; open R, ">$ARGV[0]/ready"; sleep 1000 } sleep 1000' "$dir")
start() { # the service, in the background: $main, when its child is ready
	rm -f ready
	"${service[@]}" >/dev/null 2>&1 &
	main=$!
	trap 'stop; rm -rf "$dir" "${place:-}"' EXIT
	until [ -e ready ]; do kill -0 $main || return 1; done
}
stop() {
	trap 'rm -rf "$dir" "${place:-}"' EXIT
	pkill -P "$main"
	kill "$main"
	wait "$main" 2>/dev/null
}
start && train --pid=$main --json -o pid.json && [ "$(recorded pid.json | cut -d ' ' -f 2)" = default ] &&
	grep -q '"method": "pagemap"' pid.json && grep -q '/perl",$' pid.json && grep -q '/POSIX.so",$' pid.json &&
	[ "$(grep -c '"program": ".*/perl"' pid.json)" = 1 ]
verdict "--pid: what it has mapped" $?
# Against what an exact recording of the same saw of mapped files: nothing is missing.
train -n 1 --window=3000 -o mapped.json -- "${service[@]}"
python3 - pid.json mapped.json 2>"$dir/err" <<'PY'
import json, sys
def pages(name):
    return {(o["path"], i) for o in json.load(open(name))["objects"] if "build_id" in o for a, n, r, w in o["pages"] for i in range(a, a + n)}
a, b = (pages(n) for n in sys.argv[1:])
# Headers that the kernel and ld.so read, and do not map, are not in the page tables.
assert len(a & b) > 0.95 * len(b) > 100, (len(a & b), len(b))
PY
verdict "--pid: all of the pages that it has touched, and their neighbours" $?
stop
train --pid=$main -o pid.json
[ $? = 1 ] && grep -q "cannot record process $main: No such process" "$dir/err"
verdict "--pid of nobody" $?

cgroup=/sys/fs/cgroup
[ -e $cgroup/cgroup.procs ] || cgroup+=/unified # both versions are there
cgroup+=/elfcast-test-$$
if [ "$(id -u)" = 0 ] && [ -x /usr/bin/systemctl ] && mkdir $cgroup 2>/dev/null && [ -e $cgroup/cgroup.procs ]; then
	trap 'xargs -r kill -9 <$cgroup/cgroup.procs; rmdir $cgroup; rm -rf "$dir" "${place:-}"' EXIT
	cat >systemctl <<-SH
		#!/bin/bash
		PATH=/usr/bin:/bin
		case \$1 in
		show) echo LoadState=loaded && echo "MainPID=\$(cat '$dir/main' 2>/dev/null || echo 0)" ;;
		start)
			[ "\${!#}" = app.service ] || exit 1
			echo \$\$ >$cgroup/cgroup.procs && rm -f '$dir/ready'
			perl -e 'use POSIX; if (!fork) { open R, ">$dir/ready"; require Text::Wrap; sleep 1000 } sleep 1000' >/dev/null 2>&1 &
			echo \$! >'$dir/main'
			until [ -e '$dir/ready' ]; do :; done ;;
		esac
	SH
	chmod 755 systemctl
	# of_unit OPTION...: with that one in the place of systemd's
	of_unit() {
		unshare --mount --propagation private bash -c 'mount --bind "$1" /usr/bin/systemctl && exec "${@:2}"' \
			bash "$dir/systemctl" "$elfcast" train "$@" >"$dir/out" 2>"$dir/err"
	}
	of_unit --unit=app.service --json -o unit.json && said 1 0 0 && [[ $(recorded unit.json) == */perl\ default\ */POSIX.so* ]] &&
		kill -0 "$(cat main)"
	verdict "--unit: starts it, and waits until new pages are rare" $?
	of_unit --unit=app.service -o never.json
	[ $? = 1 ] && grep -q "'app.service' runs already: stop it, or record it as it is (--pid=$(cat main))" "$dir/err"
	verdict "--unit that runs" $?
	while grep -q . $cgroup/cgroup.procs; do
		xargs -r kill <$cgroup/cgroup.procs 2>/dev/null
	done
	rm main
	of_unit --unit=other.service -o never.json
	[ $? = 1 ] && [ ! -e never.json ] && grep -q "cannot start 'other.service'" "$dir/err"
	verdict "--unit that does not start" $?
	rmdir $cgroup
	trap 'rm -rf "$dir" "${place:-}"' EXIT
else
	echo "ok - --unit # SKIP needs root, a systemctl and a control group"
fi

train -n 1 --window=200 -o sleep.json -- sleep 1000
[ $? = 0 ] && [ -s sleep.json ] && [ ! -s <(grep warning "$dir/err") ]
verdict "the window ends the launch" $?

train -n 1 -- "$dir/none"
[ $? = 1 ] && grep -q "cannot run '$dir/none': No such file" "$dir/err"
verdict "no such program" $?

usage() { # what arguments...
	local what=$1
	shift
	train "$@"
	[ $? = 2 ] && grep -qF -e "$what" "$dir/err" && grep -q "Try 'elfcast train --help'" "$dir/err"
	verdict "misuse: $what" $?
}
usage "no command given" -n 3
usage "bad number of runs '0'" -n 0 -- true
usage "bad number of runs '-1'" -n -1 -- true
usage "bad window '9x'" --window=9x -- true
usage "--for and --until-exit cannot both be" --for=3 --until-exit -- true
usage "--until-exit and --window cannot both be" --until-exit --window=3 -- true
usage "bad process 'x'" --pid=x
usage "--pid runs no command" --pid=1 -- true
usage "--unit and --pid cannot both be" --unit=x --pid=1
usage "--unit and --system cannot both be" --unit=x --system --for=1
usage "--runs is for commands" --pid=1 -n 3
usage "--program is not for --system" --system --for=1 --program=ls
usage "bad scenario '../x'" --scenario=../x -- true
usage "cannot both go" --json -o - -- true
usage "--as-root is not for --system" --system --for=1 --as-root

# Ctrl-C: nothing written, nothing left running.
"$elfcast" train -n 1 --window=60000 -o never.json -- sleep 5000 >"$dir/out" 2>"$dir/err" &
tracer=$!
until recorder=$(pgrep -P $tracer) && kid=$(pgrep -P "$recorder" -x sleep); do
	kill -0 $tracer || break
done
kill -TERM $tracer
wait $tracer
[ $? = 130 ] && [ ! -e never.json ] && ! [ -e "/proc/$kid" ] && grep -q 'interrupted in run 1: nothing' "$dir/err" &&
	! ls never.json.* >/dev/null 2>&1
verdict "interrupted" $?

echo kept >old.json
chmod 600 old.json
train -n 1 -o "$dir/nowhere/x.json" -- true
[ $? = 1 ] && grep -q "cannot write '$dir/nowhere/x.json'" "$dir/err"
verdict "output that cannot be written" $?
train -n 1 -o /dev/null -- true && [ -c /dev/null ]
verdict "output to a device does not replace it" $?
