# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# For tests of elfcastd on the fake root $R, with its log in $LOG: sourced after lib.sh. Its process is in
# $watcher, and all there were in $pids, for who cleans up.
pids=()
state() { sed -n "s/^$1 //p" "$R/run/elfcast/watch" 2>/dev/null; }
is_watching() { [ "$(state pid)" = "$watcher" ] && [ "$(state programs)" -ge "${1:-1}" ]; }
# start_watcher [COMMAND...]: through COMMAND, which executes its arguments
start_watcher() {
	"$@" elfcastd --root="$R" -v >>"$LOG" 2>&1 &
	watcher=$!
	pids+=("$watcher")
	wait_until is_watching && return
	not_ok "elfcastd starts"
	sed 's/^/# /' "$LOG"
	finish
}
end_watcher() { # it writes what it has
	kill -TERM "$watcher"
	wait "$watcher"
}
clean_up() { # for EXIT
	local pid
	for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null; done
	wait
	rm -rf "$TMP"
}
