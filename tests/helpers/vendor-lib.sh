# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For tests/system/packages-vendor*.sh: what profiles/README.md tells a vendor to do, out of its own
# text, and the program that is shipped. Comes behind pkg-lib.sh; commands leave their output in $TMP/out.

TUTORIAL=$TOP/profiles/README.md

# said WORDS: the command of the tutorial that begins with these; there is one, indented or in `…`
said() {
	grep -oE "^    $1.*|\`$1[^\`]*\`" "$TUTORIAL" | sed 's/^    //; s/`//g' >"$TMP/said"
	[ "$(wc -l <"$TMP/said")" = 1 ] && cat "$TMP/said" && return
	echo "# '$1' is not one command of the tutorial" >&2
	return 1
}

# says NAME WORDS [SED]: run that command, changed where it names what is not of here; NAME for the check
says() {
	local command
	if command=$(said "$2"); then
		does "$1: $command" eval "$(sed "${3:-}" <<<"$command")" </dev/null
	else
		not_ok "$1"
	fi
}

# does NAME COMMAND...: as check(), with its output where it fails
does() {
	local name=$1
	shift
	"$@" >"$TMP/out" 2>&1 && ok "$name" && return
	not_ok "$name"
	sed 's/^/# /' "$TMP/out" | tail -n 15
}

# hello_source DIR: the program that says hello
hello_source() {
	cat >"$1/hello.c" <<'END'
#include <stdio.h>
static const char table[300000] = { 1 };
int main(void)
{
	int sum = 0;

	for (unsigned i = 0; i < sizeof(table); i += 9000)
		sum += table[i];
	printf("hello, world %d\n", sum);
	return 0;
}
END
}
# another_hello DIR: its next release
another_hello() { sed -i 's/hello, world/good bye/' "$1/hello.c"; }

# hello_is: the state of the program in its shadow
hello_is() {
	in_root elfcast show --json hello 2>/dev/null | python3 -c 'import json, sys
for s in json.load(sys.stdin):
	print(*[o["now"] for o in s["objects"] if o["path"] == "/usr/bin/hello"])'
}

# elfcast train in the root, where the package is installed as users get it; all else is the vendor's, here
elfcast() {
	if [ "$1" = train ]; then
		in_root env -C /tmp elfcast "$@" && mv "$R/tmp/hello.hello.json" .
	else
		ELFCAST_EXEC_PATH=$BUILD "$BUILD/elfcast" "$@"
	fi
}
