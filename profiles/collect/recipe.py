# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Recipes: how one program is trained. The format is documented in profiles/README.md.

A recipe is strictly read: whatever is not understood is an error, FILE:LINE: MESSAGE.
"""
import re
import shlex

MAX_BYTES = 8192

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*\Z")
PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*\Z")
UNIT = re.compile(r"[A-Za-z0-9@:_.\\-]+\.service\Z")
USER = re.compile(r"[a-z_][a-z0-9_-]*\Z")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


class RecipeError(Exception):
    pass


def _words(text):
    try:
        return shlex.split(text)
    except ValueError as e:
        raise RecipeError(str(e).lower()) from None


def _matching(pattern, what):
    def check(text):
        if not pattern.match(text):
            raise RecipeError(f"'{text}' is not {what}")
        return text
    return check


def _each(check):
    def check_all(text):
        return [check(word) for word in _words(text)]
    return check_all


def _number(low, high):
    def check(text):
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise RecipeError(f"'{text}' is not a number from {low} to {high}")
        return int(text)
    return check


def _yes(text):
    if text != "yes":
        raise RecipeError(f"'{text}' is not 'yes'")
    return True


def _exit(text):
    return None if text == "never" else _number(0, 255)(text)


def _regex(text):
    try:
        return re.compile(text)
    except re.error as e:
        raise RecipeError(f"'{text}' is no regular expression: {e}") from None


def _variable(text):
    if not VARIABLE.match(text):
        raise RecipeError(f"'{text}' is not NAME=VALUE")
    return text


# What each key's value is turned into.
KEYS = {
    "packages": _each(_matching(PACKAGE, "the name of a package")),
    "command": _words,
    "program": _matching(re.compile(r"/\S+\Z"), "an absolute path"),
    "unit": _matching(UNIT, "the name of a service"),
    "scenario": _matching(NAME, "the name of a scenario"),
    "user": _matching(USER, "the name of a user"),
    "display": _yes,
    "terminal": _yes,
    "environment": _each(_variable),
    "setup": str,
    "setup-root": str,
    "exit": _exit,
    "expect": _regex,
    "shows": _regex,
    "runs": _number(1, 100),
    "window": _number(100, 60000),
    "needs": _each(_matching(NAME, "a word")),
    "suites": _each(_matching(NAME, "the name of a suite")),
}
REPEATED = ("setup", "setup-root")
NOT_OF_UNITS = ("command", "program", "user", "display", "terminal", "environment", "exit", "expect", "shows")


class Recipe:
    """What a recipe says for one suite, and the kind of its packages ("deb", "rpm")."""

    def __init__(self, name, suite, values, text):
        self.name = name
        self.text = text
        self.packages = values.get("packages", [])
        self.command = values.get("command")
        self.program = values.get("program")
        self.unit = values.get("unit")
        self.scenario = values.get("scenario", "default")
        self.user = values.get("user")
        self.display = values.get("display", False)
        self.terminal = values.get("terminal", False)
        self.environment = values.get("environment", [])
        self.setup = values.get("setup", [])
        self.setup_root = values.get("setup-root", [])
        self.exit = values.get("exit", 0)
        self.expect = values.get("expect")
        self.shows = values.get("shows")
        lasts = self.unit or self.exit is None  # each run takes the whole window
        self.runs = values.get("runs", 3 if lasts else 5)
        self.window = values.get("window")  # None: what the recorder takes
        self.needs = sorted(set(values.get("needs", [])))
        self.wanted = "suites" not in values or not set(suite).isdisjoint(values["suites"])


def _check_whole(values):
    if "packages" not in values:
        raise RecipeError("'packages' is missing")
    if ("command" in values) == ("unit" in values):
        raise RecipeError("there must be a 'command' or a 'unit', and not both")
    if "unit" in values:
        for key in NOT_OF_UNITS:
            if key in values:
                raise RecipeError(f"'{key}' makes no sense with 'unit'")
    elif not values["command"]:
        raise RecipeError("'command' is empty")
    if "shows" in values and "display" not in values:
        raise RecipeError("'shows' makes no sense without 'display'")
    if "display" in values and "terminal" in values:
        raise RecipeError("'display' and 'terminal' exclude each other")


class _Reader:
    """Gathers the values of one suite, line by line; checks those of other suites, too."""

    def __init__(self, suite):
        self.values = {"": {}, **{word: {} for word in suite}}  # the later are instead of the earlier
        self.seen = {}  # (key, suite): line

    def line(self, number, text):
        key, colon, value = text.partition(":")
        key, dot, suite = key.partition(".")
        value = value.strip()
        if not colon:
            raise RecipeError("this is not 'KEY: VALUE'")
        if key not in KEYS:
            raise RecipeError(f"unknown key '{key}'")
        if dot and not NAME.match(suite):
            raise RecipeError(f"'{suite}' is not the name of a suite")
        if not value:
            raise RecipeError(f"'{key}' is empty")
        before = self.seen.setdefault((key, suite), number)
        if before != number and key not in REPEATED:
            raise RecipeError(f"'{key}' is there since line {before}")
        parsed = KEYS[key](value)
        into = self.values.get(suite)
        if into is not None:
            if key in REPEATED:
                into.setdefault(key, []).append(parsed)
            else:
                into[key] = parsed


def parse(path, name, suite, data):
    """
    DATA, bytes of the file PATH, as a Recipe for SUITE, (kind of packages, name); RecipeError names
    PATH and line.
    """
    number = 0
    try:
        if len(data) > MAX_BYTES:
            raise RecipeError(f"{len(data)} bytes (at most {MAX_BYTES})")
        if not NAME.match(name):
            raise RecipeError("the file's name is not one of a recipe")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as e:
            raise RecipeError(f"byte {e.start} is not UTF-8") from None
        reader = _Reader(suite)
        for number, line in enumerate(text.split("\n"), 1):
            if any(ord(c) < 0x20 or ord(c) == 0x7f for c in line):
                raise RecipeError("a control character")
            if line.strip() and not line.startswith("#"):
                reader.line(number, line)
        values = {k: v for some in reader.values.values() for k, v in some.items()}
        number = 0
        _check_whole(values)
        return Recipe(name, suite, values, text)
    except RecipeError as e:
        raise RecipeError(f"{path}:{number}: {e}" if number else f"{path}: {e}") from None


def load(path, suite):
    with open(path, "rb") as f:
        return parse(path, path.name, suite, f.read(MAX_BYTES + 1))


def load_all(directory, suite):
    """All recipes of a directory, sorted; hidden files and backups are no recipes."""
    return [load(p, suite) for p in sorted(directory.iterdir())
            if not p.name.startswith(".") and not p.name.endswith("~")]
