#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sanitized: too
# On a narrow terminal, and where $COLUMNS says so, lines of status, list, show and diff are cut at blanks.
. "$(dirname "$0")/../lib.sh"

make_root
long=/usr/lib/x86_64-linux-gnu/libexec/program-of-a-long-name
mkdir -p "$R/${long%/*}" "$R/run/elfcast" "$R/etc/elfcast/profiles.d"
make_elf "$R$long" long
object_of() { printf '{ "path": "%s", "build_id": "%s", "size": %s, "pages": [[0, 1, 1, 0]] }' \
	"$1" "$(build_id_of "$R$1")" "$(stat -c %s "$R$1")"; }
profile "$P/test.long.json" "$long" "$(object_of "$long"), $(object_of /usr/bin/one)"
cp "$P/test.long.json" "$R/etc/elfcast/profiles.d/local.program-of-a-long-name.json"
echo '{}' >"$R/etc/elfcast/profiles.d/local.damaged.json"
elfcast compile -q --root="$R" 2>/dev/null
cp "$TOP/tests/fuzz/corpus/boot_report/read" "$R/run/elfcast/boot.json"
cp "$TOP/tests/fuzz/corpus/boots/full" "$R/var/lib/elfcast/boots"
printf 'elfcast-launches 2 1767300000 -\n5.000000 1767300000 0 %s\nend 1\n' "$long" >"$R/var/lib/elfcast/launches"
make_elf "$R/usr/bin/two" rebuilt
verbs=("status" "status $long" "status --pack" "status --usage" "status --launches" "status --boots" "list" "list --all -v"
	"diff $P/test.one.json $P/test.long.json" "show $long" "show $P/test.long.json" "show --map $long" "show $R/var/lib/elfcast/boot.pack")
widest() { awk '{ n = length($0); if (n > most) { most = n; line = $0 } } END { print most + 0, line }' "$1"; }
words() { tr -s ' \n' '\n\n' <"$1"; }
for verb in "${verbs[@]}"; do
	# shellcheck disable=SC2086
	COLUMNS=60 elfcast $verb --root="$R" >"$TMP/narrow" 2>/dev/null
	read -r n line < <(widest "$TMP/narrow")
	check "$verb: in 60 columns ($line)" test "$n" -le 60 -a "$n" -gt 20
	[[ $verb = *"--"[plmub]* ]] && continue # these have less columns then
	# shellcheck disable=SC2086
	elfcast $verb --root="$R" >"$TMP/wide" 2>/dev/null
	same "$verb: nothing is lost" "$(words "$TMP/wide")" "$(words "$TMP/narrow")"
done
# The same at a terminal.
cat >"$TMP/at-terminal" <<'PY'
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
out = b""
while True:
    try: data = os.read(fd, 65536)
    except OSError: break
    if not data: break
    out += data
os.waitpid(pid, 0)
sys.stdout.write(out.decode().replace("\r\n", "\n"))
PY
for verb in "status" "list" "show $long"; do
	# shellcheck disable=SC2086
	NO_COLOR=1 python3 "$TMP/at-terminal" elfcast $verb --root="$R" >"$TMP/terminal"
	# shellcheck disable=SC2086
	COLUMNS=60 elfcast $verb --root="$R" >"$TMP/narrow" 2>/dev/null
	same "$verb: as at a terminal" "$(cat "$TMP/narrow")" "$(grep -v '^elfcast: ' "$TMP/terminal")"
done
# Colours are no columns.
python3 "$TMP/at-terminal" elfcast show "$long" --root="$R" | sed 's/\x1b\[[0-9;]*m//g; s/ *$//' >"$TMP/coloured"
NO_COLOR=1 python3 "$TMP/at-terminal" elfcast show "$long" --root="$R" | sed 's/ *$//' >"$TMP/plain"
check "colours are no columns" cmp -s "$TMP/coloured" "$TMP/plain"
COLUMNS=60 elfcast status --root="$R" >"$TMP/narrow" 2>/dev/null
check "what is behind a heading goes on below it" grep -q '^           [^ ]' "$TMP/narrow"
check "a command in quotes stays whole" grep -q "'elfcast remove local.damaged.json'" "$TMP/narrow"
for columns in "" 0 -5 60x 99999999999999999999; do
	same "COLUMNS=$columns says nothing" "$(elfcast list --root="$R" 2>/dev/null)" \
		"$(COLUMNS=$columns elfcast list --root="$R" 2>/dev/null)"
done
same "--json is for programs" "$(elfcast list --json --root="$R")" "$(COLUMNS=30 elfcast list --json --root="$R")"
same "list -q too" "$(elfcast list -q --root="$R")" "$(COLUMNS=30 elfcast list -q --root="$R")"
same "status --check too" "$(elfcast status --check --root="$R")" "$(COLUMNS=30 elfcast status --check --root="$R")"
finish
