# SPDX-License-Identifier: LGPL-2.1-or-later
"""
A clean root and the container that runs it: systemd inside, no network, its /tmp in memory.

All mounts are made in a mount namespace of our own (make-collection takes care of that), all
processes in cgroups of our own, so that nothing is left however it ends.
"""
import contextlib
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import threading
import time

EXCHANGE = "/run/elfcast-collection"  # inside: elfcast itself, and what it writes
BASE = ["systemd", "systemd-sysv", "dbus", "procps", "libpam-systemd"]
DISPLAY = {"deb": ["xvfb", "x11-utils", "fonts-dejavu-core"],
           "rpm": ["xorg-x11-server-Xvfb", "xwininfo", "dbus-daemon", "dejavu-sans-fonts"]}
CGROUPS = [pathlib.Path(p) for p in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified",
                                     "/sys/fs/cgroup/systemd")]
APT = ["-q", "-y", "--no-remove", "-o", "APT::Install-Recommends=false", "-o", "Acquire::Check-Valid-Until=false",
       "-o", "APT::Keep-Downloaded-Packages=true", "-o", "APT::Sandbox::User=root",
       "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold",
       "-o", "Dpkg::Options::=--force-unsafe-io",
       "-o", "Dpkg::Use-Pty=false"]
BOOT_SECONDS = 180


class MachineError(Exception):
    pass


def merged(path):
    """/bin and its like as they are since the merge into /usr."""
    return "/usr" + path if path.startswith(("/bin/", "/sbin/", "/lib")) else path


class Roots:
    """What is installed in a root, by dpkg's own files: nothing of the root is run for that."""

    def __init__(self, root):
        self.root = root

    def versions(self):
        """Of installed packages: {name: (version, architecture)}."""
        found, name = {}, None
        status = self.root / "var/lib/dpkg/status"
        if not status.exists():
            return found
        for line in status.read_text(errors="replace").split("\n"):
            key, _, value = line.partition(": ")
            if key == "Package":
                name, installed, version, arch = value, False, "", ""
            elif key == "Status":
                installed = value.endswith(" installed")
            elif key == "Version":
                version = value
            elif key == "Architecture":
                arch = value
            elif not line and name and installed:
                found[name] = (version, arch)
        return found

    def owners(self):
        """{path: package}"""
        found = {}
        for lists in (self.root / "var/lib/dpkg/info").glob("*.list"):
            package = lists.name[:-len(".list")].partition(":")[0]
            for path in lists.read_text(errors="surrogateescape").split("\n"):
                found[merged(path)] = package
        return found


class Container:
    kind = "deb"
    roots = Roots

    def __init__(self, suite, work, elfcast, mirror=None, root=None):
        """ROOT: one that is there, in which nothing is installed."""
        self.suite = suite
        self.work = work
        self.root = root or work / "root"
        self.debs = work / "debs"
        self.exchange = work / "exchange"
        self.elfcast = elfcast
        self.mirror = mirror
        self.log = work / "log"
        self.installed = self.roots(self.root)
        self.nspawn = self.leader = None
        self.cgroups = []
        for path in (self.debs, self.exchange / "out", self.log):
            path.mkdir(parents=True, exist_ok=True)

    # ---- the root ----

    def make_root(self):
        """By mmdebstrap, unless it is there. An index may be older than its date allows."""
        if (self.root / "etc/debian_version").exists():
            return
        new = self.work / "root.new"
        shutil.rmtree(new, ignore_errors=True)
        with open(self.log / "mmdebstrap", "wb") as log:
            done = subprocess.run(
                ["mmdebstrap", "--quiet", "--variant=minbase", "--include=" + ",".join(BASE),
                 "--aptopt=Acquire::Check-Valid-Until \"false\"",
                 "--aptopt=APT::Install-Recommends \"false\"", self.suite, new, self.mirror],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        if done.returncode != 0:
            raise MachineError(f"mmdebstrap failed, see {log.name}")
        policy = new / "usr/sbin/policy-rc.d"  # services are started by recipes alone
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        new.rename(self.root)

    def _in_root(self, *command):
        """With network, nothing running; its output goes to the log."""
        with open(self.log / "packages", "ab") as log:
            log.write(("$ " + " ".join(command) + "\n").encode())
            log.flush()
            self._make_cgroups()
            try:
                return subprocess.run(
                    [*self._nspawn(), "--resolv-conf=replace-host", "--console=pipe",
                     f"--bind={self.debs}:/var/cache/apt/archives",
                     "--setenv=DEBIAN_FRONTEND=noninteractive", "--setenv=LC_ALL=C.UTF-8",
                     "--setenv=PATH=/usr/sbin:/usr/bin:/sbin:/bin", *command],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                    preexec_fn=self._enter_cgroups, env=self._environment()).returncode == 0
            finally:
                self._remove_cgroups()  # and whoever outlived nspawn

    def install(self, sets):
        """Each of SETS, lists of packages: which of them could not be installed, by index."""
        have = self.installed.versions()
        wanted = [i for i, s in enumerate(sets) if not all(p in have for p in s)]
        if not wanted:
            return set()
        if not (self.root / "etc/debian_version").exists() or not self.mirror:
            return set(wanted)
        self._in_root("dpkg", "--force-unsafe-io", "--configure", "-a")  # of a run that was interrupted
        self._in_root("apt-get", *APT, "update")
        failed = self._install(sets, wanted)
        self._in_root("dpkg", "--configure", "-a")
        return failed

    def _install(self, sets, some):
        """Those of SOME that fail: together, else each half of them."""
        packages = sorted({p for i in some for p in sets[i]})
        if not some or self._install_packages(packages):
            return set()
        if len(some) == 1:
            return set(some)
        half = len(some) // 2
        return self._install(sets, some[:half]) | self._install(sets, some[half:])

    def _install_packages(self, packages):
        return self._in_root("apt-get", *APT, "install", *packages)

    def fetch(self, packages):
        """The .deb of each installed package of that version: paths; and who is not to be had."""
        versions = self.installed.versions()
        names = {p: f"{p}_{versions[p][0].replace(':', '%3a')}_{versions[p][1]}.deb"
                 for p in packages if p in versions}
        missing = [p for p in names if not (self.debs / names[p]).exists()]
        for i in range(0, len(missing), 100):
            self._in_root("sh", "-c", "cd /var/cache/apt/archives && apt-get -q download \"$@\"",
                          "sh", *(f"{p}={versions[p][0]}" for p in missing[i:i + 100]))
        found = [self.debs / n for n in names.values() if (self.debs / n).exists()]
        return found, [p for p in names if not (self.debs / names[p]).exists()]

    # ---- the container ----

    def _nspawn(self):
        return ["systemd-nspawn", "-q", "--register=no", "--keep-unit", "-D", str(self.root)]

    @staticmethod
    def _environment():
        return dict(os.environ, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1")

    def _make_cgroups(self):
        for hierarchy in CGROUPS:
            if (hierarchy / "cgroup.procs").exists():
                cgroup = hierarchy / f"elfcast-collection-{os.getpid()}-{self.suite}"
                with contextlib.suppress(OSError):
                    cgroup.mkdir()
                    self.cgroups.append(cgroup)

    def _remove_cgroups(self):
        for cgroup in self.cgroups:
            _remove_cgroup(cgroup)
        self.cgroups = []

    def _enter_cgroups(self):
        for cgroup in self.cgroups:
            (cgroup / "cgroup.procs").write_text(str(os.getpid()))

    def boot(self):
        shutil.copy(self.elfcast, self.exchange / "elfcast")
        (self.exchange / "out").chmod(0o1777)
        self._make_cgroups()
        console = open(self.log / "console", "wb")
        self.nspawn = subprocess.Popen(
            [*self._nspawn(), "--private-network", "--console=read-only",
             "--system-call-filter=userfaultfd ptrace pidfd_getfd pidfd_open seccomp",
             f"--bind={self.exchange}:{EXCHANGE}", "--boot", "--", "--unit=basic.target"],
            stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True,
            preexec_fn=self._enter_cgroups, env=self._environment())
        console.close()
        end = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < end:
            if self.nspawn.poll() is not None:
                break
            self.leader = self._find_leader()
            if self.leader and self.run("systemctl", "is-system-running", "--wait",
                                        seconds=BOOT_SECONDS)[1].strip() in ("running", "degraded"):
                return
            time.sleep(0.1)
        raise MachineError(f"the container does not come up, see {self.log / 'console'}")

    def _find_leader(self):
        pid = self.nspawn.pid
        try:
            text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
        except OSError:
            return None
        return text.split()[0] if text.split() else None

    def kill(self):
        if self.nspawn and self.nspawn.poll() is None:
            self.nspawn.kill()
        self._remove_cgroups()

    def halt(self):
        """Whatever it does: its processes are killed, its cgroups removed."""
        if self.nspawn and self.nspawn.poll() is None:
            with contextlib.suppress(Exception):
                self.run("systemctl", "poweroff", "--no-wall", seconds=20)
                self.nspawn.wait(timeout=30)
        self.kill()
        if self.nspawn:
            self.nspawn.wait()
        self.nspawn = self.leader = None

    # ---- commands inside ----

    def _argv(self, command, environment, user, directory, seconds):
        argv = ["nsenter", "-t", self.leader, "--mount", "--uts", "--ipc", "--net", "--pid",
                "--cgroup", "--root", "--wd", "/usr/bin/env", "-i", "-C", directory,
                "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
                "LANG=C.UTF-8", "TERM=xterm-256color", *environment,
                "timeout", "--foreground", "-k", "5", str(seconds)]
        if user:
            argv += ["setpriv", "--reuid", user, "--regid", user, "--init-groups"]
        return [*argv, *command]

    def start(self, *command, environment=(), user=None, directory="/", seconds=60, **options):
        return subprocess.Popen(self._argv(command, environment, user, directory, seconds),
                                stdin=subprocess.DEVNULL, start_new_session=True, **options)

    def run(self, *command, **options):
        """(exit status, output and errors); killed after SECONDS: status 124."""
        with self.start(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                        **options) as process:
            output = process.stdout.read().decode(errors="replace")
        return process.returncode, output

    def start_in_terminal(self, *command, environment=(), user=None, directory="/", seconds=60):
        """With a terminal of its own, which is read to its end: (process, what was read)."""
        master, slave = pty.openpty()
        output = bytearray()
        process = subprocess.Popen(self._argv(command, environment, user, directory, seconds),
                                   stdin=slave, stdout=slave, stderr=slave,
                                   start_new_session=True, preexec_fn=_take_terminal)
        os.close(slave)

        def drain():
            with contextlib.suppress(OSError), open(master, "rb", buffering=0) as f:
                while data := f.read(65536):
                    output.extend(data)
        threading.Thread(target=drain, daemon=True).start()
        return process, output


def _take_terminal():
    import fcntl
    import termios
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _remove_cgroup(cgroup):
    for _ in range(100):
        for procs in cgroup.rglob("cgroup.procs"):
            with contextlib.suppress(OSError):
                for pid in procs.read_text().split():
                    os.kill(int(pid), signal.SIGKILL)
        for path in sorted(cgroup.rglob("*/"), reverse=True):
            with contextlib.suppress(OSError):
                path.rmdir()
        try:
            cgroup.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.1)
