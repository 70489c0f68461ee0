# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For tests of elfcast retarget: a made-up program in several builds. Which functions it needs is known, so
# that it is known which pages each build needs. After lib.sh.

R=$TMP/root
mkdir -p "$R/usr/bin"
FUNCTIONS=${FUNCTIONS:-1000}
# source_of SEED: $FUNCTIONS functions, of sizes that SEED tells; of each hundred, those of 40..49 are needed
source_of() {
	awk -v seed="$1" -v n_functions="$FUNCTIONS" 'BEGIN {
		srand(7)
		print "int sum; static const int table[] = { 1, 2, 3 };"
		for (i = 0; i < n_functions; i++) {
			n = 1 + int(rand() * 14)
			if (seed == 2 && i % 50 == 10) { # new ones, and longer ones
				printf "void extra_%d(int *p) {", i
				for (k = 0; k < 20; k++) printf " sum += p[%d] * %d;", k, k + 1
				print " }"
				n += 3
			}
			printf "void function_%d(int *p) { static const char text[] = \"the text of %d\";", i, i
			for (k = 0; k < n; k++) printf " p[%d] += sum ^ %d;", k, k * 7 + i
			print " sum += text[p[0] & 7] + table[p[1] & 1]; }"
		}
		print "int main(void) { int p[64] = { 0 }; function_1(p); return 0; }"
	}'
}
# compiled SEED FLAG...: its object file, made once
compiled() {
	local o
	o=$TMP/compiled-$(tr -d ' ' <<<"$*").o
	[ -e "$o" ] || source_of "$1" | gcc "${@:2}" -c -x c -o "$o" -
	echo "$o"
}
build() { # FILE SEED FLAG...
	gcc -Wl,--build-id=sha1 -o "$1.full" "$(compiled "${@:2}")" && strip -o "$1" "$1.full"
}
# needed FILE: page numbers of what FILE's launch needs
needed() {
	# Here code lies in the file where it is in memory.
	nm -S -t d --defined-only "$1.full" | awk 'BEGIN { print 0 }
		$4 ~ /^function_.*4[0-9]$/ { for (p = int($1 / 4096); p <= int(($1 + $2 - 1) / 4096); p++) print p }' | sort -nu
}
id_of() { build_id_of "$1"; }
# profile_of FILE PATH [MORE]: trained on FILE, which was PATH then
profile_of() {
	local pages
	pages=$(needed "$1")
	# shellcheck disable=SC2086 # a list
	profile "$TMP/p.json" "$2" "{ \"path\": \"$2\", \"build_id\": \"$(id_of "$1")\",
		\"size\": $(stat -c %s "$1"), \"note\": 1,
		\"pages\": [$(sed 's/.*/[&, 1, 1, 3]/' <<<"$pages" | paste -s -d ,)],
		\"fingerprint\": \"$("$BUILD/tests/fingerprint" "$1" keys $pages)\" }${3:-}"
}
# object KEY [PATH]: of the output, which is canonical text; "-": it has none
object() {
	awk -v key="$1" -v path="${2:-}" '
		/^\t\t\t"path": / { here = path == "" || index($0, "\"" path "\""); value = "-" }
		/^\t\t\t"/ { in_pages = 0 }
		key == "pages" && /^\t\t\t"pages": / { in_pages = 1; value = ""; next }
		in_pages && /^\t\t\t\t\[/ { gsub(/[^0-9 ]/, ""); for (i = 0; i < $2; i++) value = value (value == "" ? "" : " ") $1 + i }
		index($0, "\t\t\t\"" key "\": ") == 1 { value = $0; sub(/^[^:]*: "?/, "", value); sub(/"?,?$/, "", value) }
		/^\t\t}/ && here { print value; here = 0 }' "$TMP/new.json"
}
retarget() { elfcast retarget -o "$TMP/new.json" "$@"; }

# score FILE: recall and precision of $TMP/new.json, in percent
score() {
	comm -12 <(needed "$1" | sort) <(object pages | tr ' ' '\n' | sort) >"$TMP/hits"
	echo "$((100 * $(wc -l <"$TMP/hits") / $(needed "$1" | wc -l))) $((100 * $(wc -l <"$TMP/hits") / $(object pages | wc -w)))"
}
at_least() { # name recall precision, of score's output
	local r p
	read -r r p <<<"$4"
	echo "# $1: recall $r, precision $p, sure $(object confidence)"
	check "$1" test "$r" -ge "$2" -a "$p" -ge "$3"
}
