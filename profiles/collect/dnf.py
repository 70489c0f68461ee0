# SPDX-License-Identifier: LGPL-2.1-or-later
"""
A root of rpm packages, made and filled by this system's dnf with --installroot, and told by this system's
rpm: nothing of the root need know of either. The container is the same as machine.py's.
"""
import os
import shutil
import subprocess

from . import machine

BASE = ["bash", "coreutils", "dbus", "procps-ng", "shadow-utils", "systemd", "util-linux"]
DATABASES = ("usr/lib/sysimage/rpm", "var/lib/rpm")
# Scripts of packages want both; of our own devices they have none that does harm. All ends with dnf.
IN_NAMESPACE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-ec", """
    root=$1
    shift
    mkdir -p "$root/proc" "$root/dev"
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=755 dev "$root/dev"
    mknod -m 666 "$root/dev/null" c 1 3
    mknod -m 666 "$root/dev/zero" c 1 5
    mknod -m 666 "$root/dev/random" c 1 8
    mknod -m 666 "$root/dev/urandom" c 1 9
    exec "$@\"""", "sh")


def database(root):
    """Where a root has rpm's; None: nowhere."""
    for path in DATABASES:
        if any((root / path).glob("*")):
            return path
    return None


def program():
    return shutil.which("dnf") or shutil.which("dnf5")  # which Debian has by that name alone


class Roots:
    """What is installed in a root, as machine.Roots has it."""

    def __init__(self, root):
        self.root = root

    def _query(self, form):
        path = database(self.root)
        if not path:
            raise machine.MachineError(f"no database of rpm in '{self.root}'")
        if not shutil.which("rpm"):
            raise machine.MachineError("rpm is not there")
        done = subprocess.run(["rpm", "--root", self.root, "--dbpath", f"/{path}", "-qa", "--qf", form],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise machine.MachineError(f"rpm cannot read '{self.root / path}'")
        return [line.split("\t") for line in done.stdout.decode(errors="surrogateescape").split("\n") if line]

    def versions(self):
        return {name: (version, arch) for name, version, arch in
                self._query("%{NAME}\t%{VERSION}-%{RELEASE}\t%{ARCH}\n")}

    def owners(self):
        return {machine.merged(path): name for name, path in self._query("[%{=NAME}\t%{FILENAMES}\n]")}


class Container(machine.Container):
    kind = "rpm"
    roots = Roots

    def __init__(self, suite, work, elfcast, release=None, repos=None, root=None):
        super().__init__(suite, work, elfcast, root=root)
        self.release = release
        self.repos = repos and repos.absolute()
        self.rpms = work.absolute() / "rpms"

    def make_root(self):
        if self.root.exists():
            return
        new = self.work / "root.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        if not program():
            raise machine.MachineError("dnf is not there")
        if not self._dnf(new, "install", *BASE):
            raise machine.MachineError(f"dnf failed, see {self.log / 'packages'}")
        new.rename(self.root)

    def _dnf(self, root, verb, *words):
        """
        Its output goes to the log. Plugins of this system are not for the root; nor is the database where this
        system has it, which on Debian is a home directory.
        """
        home = self.work.absolute() / "home"
        home.mkdir(exist_ok=True)
        (home / ".rpmmacros").write_text(f"%_dbpath /{DATABASES[0]}\n")
        dnf = os.path.realpath(program())
        options = [f"--installroot={root.absolute()}", f"--releasever={self.release}", f"--setopt=reposdir={self.repos}",
                   "--setopt=install_weak_deps=False", "--setopt=keepcache=True"]
        options += ["--use-host-config"] if dnf.endswith("dnf5") else ["--setopt=plugins=False"]
        if verb == "download" and not dnf.endswith("dnf5"):  # a plugin's
            verb, words = "reinstall", ["--downloadonly", *words]
        command = [dnf, "-y", *options, verb, *words]
        with open(self.log / "packages", "ab") as log:
            log.write(("$ " + " ".join(command) + "\n").encode())
            log.flush()
            return subprocess.run([*IN_NAMESPACE, root, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                  start_new_session=True, env=dict(os.environ, HOME=str(home), LC_ALL="C.UTF-8")).returncode == 0

    def install(self, sets):
        have = self.installed.versions()
        wanted = [i for i, s in enumerate(sets) if not all(p in have for p in s)]
        return self._install(sets, wanted) if self.release else set(wanted)

    def _install_packages(self, packages):
        return self._dnf(self.root, "install", *packages)

    def fetch(self, packages):
        versions = self.installed.versions()
        names = {p: ".".join([f"{p}-{versions[p][0]}", versions[p][1], "rpm"]) for p in packages if p in versions}
        missing = [p for p in names if not (self.rpms / names[p]).exists()]
        if missing:
            self._dnf(self.root, "download", f"--destdir={self.rpms}", *(names[p][:-len(".rpm")] for p in missing))
        found = [self.rpms / n for n in names.values() if (self.rpms / n).exists()]
        return found, [p for p in names if not (self.rpms / names[p]).exists()]
