"""What it costs that a cluster explains itself: event log, hot keys, pages; and the memory of a master with many tasks."""
import contextlib
import hashlib
import json
import pathlib
import shutil
import socket
import sys
import threading
import urllib.request

from .control import Workload, spin
from .measure import ratios, spread

MEMORY_MAX_MIB = 200


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def silent_programs(bench):
    """A directory of the same programs whose master keeps no event log."""
    directory = bench.work / "silent"
    (directory / "bin").mkdir(parents=True)
    for name in ("lib", "include"):
        (directory / name).symlink_to(bench.bin.parent / name)
    # Programs look beside themselves, wherever a link leads.
    for name in ("fanfold", "fanfold-worker"):
        shutil.copy2(bench.bin / name, directory / "bin")
    master = directory / "bin/fanfold-master"
    master.write_text(f"""#!/usr/bin/env python3
import os, sys
words = sys.argv[1:]
if "--events" in words:
    at = words.index("--events")
    del words[at:at + 2]
os.execv({str(bench.bin / "fanfold-master")!r}, ["fanfold-master", *words])
""")
    master.chmod(0o755)
    return directory / "bin/fanfold"


@contextlib.contextmanager
def onlooker(port):
    """Somebody with the first page and the page of the job open, and a Prometheus: asks every second for as long as it lasts."""
    over = threading.Event()

    def look():
        while not over.wait(1):
            for path in ("", "jobs/1", "metrics"):
                # Before the master listens, and once it is gone, nobody answers.
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5).read()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def digest_of(out):
    return hashlib.sha256(b"".join(part.read_bytes() for part in sorted(out.glob("part-*")))).hexdigest()


def observability(bench):
    """Three ways in turn, so that whatever else the machine does hits them alike."""
    text, silent = bench.inputs.text(), silent_programs(bench)
    times, outputs = {"on": [], "watched": [], "off": []}, set()

    def one(way):
        out, program, flags, port = bench.output(), None, [], free_port()
        if way == "off":
            program, flags = silent, ["--no-hot-keys"]
        if way == "watched":
            flags = ["--http", str(port)]
        with onlooker(port) if way == "watched" else contextlib.nullcontext():
            times[way].append(bench.job("word_count", [text], out, flags, program=program))
        outputs.add(digest_of(out))
        shutil.rmtree(out)

    ways = list(times)
    for turn in range(bench.pairs(12) + 1):
        for way in ways[turn % 3:] + ways[:turn % 3]:
            one(way)
    if len(outputs) != 1:
        sys.exit(f"outputs differ: {outputs}")
    result = {}
    for way, runs in times.items():
        result[f"{way} seconds"] = spread([run.seconds for run in runs[1:]])
        result[f"{way} cpu seconds"] = spread([run.cpu_seconds for run in runs[1:]])
    for way in ("on", "watched"):
        for unit in ("seconds", "cpu_seconds"):
            result[f"{way}, ratio of {unit.replace('_', ' ')}"] = ratios(
                [getattr(run, unit) for run in times[way][1:]], [getattr(run, unit) for run in times["off"][1:]])
    return result


def resident_mib(process, which):
    for line in pathlib.Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(which + ":"):
            return int(line.split()[1]) / 1024
    sys.exit(f"process {process} does not say its {which}")


def master_memory(bench):
    """The most that a master ever had resident: with all tasks of a job done, then with its page looked at."""
    tasks, port = 1_000 if bench.tiny else 100_000, free_port()
    with bench.cluster("--workers", "1", "--slots", "2", "--http", str(port)) as (env, directory):
        master = json.loads((directory / "cluster.json").read_text())["master"]
        result = {"started MiB": round(resident_mib(master, "VmRSS"), 1)}
        spin(bench, tasks, 0, env)
        result[f"{tasks} tasks, most MiB"] = round(resident_mib(master, "VmHWM"), 1)
        done = 0
        while done < tasks:
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}/api/jobs/1", timeout=60).read()
            analysis = json.loads(page).get("analysis", {"stages": []})
            done = sum(stage["committed"] for stage in analysis["stages"] if stage["stage"] == "map")
        for path in ("jobs/1", "api/jobs/1/timeline", "api/jobs/1/attempts?count=500"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=60).read()
        result["with its page, most MiB"] = round(resident_mib(master, "VmHWM"), 1)
    for what in (f"{tasks} tasks, most MiB", "with its page, most MiB"):
        if result[what] > MEMORY_MAX_MIB:
            sys.exit(f"{what} is {result[what]}, more than {MEMORY_MAX_MIB}: {result}")
    return result


WORKLOADS = [
    Workload("observability", "word count of 1 GiB with event log and hot keys, watched by pages and metrics as well, "
             "against without any", "<= 1.02x", observability),
    Workload("master-memory", "the master of a job of 100,000 tasks, with its event log and its page", "< 200 MiB",
             master_memory),
]
