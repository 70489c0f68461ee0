# SPDX-License-Identifier: LGPL-2.1-or-later
"""dnf 4 plugin, optional: the package's file triggers do this already.

It is for transactions in which they do not run: tsflags=notriggers, and --installroot with
programs of another architecture, for which the host's elfcast compiles.
Install as python3-site-packages/dnf-plugins/elfcast.py.
"""
import os
import subprocess

import dnf

HOOK = ["/usr/bin/elfcast-hook"]
COMPILE = ["/usr/bin/elfcast", "compile", "--quiet"]
# The hook has a deadline of its own; this one is for a disk that hangs.
TIMEOUT_S = 30


class Elfcast(dnf.Plugin):
    name = "elfcast"

    def __init__(self, base, cli):
        super().__init__(base, cli)
        self.root = base.conf.installroot

    def transaction(self):
        if os.path.realpath(self.root) == "/":
            command = HOOK
        else:
            command = COMPILE + ["--root=" + self.root]
        try:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=TIMEOUT_S, check=False)
        except (OSError, subprocess.SubprocessError):
            pass  # a transaction never fails for us; the compile unit does the rest
