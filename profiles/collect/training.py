# SPDX-License-Identifier: LGPL-2.1-or-later
"""
One recipe in a container: set up, run as it is, trained, trained again.

A command runs as a user of its own, who has his home in /tmp, so that nothing of it is recorded.
A unit is started by systemd, with its user, environment, directories and sockets; a drop-in puts
"elfcast train" before the command of its ExecStart=, and takes away what forbids to trace.
"""
import json
import re
import shlex
import time

from . import machine, profile

# A container is not what units are for that wait for devices; none of that matters here.
CONDITIONS = ("[Unit]\nConditionVirtualization=\nAssertVirtualization=\n"
              "[Service]\nTimeoutStopSec=10\n")
# Filters of system calls would be the tracer's, too. Output is written below /run. Who told systemd
# that he is stopping, because the window is over, would have it stop the recorder.
DROP_IN = """[Service]
ExecStart=
ExecStart={command}
ExecStartPost=
ExecStop=
Restart=no
PIDFile=
TimeoutStartSec=infinity
WatchdogSec=0
NotifyAccess=none
SystemCallFilter=
SystemCallArchitectures=
RestrictAddressFamilies=
RestrictNamespaces=no
RestrictRealtime=no
RestrictSUIDSGID=no
LockPersonality=no
MemoryDenyWriteExecute=no
NoNewPrivileges=no
ReadWritePaths={exchange}
{type}"""
# A socket's descriptors are for the process that $LISTEN_PID names.
TAKE_SOCKETS = ("/bin/sh", "-c", "unset LISTEN_PIDFDID; export LISTEN_PID=$$$$; exec \"$$@\"", "sh")
MAX_WINDOW_MS = 30000  # the recorder's own
SETTLE_MS = 4000


class Failure(Exception):
    """Why a recipe has no profile."""


def last_line(text):
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    return lines[-1][:200] if lines else "no output"


class Training:
    def __init__(self, container, recipe, user, display, clean):
        self.container = container
        self.recipe = recipe
        self.trainer = user  # of this worker
        self.user = recipe.user or user
        self.display = display
        self.clean = clean  # of a profile: what does not belong to this machine
        self.home = f"/tmp/elfcast-trainer/{user}"
        self.environment = []
        self.out = None  # where the recorder writes

    def run(self):
        """(profile, what to report of it); raises Failure."""
        began = time.monotonic()
        try:
            self._set_up()
            (self._try_unit if self.recipe.unit else self._try_command)()
            first, second = self._train("a"), self._train("b")
        finally:
            self._tear_down()
        return first, {
            "program": first["program"],
            "scenario": first["scenario"],
            "pages": profile.n_pages(first),
            "objects": len(first["objects"]),
            "differs": round(profile.difference(first, second), 4),
            "differs_likely": round(profile.difference(first, second, likely=True), 4),
            "seconds": round(time.monotonic() - began, 1),
        }

    # ---- around it ----

    def _root(self, *command, **options):
        status, output = self.container.run(*command, **options)
        if status != 0:
            raise Failure(f"'{' '.join(command)}': status {status}: {last_line(output)}")
        return output

    def _set_up(self):
        self._root("sh", "-c", f"id {self.trainer} >/dev/null 2>&1 ||"
                   f" useradd -M -U -d {self.home} -s /bin/bash {self.trainer}")
        self.uid = self._root("id", "-u", self.user).strip()
        self.gid = self._root("id", "-g", self.user).strip()
        self._tear_down()
        runtime = f"/run/user/{self.uid}"
        self._root("install", "-d", "-m", "755", "/tmp/elfcast-trainer")
        for path in (self.home, runtime):
            self._root("install", "-d", "-m", "700", "-o", self.uid, "-g", self.gid, path)
        self.environment = [f"HOME={self.home}", f"USER={self.user}", f"LOGNAME={self.user}",
                            f"XDG_RUNTIME_DIR={runtime}", *self.recipe.environment]
        if self.recipe.display:
            self._start_display()
        for command in self.recipe.setup_root:
            self._set_up_by(command, None)
        for command in self.recipe.setup:
            self._set_up_by(command, self.user)

    def _set_up_by(self, command, user):
        status, output = self.container.run(
            "sh", "-ec", command, user=user, directory=self.home, seconds=300,
            environment=self.environment)
        if status != 0:
            raise Failure(f"setup '{command}': status {status}: {last_line(output)}")

    def _start_display(self):
        self.container.start("Xvfb", f":{self.display}", "-screen", "0", "1280x800x24",
                             "-nolisten", "tcp", user=self.user, seconds=3600,
                             environment=self.environment, stdout=-3, stderr=-3)
        self.environment.append(f"DISPLAY=:{self.display}")
        self._root("sh", "-c", "i=0; until [ -S /tmp/.X11-unix/X%d ]; do i=$((i + 1));"
                   " [ $i -lt 300 ] || exit 1; sleep 0.1; done" % self.display)
        bus = self._root("dbus-daemon", "--session", "--fork", "--print-address", "--nopidfile",
                         user=self.user, environment=self.environment)
        self.environment.append(f"DBUS_SESSION_BUS_ADDRESS={bus.split()[0]}")

    def _tear_down(self):
        """Whatever runs of it is killed; the home is gone."""
        if self.recipe.unit:
            self.container.run("systemctl", "stop", self.recipe.unit)
            self.container.run("rm", "-rf", self._drop_in_dir())
        self._kill()
        self.container.run("rm", "-rf", self.home)

    def _kill(self, *spared, how="KILL"):
        """All that runs of it, told by the home in its environment; but what is called SPARED."""
        self.container.run("sh", "-c", f"""
            for p in /proc/[0-9]*; do
                tr '\\0' '\\n' <$p/environ | grep -qxF 'HOME={self.home}' || continue
                case " {' '.join(spared)} " in *" $(cat $p/comm) "*) ;; *) kill -{how} ${{p#/proc/}} ;; esac
            done 2>/dev/null""")
        if not spared:
            self.container.run("pkill", "-KILL", "-U", self.trainer)

    # ---- as it is ----

    def _start(self, command, user, seconds):
        options = {"environment": self.environment, "directory": self.home, "seconds": seconds,
                   "user": user}
        if self.recipe.terminal:
            return self.container.start_in_terminal(*command, **options)
        log = self.container.exchange / f"{self.trainer}.out"
        with open(log, "wb") as f:
            return self.container.start(*command, stdout=f, stderr=f, **options), log

    @staticmethod
    def _output(where):
        data = bytes(where) if isinstance(where, bytearray) else where.read_bytes()
        return data.decode(errors="replace")

    def _try_command(self):
        """It ends with the status that is expected, or goes on and shows its window."""
        r = self.recipe
        process, output = self._start(r.command, self.user, 120)
        if r.exit is None:
            self._wait_until_up(process, output)
            self._end(process)
        elif process.wait() != r.exit:
            raise Failure(f"exits with status {process.returncode} in place of {r.exit}: "
                          f"{last_line(self._output(output))}")
        if r.expect and not r.expect.search(self._output(output)):
            raise Failure(f"does not print '{r.expect.pattern}': "
                          f"{last_line(self._output(output))}")

    def _wait_until_up(self, process, output):
        """
        For a window as long as it takes, and then until all is there that the first start leaves
        behind: caches of fonts, of shaders, of what was compiled.
        """
        r = self.recipe
        end = time.monotonic() + (60 if r.shows else 0)
        is_up = not r.shows
        while not is_up and time.monotonic() < end:
            self._must_go_on(process, output)
            is_up = r.shows.search(self._windows())
            time.sleep(0.3)
        if not is_up:
            raise Failure(f"shows no window '{r.shows.pattern}', but "
                          f"{', '.join(self._windows().split(chr(10))) or 'none'}")
        end = time.monotonic() + (r.window or SETTLE_MS) / 1000
        while time.monotonic() < end:
            self._must_go_on(process, output)
            time.sleep(0.3)

    def _must_go_on(self, process, output):
        if process.poll() is not None:
            raise Failure(f"ends with status {process.returncode} and should go on: "
                          f"{last_line(self._output(output))}")

    def _windows(self):
        tree = self.container.run("xwininfo", "-root", "-tree", user=self.user,
                                  environment=self.environment)[1]
        return "\n".join(re.findall(r'^ +0x[0-9a-f]+ "(.+?)": \(', tree, re.M))

    def _end(self, process):
        """What was started for a look: as the recorder ends it."""
        # "timeout" would pass it on to Xvfb.
        self._kill("Xvfb", "dbus-daemon", "timeout", how="TERM")
        end = time.monotonic() + 3
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.1)
        self._kill("Xvfb", "dbus-daemon")
        process.wait()

    def _try_unit(self):
        unit = self.recipe.unit
        self._drop_in("conditions", CONDITIONS)
        status, output = self.container.run("systemctl", "start", unit, seconds=90)
        state = self._show("ActiveState")
        if status != 0 or state not in ("active", "inactive"):
            log = self.container.run("journalctl", "-q", "-n", "3", "-o", "cat", "-u", unit)[1]
            raise Failure(f"{unit} does not start: {last_line(log or output)}")
        self.container.run("systemctl", "stop", unit)

    def _show(self, what, is_empty=False):
        """Of the unit; empty, unless that can be, is what systemctl says during a reload."""
        for _ in range(50):
            value = self.container.run("systemctl", "show", "-P", what, self.recipe.unit)[1].strip()
            if value or is_empty:
                break
            time.sleep(0.2)
        return value

    # ---- recorded ----

    def _train(self, which):
        r = self.recipe
        self.out = self.container.exchange / "out" / f"{r.name}.{which}.json"
        self.out.unlink(missing_ok=True)
        options = ["-n", str(r.runs), f"--scenario={r.scenario}", "--portable=sizes",
                   "-o", f"{machine.EXCHANGE}/out/{self.out.name}"]
        if r.program:
            options.append(f"--program={r.program}")
        if r.window:
            options.append(f"--window={r.window}")
        command = [f"{machine.EXCHANGE}/elfcast", "train", *options]
        message = (self._train_unit if r.unit else self._train_command)(command)
        try:
            text = self.out.read_bytes()
        except OSError:
            raise Failure(f"not recorded: {last_line(message)}") from None
        p = json.loads(text)
        if profile.canonical(p) != text:
            raise Failure("the text of elfcast's profile is not what we take for canonical")
        return self.clean(p)

    def _train_command(self, command):
        r = self.recipe
        if r.terminal:
            command.append("-i")
        if r.exit:
            command.append("--allow-failed")
        as_user = ["SUDO_UID=" + self.uid, "SUDO_GID=" + self.gid]
        if self.uid == "0":
            as_user = []
        process, output = self._start(["env", *as_user, *command, "--", *r.command], None,
                                      self._seconds())
        status = process.wait()
        text = self._output(output)
        if status != 0:
            bad = re.search(r"run \d+ (exited with|was killed).*(\n.*\| .*)*", text)
            raise Failure(f"not recorded: {' '.join(bad.group().split()) if bad else last_line(text)}")
        return text

    def _seconds(self):
        """By when the recorder should have ended, be the machine ever so busy."""
        return self.recipe.runs * ((self.recipe.window or MAX_WINDOW_MS) // 1000 + 20)

    def _drop_in_dir(self):
        return f"/run/systemd/system/{self.recipe.unit}.d"

    def _drop_in(self, name, text):
        self._root("install", "-d", self._drop_in_dir())
        self._root("sh", "-c", f"printf %s {shlex.quote(text)} >"
                   f"{self._drop_in_dir()}/zz-elfcast-{name}.conf")
        self._root("systemctl", "daemon-reload")

    def _train_unit(self, command):
        unit = self.recipe.unit
        start = self._exec_start()
        program = start.split()[0]
        if self._has_sockets():
            start = " ".join(_quoted(w) for w in TAKE_SOCKETS) + " " + start
        full = " ".join(map(_quoted, [*command, f"--program={program}"])) + " -- " + start
        kind = "" if self._show("Type") == "oneshot" else "Type=exec\n"
        text = DROP_IN.format(command=full, type=kind, exchange=machine.EXCHANGE)
        self._drop_in("train", text)
        self.container.run("systemctl", "restart", unit, seconds=self._seconds())
        self._wait_for_recorder(self._seconds())
        message = self.container.run("journalctl", "-q", "-n", "20", "-o", "cat", "-t", "elfcast",
                                     "-u", unit)[1]
        self._drop_in("train", "")
        self.container.run("systemctl", "stop", unit)
        return message

    def _has_sockets(self):
        sockets = [s for s in self._show("TriggeredBy", is_empty=True).split()
                   if s.endswith(".socket")]
        return bool(sockets) and self.container.run("systemctl", "is-active", "-q", *sockets)[0] == 0

    def _wait_for_recorder(self, seconds):
        """Until it has written, or the unit is over; a socket may start the unit again at once."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.out.exists():
            state = self._show("ActiveState"), self._show("SubState")
            if state[0] in ("inactive", "failed") or state[1] == "exited":
                return
            time.sleep(0.2)

    def _exec_start(self):
        """As the unit's files have it: systemd itself knows its quotes and variables."""
        text = self._root("systemctl", "cat", self.recipe.unit).replace("\\\n", " ")
        found = []
        for line in text.split("\n"):
            key, _, value = line.partition("=")
            if key.strip() == "ExecStart":
                found = [*found, value.strip()] if value.strip() else []
        if len(found) != 1:
            raise Failure(f"{self.recipe.unit} has {len(found)} lines ExecStart=")
        prefix, start = re.match(r"([-@:+!|]*)(.*)", found[0]).groups()
        if "@" in prefix:  # the second word is argv[0]
            start = re.sub(r"^(\S+)\s+\S+", r"\1", start)
        return start


def _quoted(word):
    """For systemd, which expands $ and %."""
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return word if re.fullmatch(r"[A-Za-z0-9_./=:,+-]+", word) else f'"{word}"'
