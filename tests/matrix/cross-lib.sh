# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Building for other processors with this machine's cross compilers and the libraries of Debian's
# packages for them, which are unpacked, not installed: no program of theirs runs. Sourced, with
# TOP; sets ROOTS and MIRROR.
#   cpu_of ARCHITECTURE          its compiler, its emulator, the suite to take libraries of
#   cross_root ARCHITECTURE      path of the libraries; kept below $ROOTS by a sum of what is in it
#   cross_build ARCHITECTURE DIRECTORY     all programs and those of the tests, warnings as errors
: "${TOP:?}"
ROOTS=${ROOTS:-/var/tmp/elfcast-roots}
# shellcheck disable=SC2016 # apt's own word
MIRROR=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' | head -n 1)}
CROSS_PACKAGES="libc6-dev libatomic1 libelf-dev libjson-c-dev libxxhash-dev zlib1g-dev libcmocka-dev"

cpu_of() { # Debian's name of an architecture
	case $1 in
	arm64) echo aarch64-linux-gnu aarch64 bookworm ;;
	armhf) echo arm-linux-gnueabihf arm bookworm ;;
	i386) echo i686-linux-gnu i386 bookworm ;;
	riscv64) echo riscv64-linux-gnu riscv64 trixie ;;
	ppc64el) echo powerpc64le-linux-gnu ppc64le bookworm ;;
	s390x) echo s390x-linux-gnu s390x bookworm ;;
	*) return 1 ;;
	esac
}

# What installing would have done: /lib; and links that lead there wherever the root is.
tidy_root() { # directory
	[ -e "$1/lib" ] || ln -s usr/lib "$1/lib"
	find "$1" -type l -lname '/*' -printf '%p %l\n' |
		while read -r link target; do ln -sfnr "$1$target" "$link"; done
}

# An index may be older than its date allows.
cross_root() { # architecture
	local compiler cpu suite root
	read -r compiler cpu suite <<<"$(cpu_of "$1")"
	: "$compiler" "$cpu"
	root=$ROOTS/cross-$suite-$1-$(sha256sum <<<"$CROSS_PACKAGES" | cut -c 1-12)
	mkdir -p "$ROOTS"
	if [ ! -e "$root" ]; then
		rm -rf "$root.new"
		mmdebstrap --quiet --variant=extract --mode=root --architectures="$1" \
			--aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
			--include="${CROSS_PACKAGES// /,}" "$suite" "$root.new" "$MIRROR" >&2 && tidy_root "$root.new" && mv "$root.new" "$root"
	fi
	[ -e "$root" ] && echo "$root"
}

# The libraries may want a newer libc than the compiler's own; they get that of the root.
cross_build() { # architecture directory
	local compiler cpu suite root
	read -r compiler cpu suite <<<"$(cpu_of "$1")"
	root=$(cross_root "$1") || return 1
	make -C "$TOP" -j"$(nproc)" CC="$compiler-gcc --sysroot=$root" AR="$compiler-ar" BUILD="$2" DEVELOPER=1 PKG_LIBS= \
		ELF_LIBS=-lelf JSON_LIBS=-ljson-c ZLIB_LIBS=-lz JSON_INC="-I$root/usr/include/json-c" \
		LDFLAGS=-Wl,--allow-shlib-undefined all test-programs
}
