#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Rules that no compiler holds: who may know what, and the shell scripts.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0
only() { # pattern allowed-file...: PATTERN stands in no other file of src/
	local pattern=$1 hits
	shift
	hits=$(grep -lE "$pattern" -r src --include='*.[ch]' | grep -vxF "$(printf '%s\n' "$@")")
	[ -z "$hits" ] && return
	echo "lint: /$pattern/ belongs to $*, but is also in:" $hits
	bad=1
}
only '#include <(json|json-c/).*>' src/profile/extra.c
only '#include <(libelf|gelf)\.h>' src/elf/elf-end.c src/elf/elf-layout.c
only 'include[ "<]+xxhash' src/file/hash.c
only '\b(posix_fadvise|readahead) *\(|MADV_WILLNEED' src/read/plugged.c src/read/plugged.h src/read/prefetch-open.c src/disk/residency.c
only '#include <archive(_entry)?\.h>' src/pkg/payload.c
only '#include <rpm/' src/pkg/librpm.c src/pkg/librpm.h src/pkg/rpm-package.c src/installed/rpmdb.c
only '#include <zlib\.h>' src/pkg/gunzip.c src/embed/embedded.c
only '"(/)?(var/lib|usr/share|usr/lib|etc)/elfcast' src/store/store.c src/store/store-profiles.c src/store/store.h
only '"tracefs"|trace_pipe' src/trace/system/tracefs.c
only '"debugfs"' src/trace/system/settings.c
only 'ptrace *\(' src/trace/launch/trace.c src/trace/tracee/tracee.c
only '/systemctl' src/units/systemd.c
only '"ext4-format\.h"' src/disk/ext4.c
# A room that one can oversee; verbs and manuals are lists.
while read -r n dir; do
	case $dir in src/cmd | src/man) continue ;; esac
	[ "$n" -le 15 ] || { echo "lint: $dir has $n files, more than 15" && bad=1; }
done < <(find src -type f -printf '%h\n' | sort | uniq -c)
if grep -wn assert_in_range tests/unit/*.c; then
	echo "lint: cmocka 2 deprecates assert_in_range: assert_uint_in_range, of in-range.h"
	bad=1
fi
if command -v shellcheck >/dev/null; then
	# Half a second each. -x: what a script sources is looked at, too, wherever it is.
	printf '%s\0' tests/*.sh tests/*/*.sh .ci/run packaging/initramfs/dracut/*.sh \
		packaging/initramfs/initramfs-tools/elfcast packaging/initramfs/mkinitcpio/install |
		xargs -0 -n 12 -P "$(nproc)" shellcheck -x -S warning || bad=1
	shellcheck -S warning -s dash packaging/initramfs/mkinitcpio/hook || bad=1
fi
if command -v clang-tidy >/dev/null && [ -n "${TIDY:-}" ]; then
	# shellcheck disable=SC2046 # a list of words
	find src -name '*.c' -exec clang-tidy --quiet {} + -- -std=gnu17 -D_GNU_SOURCE \
		-DELFCAST_VERSION='"0"' $(find src -type d -printf '-I%p ') -I/usr/include/json-c || bad=1
fi
exit $bad
