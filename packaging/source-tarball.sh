#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The source tarball: what git knows, with changes that are not committed yet.
# Usage: source-tarball.sh VERSION OUTPUT.tar.gz
set -eu
cd "$(dirname "$0")/.."
# sudo make: root may read a repository that is the user's.
git() { command git -c safe.directory='*' -c user.name=x -c user.email=x "$@"; }

tree=$(git stash create 2>/dev/null) || tree=
git archive --format=tar.gz --prefix="elfcast-$1/" -o "$2" "${tree:-HEAD}"
