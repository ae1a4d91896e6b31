"""Small programs for a container's own Python: how much memory it has left, and the end of a probe."""

from __future__ import annotations

from typing import Final

__all__ = ["END", "MEASURE"]

# What the group may still take (its file cache gives way), what its largest process holds, and the same of
# every GPU that the container is given: its driver puts nvidia-smi there, and counts in MiB.
MEASURE: Final = """
import glob, json, subprocess
def read(*names):
    for name in names:
        try:
            return open(name).read()
        except OSError:
            pass
    return ""
def number(text):
    return int(text) if text.strip().isdigit() else None
def field(text, name):
    return sum(int(row.split()[1]) for row in text.splitlines() if row.split()[:1] == [name])
def gpus():
    asked = ["nvidia-smi", "--query-gpu=memory.free,memory.used", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [row.split(",") for row in told.stdout.decode("utf-8", "replace").splitlines()]
    pairs = [[number(part) for part in row] for row in rows if len(row) == 2]
    return [[pair[0] << 20, pair[1] << 20] for pair in pairs if None not in pair]
group = "/sys/fs/cgroup/"
limit = number(read(group + "memory.max", group + "memory/memory.limit_in_bytes"))
used = number(read(group + "memory.current", group + "memory/memory.usage_in_bytes"))
stat = read(group + "memory.stat", group + "memory/memory.stat")
free = field(read("/proc/meminfo"), "MemAvailable:") * 1024 or None
if limit is not None and used is not None:
    left = limit - used + field(stat, "inactive_file") + field(stat, "active_file")
    free = left if free is None else min(free, left)
held = [field(read(name), "Pss:") * 1024 for name in glob.glob("/proc/[0-9]*/smaps_rollup")]
print(json.dumps({"free": free, "held": max(held, default=0), "gpus": gpus()}))
"""

# Ends what has the probe's token in its command, or the number that the probe told of itself if it still runs
# (a service may rename its process), and all that was started by that, or in its session.
END: Final = """
import os, sys
token, told, running = sys.argv[1].encode(), int(sys.argv[2]), sys.argv[3] == "1"
seen, doomed = {}, set()
for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            words = file.read()
        with open("/proc/%d/stat" % pid, "rb") as file:
            state, parent, _, session = file.read().rpartition(b")")[2].split()[:4]
    except OSError:
        continue
    if state != b"Z" and pid != os.getpid():
        seen[pid] = int(parent), int(session)
        if token in words or (running and pid == told):
            doomed.add(pid)
sessions = {pid for pid in doomed if seen[pid][1] == pid} | ({told} - {0})
more = doomed | {pid for pid in seen if seen[pid][1] in sessions}
while more:
    doomed |= more
    more = {pid for pid in seen if seen[pid][0] in doomed} - doomed
for pid in doomed:
    try:
        os.kill(pid, 9)
    except OSError:
        pass
"""
