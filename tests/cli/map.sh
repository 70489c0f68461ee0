#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sanitized: too
# show --map and --html, of an ELF file whose sections readelf knows, and of a data file.
. "$(dirname "$0")/../lib.sh"

R=$TMP/root P=$TMP/root/usr/share/elfcast/profiles.d
mkdir -p "$P" "$R/usr/bin" "$R/data"
make_elf "$R/usr/bin/one" one
n_pages=$((($(stat -c %s "$R/usr/bin/one") + 4095) / 4096))
# Hostile, and no ELF file: it must not end the script that it stands in.
odd='</script><b>x'
mkdir -p "$R/data/<"
head -c 40000 /dev/zero >"$R/data/$odd"
head -c 10000000 /dev/zero >"$R/data/large"
profile "$P/test.one.json" /usr/bin/one "
	{ \"path\": \"/data/$odd\", \"size\": 40000, \"pages\": [[0, 1, 1, 0], [5, 5, 1, 20]] },
	{ \"path\": \"/data/large\", \"size\": 10000000, \"pages\": [[0, 40, 1, 1], [2000, 1, 1, 9]] },
	{ \"path\": \"/usr/bin/one\", \"build_id\": \"$(build_id_of "$R/usr/bin/one")\",
	  \"size\": $(stat -c %s "$R/usr/bin/one"), \"pages\": [[0, $n_pages, 1, 0]] }"
elfcast compile -q --root="$R" --storage=flash

show() { LC_ALL=${LOCALE:-C} elfcast show --root="$R" "$@"; }
# columns N COMMAND...: its output on a terminal of that width
columns() {
	python3 - "$@" <<'END'
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
out = b""
try:
    while data := os.read(fd, 65536):
        out += data
except OSError:
    pass
sys.stdout.write(out.decode().replace("\r\n", "\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
}

status "--map" 0 show --map "$P/test.one.json"
same "a small data file: one line" "  6 of 10 pages, valid  #....#####" "$(grep -A 1 -F "/data/$odd" "$TMP/out" | tail -n 1)"
same "a large one: cells of several pages" "  41 of 2442 pages, valid; a cell is 6 pages" \
	"$(grep -A 1 /data/large "$TMP/out" | tail -n 1)"
same "as many cells as it needs" 407 "$(sed -n '/large/,/^$/p' "$TMP/out" | tail -n +3 | tr -dc '.*+#-' | wc -c)"
same "forty of six pages each: six are full, one mostly" "######*" \
	"$(sed -n '/large/,/^$/p' "$TMP/out" | sed -n '3s/^ *\(.\{7\}\).*/\1/p')"
for part in head code data writable; do
	check "the ELF file has a part: $part" grep -qE "^ $part +#" "$TMP/out"
done
same "no colours in a file" 0 "$(grep -c $'\033' "$TMP/out")"
same "pages of all parts" "$n_pages" "$(sed -n '/^\/usr\/bin\/one$/,/^$/p' "$TMP/out" | tail -n +3 | cut -c 11- | tr -dc '#.' | wc -c)"
LOCALE=C.UTF-8 show --map one >"$TMP/out"
check "of a program's shadow, in UTF-8" grep -q '^ code *█' "$TMP/out"
for n in 40 60 100; do
	columns $n elfcast show --root="$R" --map one >"$TMP/wide"
	sed 's/\x1b\[[0-9;]*m//g' "$TMP/wide" >"$TMP/plain"
	same "$n columns: the maps are as wide" $((n - 10)) \
		"$(sed -n '/large/,/^$/p' "$TMP/plain" | sed -n '3s/^ *//p' | tr -d '\n' | LC_ALL=C.UTF-8 wc -m)"
	check "$n columns: colours" grep -q $'\033\[38;5;' "$TMP/wide"
done
NO_COLOR=1 columns 60 elfcast show --root="$R" --map one >"$TMP/wide"
same "none with NO_COLOR" 0 "$(grep -c $'\033' "$TMP/wide")"
for n in 60 80; do
	columns $n elfcast list --root="$R" >"$TMP/wide"
	check "$n columns: list fits" test "$(wc -L <"$TMP/wide")" -le $n
done

status "--html" 0 show --html="$TMP/page.html" one
same "what it holds" "True" "$(python3 - "$TMP/page.html" <<'END'
import json, re, sys
page = open(sys.argv[1]).read()
scripts = re.findall(r"<script(.*?)>(.*?)</script>", page, re.S)
data = json.loads([text for kind, text in scripts if "json" in kind][0])
paths = [o["path"] for o in data[0]["objects"]]
one = [o for o in data[0]["objects"] if o["path"] == "/usr/bin/one"][0]
print(len(scripts) == 2 and paths == ["/data/</script><b>x", "/data/large", "/usr/bin/one"]
      and data[0]["pages"] == sum(o["pages"] for o in data[0]["objects"])
      and [p[0] for p in one["parts"]][:1] == ["head"]
      and sum(p[2] for p in one["parts"]) == one["file_pages"]
      and all(o["pages"] == sum(r[1] for r in o["runs"]) for o in data[0]["objects"])
      and "@DATA@" not in page and "@TITLE@" not in page
      # Nothing is fetched: no other address than the name of SVG.
      and set(re.findall(r"\w+://[^\s\"']*", page)) == {"http://www.w3.org/2000/svg"})
END
)"
status "two forms" 2 show --html="$TMP/x" --map one
status "a pack" 1 show --html="$TMP/x" "$R/var/lib/elfcast/boot.pack"
status "not to be written" 1 show --html="$TMP/none/x" one
check "says so" grep -q "cannot write '$TMP/none/x'" "$TMP/err"

if command -v chromium >/dev/null; then
	chromium --headless=new --no-sandbox --disable-gpu --user-data-dir="$TMP/chromium" --window-size=400,900 \
		--virtual-time-budget=2000 --dump-dom "file://$TMP/page.html" >"$TMP/dom" 2>/dev/null
	same "a browser shows a line a file" 3 "$(grep -o '<details' "$TMP/dom" | wc -l)"
	check "and maps" grep -q '<canvas' "$TMP/dom"
	check "and the odd path as text" grep -qF '&lt;/script&gt;&lt;b&gt;x' "$TMP/dom"
else
	skip "in a browser" "no chromium"
fi
finish
