#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# takes: 20 s
# The collection of profiles as it is committed, its recipes, and what make-collection says of bad
# recipes and of profiles that name their machine. How it trains: system/boot-collection.sh.
set -u
. "${TOP:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
make=$TOP/profiles/make-collection
command -v python3 >/dev/null || { skip "collection" "python3 is not there"; exit 0; }

# ---- recipes: one clear line, with its place ----

mkdir "$TMP/recipes"
says() { # name expected-message recipe
	printf "%b" "$3" >"$TMP/recipes/r"
	"$make" --show --recipes="$TMP/recipes" bookworm >"$TMP/out" 2>&1
	same "$1" "1 make-collection: $2" "$? $(cat "$TMP/out")"
}
r=$TMP/recipes/r
says "an unknown key" "$r:2: unknown key 'comand'" 'packages: x\ncomand: x\n'
says "a key twice" "$r:3: 'command' is there since line 2" 'packages: x\ncommand: x\ncommand: y\n'
says "no value" "$r:1: 'packages' is empty" 'packages:\ncommand: x\n'
says "no colon" "$r:2: this is not 'KEY: VALUE'" 'packages: x\nhello\n'
says "no packages" "$r: 'packages' is missing" 'command: x\n'
says "neither command nor unit" "$r: there must be a 'command' or a 'unit', and not both" 'packages: x\n'
says "both" "$r: there must be a 'command' or a 'unit', and not both" \
	'packages: x\ncommand: x\nunit: x.service\n'
says "a unit with a display" "$r: 'display' makes no sense with 'unit'" \
	'packages: x\nunit: x.service\ndisplay: yes\n'
says "a window without display" "$r: 'shows' makes no sense without 'display'" \
	'packages: x\ncommand: x\nshows: x\n'
says "an open quote" "$r:2: no closing quotation" 'packages: x\ncommand: "x\n'
says "an exit status" "$r:3: '256' is not a number from 0 to 255" \
	'packages: x\ncommand: x\nexit: 256\n'
says "a number with spaces" "$r:3: '1 0' is not a number from 1 to 100" \
	'packages: x\ncommand: x\nruns: 1 0\n'
says "an option for a package" "$r:1: '-oX=y' is not the name of a package" 'packages: -oX=y\ncommand: x\n'
says "a bad unit" "$r:2: '../x.service' is not the name of a service" 'packages: x\nunit: ../x.service\n'
says "a bad expression" "$r:3: '(' is no regular expression: missing ), unterminated subpattern at position 0" \
	'packages: x\ncommand: x\nexpect: (\n'
says "not yes" "$r:3: 'no' is not 'yes'" 'packages: x\ncommand: x\nterminal: no\n'
says "a control character" "$r:2: a control character" 'packages: x\ncommand: \x01\n'
says "not UTF-8" "$r: byte 10 is not UTF-8" 'packages: \xff\n'
says "an empty suite" "$r:1: '' is not the name of a suite" 'packages.: x\n'
head -c 8193 /dev/zero | tr '\0' '#' >"$TMP/long"
says "too long" "$r: 8193 bytes (at most 8192)" "$(cat "$TMP/long")"
says "another suite's values are looked at" "$r:3: '-1' is not a number from 1 to 100" \
	'packages: x\ncommand: x\nruns.sid: -1\n'
printf 'packages: x y\npackages.trixie: z\ncommand: x "a b"\nexit: never\nsuites: trixie sid\n' >"$r"
same "a suite's own value" "trixie r z: x 'a b'" \
	"$("$make" --show --recipes="$TMP/recipes" trixie bookworm)"
printf 'packages: x\npackages.rpm: y\npackages.dnf-2: z\ncommand: x\nsuites: rpm sid\n' >"$r"
same "values of all that have rpm packages, and of one of them" "dnf-1 r y: x
dnf-2 r z: x
sid r x: x" "$("$make" --show --recipes="$TMP/recipes" trixie dnf:1 dnf:2 sid)"
"$make" --show dnf:1 >"$TMP/rpm" 2>"$TMP/err"
same "our recipes, where packages are rpm's" "dnf-1 cron cronie: crond.service|dnf-1 sshd openssh-server: sshd.service|" \
	"$(grep -E '^dnf-1 (cron|dpkg|sshd) ' "$TMP/rpm" | tr '\n' '|')$(cat "$TMP/err")"
mkdir -p "$TMP/image/var/lib/rpm"
: >"$TMP/image/var/lib/rpm/rpmdb.sqlite"
same "of a directory: by what it has" "image r y: x" "$("$make" --show --recipes="$TMP/recipes" "$TMP/image" "$TMP/recipes")"
for release in "" ../x "-x" "1 2"; do
	"$make" --show --recipes="$TMP/recipes" "dnf:$release" >"$TMP/out" 2>&1
	same "a bad release" "1 make-collection: '$release' is not the name of a release" "$? $(cat "$TMP/out")"
done
same "no suite: usage" 2 "$("$make" >/dev/null 2>&1; echo $?)"

# ---- what is of one machine only ----

profile() { # path lookup-directory name kernel
	sed -e "s|/etc/hello.conf|$1|" -e "s|/etc/lookups|$2|" -e "s|a-name|$3|" -e "s|6\.1\.0|${4:-6.1.0}|" \
		<<'J'
{
	"elfcast": 1,
	"program": "/usr/bin/hello",
	"scenario": "default",
	"arch": "x86_64",
	"trained": { "runs": 1, "window_ms": 4000, "method": "uffd", "kernel": "6.1.0" },
	"objects": [
		{
			"path": "/etc/hello.conf",
			"size": 5000,
			"pages": [
				[0, 1, 1, 0],
				[1, 1, 1, 3]
			]
		}
	],
	"lookups": [
		["/etc/lookups", 0, [1, "a-name"]]
	]
}
J
}
tells() { # name message arguments of profile...
	local name=$1 message=$2
	shift 2
	profile "$@" >"$TMP/p.json"
	"$make" --lint "$TMP/p.json" >"$TMP/out" 2>&1
	same "$name" "$((${#message} > 0)) ${message:+$TMP/p.json: $message}" "$? $(cat "$TMP/out")"
}
tells "nothing is wrong" "" /etc/hello.conf /etc/lookups a-name
for path in /home/jo/.profile /root/x /tmp/x /var/tmp/x /var/cache/fontconfig/x /etc/machine-id \
	/etc/hostname /run/x /var/lib/dpkg/status /usr/local/lib/x.so /etc/ssh/ssh_host_rsa_key /srv/x; do
	tells "$path" "object '$path' is of one machine only" "$path" /etc/lookups a-name
done
id=0123456789abcdef0123456789abcdef
tells "an identifier in a path" "object '/etc/x/$id' names one machine" /etc/x/$id /etc/lookups a-name
tells "a directory" "directory '/home/jo' is of one machine only" /etc/hello.conf /home/jo a-name
tells "that there is /home" "" /etc/hello.conf / home
tells "an identifier among the names" "name '$id' in '/etc/lookups' names one machine" \
	/etc/hello.conf /etc/lookups $id
tells "a kernel's build" "kernel '6.1.0-mine' is more than a version" \
	/etc/hello.conf /etc/lookups a-name 6.1.0-mine
tells "/var/lib/texmf is the same everywhere" "" /var/lib/texmf/x.fmt /etc/lookups a-name
profile /etc/hello.conf /etc/lookups a-name | sed 's/5000/05000/' >"$TMP/p.json"
status "no JSON" 1 "$make" --lint "$TMP/p.json"
profile /etc/hello.conf /etc/lookups a-name | sed 's/"size": 5000/"size":  5000/' >"$TMP/p.json"
"$make" --lint "$TMP/p.json" >"$TMP/out" 2>&1
same "not canonical" "$TMP/p.json: not in canonical form" "$(cat "$TMP/out")"
echo '{"elfcast": 1}' >"$TMP/p.json"
status "a key is missing" 1 "$make" --lint "$TMP/p.json"

# ---- several builds in one ----

same "joins are the same in any order, and lose nothing" "" "$(python3 - "$TOP" <<'P'
import random, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1] + "/profiles")
from collect import profile
rng = random.Random(17)

def pages():
    out, at = [], 0
    for _ in range(rng.randrange(6)):
        at += rng.randrange(3)
        out.append([at, rng.randrange(1, 4), rng.randrange(1, 6), rng.randrange(9)])
        at += out[-1][1]
    return out

def one():
    objects = []
    for path in rng.sample(["/usr/bin/a", "/usr/lib/b.so", "/etc/c"], rng.randrange(1, 4)):
        o = {"path": path, "size": 65536 * 16, "pages": pages()}
        if path != "/etc/c":
            o["build_id"] = rng.choice(["aa", "bbcc"])
            if rng.random() < 0.5:
                o["fingerprint"] = rng.choice(["AAAA", "BBBBBBBB"])
        elif rng.random() < 0.5:
            o["digest"] = "x:" + rng.choice(["00", "11"])
        objects.append(o)
    telling = rng.choice([1, 2, 5])
    return {"elfcast": 1, "program": "/usr/bin/a", "scenario": "default", "arch": "x86_64",
            "trained": {"runs": 5, "window_ms": rng.choice([1, 4000]), "method": "uffd",
                        **({"without_lookups": 5 - telling} if telling < 5 else {}),
                        "kernel": rng.choice(["6.1", "6.2"])}, "objects": objects,
            "lookups": [["/etc", rng.randrange(2), [rng.randrange(1, telling + 1), *rng.sample("xyz", 2)]]]}

def told(p):
    """Which names all runs looked up that tell."""
    return {n for _, _, *groups in p["lookups"] for g in groups if g[0] == profile.runs_with_lookups(p) for n in g[1:]}

def needed(p):
    return profile._page_set(p, False)

for _ in range(500):
    a, b, c = one(), one(), one()
    abc = profile.canonical(profile.join(profile.join(a, b), c))
    if any(profile.canonical(x) != abc for x in (
            profile.join(a, profile.join(b, c)), profile.join(profile.join(c, a), b),
            profile.join(profile.join(profile.join(a, b), c), a))):
        print("another order is another profile")
    if needed(profile.join(a, b)) != needed(a) | needed(b):
        print("pages are lost")
    if told(profile.join(a, b)) != told(a) | told(b):
        print("what is always looked up is not any more")
    if needed(profile.compact(a)) != needed(a) or "digest" in str(profile.compact(a)):
        print("what is compact is not the same")
try:
    profile.join(dict(one(), program="/usr/bin/b"), one())
    print("two programs are joined")
except ValueError:
    pass
P
)"

# ---- evidence: of each build once, the fingerprints of all profiles together
same "evidence" "" "$(python3 - "$TOP" "$BUILD" "$TMP" <<'P'
import json, os, subprocess, sys
sys.dont_write_bytecode = True
top, build, tmp = sys.argv[1:]
sys.path.insert(0, top + "/profiles")
from collect import evidence, profile
file = build + "/elfcast"
size = os.stat(file).st_size

def fingerprint(pages):
    return subprocess.run([build + "/tests/fingerprint", file, "sizes", *map(str, pages)], capture_output=True,
                          text=True, check=True).stdout.strip()

def one(program, first):
    pages = list(range(first, first + 9))
    return {"elfcast": 1, "program": program, "scenario": "default", "arch": "x86_64",
            "trained": {"runs": 1, "window_ms": 1, "method": "uffd", "kernel": "6"},
            "objects": [{"path": "/usr/lib/x.so", "build_id": "aa" * 20, "size": size,
                         "pages": [[first, 9, 1, 0]], "fingerprint": fingerprint(pages)},
                        {"path": program, "build_id": ("%02x" % first) * 20, "size": size,
                         "pages": [[first, 1, 1, 0]], "fingerprint": fingerprint(pages[:1])}]}

profiles = [one("/usr/bin/a", 8), one("/usr/bin/b", 32)]
merged = evidence.merge(profiles, file)
if merged["aa" * 20]["fingerprint"] != fingerprint([*range(8, 17), *range(32, 41)]):
    print("a build of two profiles is not known by the pages of both")
files = evidence.files({"x": profiles, "y": profiles[:1]}, {"x": merged, "y": merged}, 10**6)
if sorted(files) != ["elfcast.x.json", "elfcast.y.json"]:
    print("not a file for each release:", *files)
found = json.loads(files["elfcast.x.json"])
if len(found["objects"]) != 3 or any(o["pages"] for o in found["objects"]):
    print("not each build once")
text = tmp + "/evidence.json"
open(text, "wb").write(files["elfcast.x.json"])
written = subprocess.run([build + "/tests/profile-check", text], capture_output=True, check=True).stdout
if profile.canonical(json.loads(written)) != written:
    print("no profile, as elfcast reads it")
# What there is room for, and first that by which a byte finds most pages: "aa" is needed twice.
lengths = {"aa": 800, "08": 500, "20": 600}
signed = {i: {"fingerprint": "x" * lengths[i[:2]]} for i in merged}
def ids(n):
    return sorted(o["build_id"][:2] for data in evidence.files({"x": profiles}, {"x": signed}, n).values()
                  for o in json.loads(data)["objects"] if "fingerprint" in o)

bare, cost = 500, {i: n + 25 for i, n in lengths.items()}
for chosen in ([], ["08"], ["aa"], ["08", "aa"], ["08", "20", "aa"]):
    n = bare + sum(cost[i] for i in chosen)
    if ids(n) != chosen:
        print("not what there is room for:", n, ids(n))
P
)"

# ---- what is committed ----

for suite in bookworm trixie forky; do
	check "at least 120 recipes for $suite" \
		[ "$("$make" --show $suite | wc -l)" -ge 120 ]
done
profiles=("$TOP"/profiles/collection/*.json)
check "all of the collection is public" "$make" --lint "${profiles[@]}"
mkdir "$TMP/canonical"
bad=
for p in "${profiles[@]}"; do
	"$BUILD/tests/profile-check" "$p" >"$TMP/canonical/${p##*/}" 2>&1 || bad="$bad ${p##*/}"
done
bad=$bad$(python3 - "$TOP" "$TMP/canonical" "${profiles[@]}" <<'P'
import json, os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1] + "/profiles")
from collect import profile
for path in sys.argv[3:]:
    text = open(os.path.join(sys.argv[2], os.path.basename(path)), "rb").read()
    p = json.loads(text) if text.startswith(b"{") else None
    if not p or text != profile.canonical(p) or profile.dense(p) != open(path, "rb").read():
        print("", os.path.basename(path), end="")
P
)
same "and as elfcast writes profiles, but for white space" "" "$bad"
if [ -x "$BUILD/elfcast-check" ]; then
	status "elfcast check finds no error in it" 0 env ELFCAST_EXEC_PATH="$BUILD" "$BUILD/elfcast" check --quiet "${profiles[@]}"
fi
# With files of which profiles have several builds, and this one is none.
mkdir -p "$TMP/root/usr/share/elfcast/profiles.d" "$TMP/root/etc" "$TMP/root/usr/bin"
cp "${profiles[@]}" "$TMP/root/usr/share/elfcast/profiles.d"
for file in etc/passwd etc/group etc/ld.so.cache usr/bin/ls; do echo this >"$TMP/root/$file"; done
status "it compiles" 0 "$BUILD/elfcast" compile --strict --quiet --root="$TMP/root"
check "at most 15 MB" [ "$(cat "${profiles[@]}" "$TOP"/profiles/evidence/*.json | wc -c)" -le 15000000 ]
bad=$(for p in "$TOP"/profiles/evidence/*.json; do "$BUILD/tests/profile-check" "$p" >/dev/null 2>&1 || echo "$p"; done)
same "evidence of all releases is as elfcast reads it" "3 " "$(echo "$TOP"/profiles/evidence/*.json | wc -w) $bad"
check "the schema's directory has nothing but profiles" \
	[ "$(find "$TOP/profiles/collection" -type f ! -name 'elfcast.*.json' | wc -l)" = 0 ]
finish
