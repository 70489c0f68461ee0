#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What "elfcast compile" takes when some of many profiles are of other builds: not part of make check.
#   tests/bench-compile.sh OLD NEW [N [K]]
# OLD and NEW are roots of two releases (bench-retarget.sh makes such). NEW gets N profiles (500), K of
# them (50) as they were trained in OLD, with fingerprints, the others as in NEW: all of them out of the
# collection, so with its objects, under new names where it has fewer. Everything is warm; medians of
# ROUNDS (5) first compiles, and of those that have nothing to do. As root; NEW is not written to.
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-$TOP/build}
[ $# -ge 2 ] && [ "$(id -u)" = 0 ] || {
	echo "usage: ${0##*/} OLD NEW [N [K]], as root" >&2
	exit 1
}
[ -n "${BENCH_COMPILE_NS:-}" ] || BENCH_COMPILE_NS=1 exec unshare --mount --propagation private -- "$0" "$@"
work=$(mktemp -d) || exit 1
trap 'umount -l "$work/root" "$work"; rmdir "$work"' EXIT
trap 'exit 130' INT TERM
mount -t tmpfs tmpfs "$work" && mkdir "$work"/{root,upper,work} &&
	mount -t overlay -o "lowerdir=$2,upperdir=$work/upper,workdir=$work/work" overlay "$work/root" || exit 1
mkdir -p "$work/root/usr/share/elfcast/profiles.d"

python3 - "$TOP" "$BUILD" "$1" "$work/root" "${3:-500}" "${4:-50}" "${ROUNDS:-5}" <<'EOF'
import glob, json, os, resource, shutil, statistics, subprocess, sys, time
top, build, old, new, n, k, rounds = sys.argv[1:5] + [int(x) for x in sys.argv[5:]]

def ids(root, paths):
    files = [root + p for p in paths if os.path.isfile(root + p)]
    out = subprocess.run([build + "/tests/buildids"] + files, capture_output=True, text=True).stdout
    return {l.split(None, 2)[2][len(root):]: l.split()[0] for l in out.splitlines()}

collection = [json.load(open(f)) for f in sorted(glob.glob(top + "/profiles/collection/*.json"))]
# The fingerprints that they share are beside them; here each profile has its own.
shared = {o["build_id"]: o["fingerprint"] for f in glob.glob(top + "/profiles/evidence/*.json")
          for o in json.load(open(f))["objects"] if "fingerprint" in o}
for o in (o for p in collection for o in p["objects"] if o.get("build_id") in shared):
    o.setdefault("fingerprint", shared[o["build_id"]])
paths = sorted({o["path"] for p in collection for o in p["objects"] if "build_id" in o})
ids_of = {old: ids(old, paths), new: ids(new, paths)}

def of(profile, root):
    """What it has of the builds that are in the root."""
    return dict(profile, objects=[o for o in profile["objects"]
                                  if "build_id" not in o or ids_of[root].get(o["path"]) == o["build_id"]])

def n_changed(profile):
    return sum(ids_of[new].get(o["path"], o["build_id"]) != o["build_id"]
               for o in profile["objects"] if "fingerprint" in o)

stale = sorted((p for p in (of(p, old) for p in collection) if n_changed(p)), key=n_changed)[-k:]
exact = [p for p in (of(p, new) for p in collection) if any("build_id" in o for o in p["objects"])]
chosen = stale + [exact[i % len(exact)] for i in range(n - len(stale))]
directory = new + "/usr/share/elfcast/profiles.d/"

def install(keep_fingerprints):
    for i, p in enumerate(chosen):
        objects = [{key: v for key, v in o.items() if key != "fingerprint" or (keep_fingerprints and i < len(stale))}
                   for o in p["objects"]]
        with open("%sbench.p%d.json" % (directory, i), "w") as f:
            json.dump(dict(p, program="/usr/bin/p%d" % i, objects=objects), f)

def compile_all(first):
    if first:
        shutil.rmtree(new + "/var/lib/elfcast", ignore_errors=True)
    t = time.monotonic()
    out = subprocess.run([build + "/elfcast", "compile", "--json", "--storage=flash", "--root=" + new],
                         check=True, capture_output=True).stdout
    return (time.monotonic() - t) * 1000, json.loads(out)

def timed(label, first):
    runs = [compile_all(first) for _ in range(rounds + 1)][1:]
    times = sorted(t for t, _ in runs)
    print("%-44s %8.1f ms (%.1f-%.1f), at most %d MiB; %s" %
          (label, statistics.median(times), times[0], times[-1],
           resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10,
           {key: v for key, v in runs[-1][1].items() if key in ("compiled", "unchanged", "deferred")}))
    return statistics.median(times)

changed = {o["path"] for p in stale for o in p["objects"] if "fingerprint" in o and
           ids_of[new].get(o["path"], o["build_id"]) != o["build_id"]}
mib = sum(os.path.getsize(new + p) for p in changed) / (1 << 20)
print("%d profiles, %d of them with %d objects of other builds, which are %d files of %.0f MiB together" %
      (len(chosen), len(stale), sum(map(n_changed, stale)), len(changed), mib))
install(False)
without = timed("first compile, those left stale", True)
timed("nothing to do", False)
install(True)
with_ = timed("first compile, those retargeted", True)
timed("nothing to do", False)
print("retargeting: %.1f ms an object" % ((with_ - without) / max(1, sum(map(n_changed, stale)))))

once = {o["path"]: o for p in stale for o in p["objects"] if o["path"] in changed and "fingerprint" in o}
with open(new + "/once.json", "w") as f:
    json.dump({"elfcast": 1, "program": "/usr/bin/once", "arch": "x86_64", "objects": [once[p] for p in sorted(once)],
               "trained": {"runs": 1000, "window_ms": 1, "method": "uffd", "kernel": "6"}}, f)
times = []
for _ in range(rounds):
    t = time.monotonic()
    subprocess.run([build + "/elfcast", "retarget", "-q", "-o", "/dev/null", "--to=" + new, new + "/once.json"], check=True)
    times.append((time.monotonic() - t) * 1000)
print("each of these files once, by elfcast retarget: %.1f ms (%.1f-%.1f), %.1f ms a MiB" %
      (statistics.median(times), min(times), max(times), statistics.median(times) / mib))
EOF
