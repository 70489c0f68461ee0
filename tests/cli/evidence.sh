#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sanitized: too
# Fingerprints that many profiles share, in /usr/share/elfcast/evidence.d: compile finds pages again by them
# where a profile has none of its own.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/helpers/retarget-lib.sh"

P=$R/usr/share/elfcast/profiles.d E=$R/usr/share/elfcast/evidence.d
mkdir -p "$P" "$E" "$R/var" "$R/usr/bin"
compile() { elfcast compile --root="$R" --storage=flash "$@"; }
shown() { # KEY...
	elfcast show --root="$R" --json "$R/var/lib/elfcast/shadow"/*.shadow |
		python3 -c 'import json, sys; o = json.load(sys.stdin)[0]["objects"][0]; print(*(o.get(k, "-") for k in sys.argv[1:]))' "$@"
}
build "$TMP/old" 1 -O1
build "$TMP/new" 2 -O1
cp "$TMP/new" "$R/usr/bin/app"
profile_of "$TMP/old" /usr/bin/app
cp "$TMP/p.json" "$P/test.app.json"
status "by a fingerprint of its own" 0 compile
read -r sure own <<<"$(shown retargeted pages)"
python3 - "$P/test.app.json" "$TMP/p.json" <<'PY'
import json, sys
p = json.load(open(sys.argv[2]))
for o in p["objects"]: del o["fingerprint"]
json.dump(p, open(sys.argv[1], "w"))
PY
# evidence FILE LEVEL [BUILD...]: of all pages that there are, as of many programs together
evidence() {
	local file=$1 level=$2 objects='' b
	shift 2
	for b in "${@:-$TMP/old}"; do
		# shellcheck disable=SC2046 # numbers
		objects="$objects${objects:+,}{ \"path\": \"/usr/bin/elsewhere\", \"build_id\": \"$(id_of "$b")\",
			\"size\": $(stat -c %s "$b"), \"pages\": [],
			\"fingerprint\": \"$("$BUILD/tests/fingerprint" "$b" "$level" $(seq 0 $((($(stat -c %s "$b") - 1) / 4096))))\" }"
	done
	profile "$file" /usr/share/elfcast/evidence.d "$objects"
}
status "without evidence" 0 compile
same "is stale" "stale -" "$(shown now retargeted)"
evidence "$E/test.json" keys
status "with evidence" 0 compile
same "is not" valid "$(shown now)"
same "is of the build that is there" "$(id_of "$TMP/new")" "$(shown build_id)"
check "is as sure as by a fingerprint of its own" test "$(shown retargeted)" -ge $((sure - 5))
elfcast dump --root="$R" "$R/var/lib/elfcast/shadow"/*.shadow >"$TMP/new.json"
at_least "its pages" 95 30 "$(score "$TMP/new")"
check "and not those that others need" test "$(shown pages)" -le $((own + own / 10))
status "again" 0 compile
check "nothing to do" grep -q "0 compiled, 1 unchanged" "$TMP/err"
evidence "$E/test.json" sizes
status "other evidence" 0 compile
check "all is done again" grep -q "1 unchanged\|1 compiled" "$TMP/err"
same "by sizes" valid "$(shown now)"
rm "$E/test.json"
status "evidence that goes" 0 compile
same "takes it along" stale "$(shown now)"

# Another program stays another program.
cp "$(type -P bash)" "$R/usr/bin/app"
evidence "$E/test.json" keys
status "another program" 0 compile
same "is left" "stale -" "$(shown now retargeted)"
cp "$TMP/new" "$R/usr/bin/app"

# ---- releases: app is as the first one has it, what it needs in the second is not looked for
build "$TMP/second" 2 -Os
mkdir -p "$R/usr/lib"
cp "$TMP/old" "$R/usr/bin/app"
cp "$TMP/new" "$R/usr/lib/libapp.so"
profile_of "$TMP/old" /usr/bin/app ",
	{ \"path\": \"/usr/lib/libapp.so\", \"build_id\": \"$(id_of "$TMP/second")\", \"size\": $(stat -c %s "$TMP/second"), \"pages\": [[0, 9, 1, 1]] },
	{ \"path\": \"/usr/lib/second/data\", \"size\": 5000, \"pages\": [[0, 2, 1, 1]] }"
cp "$TMP/p.json" "$P/test.app.json"
listed() { elfcast list --root="$R" --json | python3 -c 'import json, sys; p, = json.load(sys.stdin); print(p["state"], p["usable_objects"], p["objects"])'; }
evidence "$E/test.json" keys "$TMP/old"
status "one release" 0 compile
same "what is not there is missed" "partly stale 1 2" "$(listed)"
evidence "$E/second.json" keys "$TMP/second"
status "two releases" 0 compile
same "what the other needs is not" "valid 1 1" "$(listed)"
python3 - "$E"/*.json <<'PY'
import json, sys
for name in sys.argv[1:]:
    p = json.load(open(name))
    for o in p["objects"]: o.pop("fingerprint", None)
    json.dump(p, open(name, "w"))
PY
status "two releases, of which nothing but the builds is known" 0 compile
same "are told, too" "valid 1 1" "$(listed)"
evidence "$E/test.json" keys "$TMP/old" "$TMP/second"
status "a build of both" 0 compile
same "is found again" "valid 2 2" "$(listed)"
cp "$TMP/second" "$R/usr/lib/libapp.so"
cp "$TMP/new" "$R/usr/bin/app"
evidence "$E/test.json" keys "$TMP/old"
status "a release in which the program was not trained" 0 compile
same "all that is known counts" "partly stale 2 3" "$(listed)"
rm -r "$R/usr/lib" "$E/second.json"
profile_of "$TMP/old" /usr/bin/app
sed 's/"fingerprint": "[^"]*"/"note2": 2/' "$TMP/p.json" >"$P/test.app.json"
evidence "$E/test.json" keys

# What is not installed is not launched: nothing is looked for in its libraries.
mkdir -p "$R/usr/lib" && cp "$TMP/new" "$R/usr/lib/libapp.so" && rm "$R/usr/bin/app"
profile_of "$TMP/old" /usr/bin/app ",
	{ \"path\": \"/usr/lib/libapp.so\", \"build_id\": \"$(id_of "$TMP/old")\", \"size\": $(stat -c %s "$TMP/old"), \"pages\": [[0, 9, 1, 1]] }"
cp "$TMP/p.json" "$P/test.app.json"
status "a program that is not there" 0 compile
same "its libraries stay as they are" "absent 0 2" "$(listed)"
cp "$TMP/old" "$R/usr/bin/app"
status "when it comes" 0 compile
same "they are looked for" "valid 2 2" "$(listed)"
rm -r "$R/usr/lib"
profile_of "$TMP/old" /usr/bin/app
cp "$TMP/new" "$R/usr/bin/app"
sed 's/"fingerprint": "[^"]*"/"note2": 2/' "$TMP/p.json" >"$P/test.app.json"

# ---- for vendors: beside the profiles of this machine's packages
if has_user_namespaces && unshare -rm mount -t tmpfs none /usr/share 2>/dev/null; then
	evidence "$TMP/shared.json" keys
	# shellcheck disable=SC2016 # for the inner shell
	shared() { unshare -rm sh -c 'mount -t tmpfs none /usr/share && mkdir -p /usr/share/elfcast/evidence.d &&
		cp "$0" /usr/share/elfcast/evidence.d/x.json && exec "$@"' "$TMP/shared.json" "$@"; }
	status "retarget without evidence" 1 elfcast retarget --to="$R" "$P/test.app.json"
	status "retarget with evidence" 0 shared elfcast retarget -o "$TMP/new.json" --to="$R" "$P/test.app.json"
	same "from" "$(id_of "$TMP/old")" "$(object retargeted_from)"
else
	skip "retarget with evidence" "no user namespaces"
fi

# ---- what is no evidence
echo '{ "elfcast": 1, "objects": 7 }' >"$E/bad.json"
mkfifo "$E/fifo.json"
mkdir "$E/dir.json"
ln -s test.json "$E/link.json"
echo nonsense >"$E/README"
status "damaged evidence" 0 timeout 60 elfcast compile --root="$R" --storage=flash
same "is told" "elfcast: warning: $E/bad.json:1:1: 'program' is missing" "$(head -n 1 "$TMP/err")"
same "the others count" valid "$(shown now)"
evidence_problem() {
	elfcast status --json --root="$R" | python3 -c 'import json, sys
print(*(p["text"] for p in json.load(sys.stdin)["problems"] if p["kind"] == "damaged-evidence"))'
}
same "by status, too" "/usr/share/elfcast/evidence.d/bad.json:1:1: 'program' is missing" "$(evidence_problem)"
rm -r "$E"/{bad,fifo,dir,link}.json
same "which has nothing to say of the others" "" "$(evidence_problem)"
for ((i = 0; i < 8; i++)); do evidence "$E/0$i.json" sizes; done
sed -i 's/"build_id": "../"build_id": "99/' "$E"/0?.json
status "more than eight files" 0 compile --force
same "the first eight are read" stale "$(shown now)"
rm "$E/00.json"
status "eight" 0 compile
same "are" valid "$(shown now)"
rm -r "$E"
mkfifo "$E"
status "no directory" 0 timeout 60 elfcast compile --root="$R" --storage=flash
same "no evidence" stale "$(shown now)"
finish
