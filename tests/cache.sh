# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What takes minutes to make and is the same until what it is made of changes: our packages, and
# images of systems. It is kept for all checkouts of this user, by a sum of what it is made of:
# at most 4 GiB, and nothing that was not used for a month.

CACHE=${ELFCAST_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/elfcast-tests}
CACHE_KIB=$((4 << 20))

# cached KIND INPUTS COMMAND...: sets $cached to the path of what COMMAND, given that path as its
# last argument, makes of INPUTS, which is a text. Of each kind one is made at a time.
cached() {
	local kind=$1 lock status=0
	cached=$CACHE/$1-$(sha256sum <<<"$2" | cut -c -20)
	shift 2
	mkdir -p "$CACHE"
	exec {lock}>"$CACHE/lock.$kind"
	flock "$lock"
	if [ ! -e "$cached" ]; then
		rm -rf "$cached.new"
		# Who stays behind must not hold the lock.
		eval '"$@" "$cached.new"' "$lock>&-" && mv "$cached.new" "$cached" || status=1
		cache_trim
	fi
	touch -c "$cached"
	exec {lock}>&-
	return $status
}

# The oldest go; what was used within the hour may be in use.
cache_trim() {
	local path kib sum=0
	find "$CACHE" -mindepth 1 -maxdepth 1 -mtime +30 -exec rm -rf {} +
	while read -r path; do
		kib=$(du -sk "$path" | cut -f 1)
		sum=$((sum + kib))
		[ $sum -le $CACHE_KIB ] || [ -z "$(find "$path" -maxdepth 0 -mmin +60)" ] || rm -rf "$path"
	done < <(find "$CACHE" -mindepth 1 -maxdepth 1 -printf '%T@ %p\n' | sort -rn | cut -d ' ' -f 2-)
}
