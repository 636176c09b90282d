"""How time grows: with workers, with bytes, with data beyond memory."""
import json
import pathlib
import shutil
import subprocess
import sys
import time

from .control import Workload, manifest_of
from .inputs import GIB, MIB
from .measure import run, spread

KIND = {"word count": ("word_count", lambda inputs, size: inputs.text(size)),
        "sort": ("sort", lambda inputs, size: inputs.records(size))}


def timed_job(bench, job, path, flags=()):
    out = bench.output()
    measured = bench.job(job, [path], out, flags)
    manifest = manifest_of(out)
    shutil.rmtree(out)
    return measured, (manifest["records"], manifest["bytes"])


def workers(bench):
    result = {}
    for name, (job, make) in KIND.items():
        path, outputs = make(bench.inputs, GIB), set()
        for count in (1, 2, 4):
            runs = []
            for _ in range(bench.pairs(3) + 1):
                measured, output = timed_job(bench, job, path, ["--workers", str(count), "--slots", "1"])
                runs.append(measured)
                outputs.add(output)
            result[f"{name}, {count} workers"] = {"seconds": spread([one.seconds for one in runs[1:]]),
                                                  "cpu seconds": spread([one.cpu_seconds for one in runs[1:]])}
        if len(outputs) != 1:
            sys.exit(f"{name}: outputs differ between numbers of workers: {outputs}")
    return result


def sizes(bench):
    result = {}
    for name, (job, make) in KIND.items():
        for size in (MIB // 4, MIB // 2) if bench.tiny else [64 * MIB << step for step in range(8)]:
            path = make(bench.inputs, size)
            runs = [timed_job(bench, job, path)[0] for _ in range(bench.pairs(3 if size < GIB else 1))]
            amount = path.stat().st_size
            result[f"{name}, {size // MIB or size / MIB} MiB"] = {
                "bytes": amount, "seconds": spread([one.seconds for one in runs]),
                "cpu seconds": spread([one.cpu_seconds for one in runs]),
                "MB/s": spread([amount / 1e6 / one.seconds for one in runs])}
    return result


def status_of(process):
    try:
        return dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    except (OSError, ValueError):
        return {}  # It ended meanwhile.


def peak_memory(command, env):
    """Runs `command`; gives its seconds and the largest resident sets, in MiB, of it and its descendants."""
    peaks, start = {}, time.monotonic()
    running = subprocess.Popen([str(word) for word in command], env=env)
    while running.poll() is None:
        statuses = {path.name: status_of(path) for path in pathlib.Path("/proc").glob("[0-9]*")}
        family = {str(running.pid)}
        for process in sorted(statuses, key=int):  # Parents are older than their children.
            if statuses[process].get("PPid", "").strip() in family:
                family.add(process)
        for process in family:
            fields = statuses.get(process, {})
            if "VmHWM" in fields:
                peaks[process] = (int(fields["VmHWM"].split()[0]) // 1024, fields["Name"].strip())
        time.sleep(0.02)
    if running.returncode != 0:
        sys.exit(f"{command}: exit {running.returncode}")
    return time.monotonic() - start, sorted(peaks.values(), reverse=True)[:4]


def check_parts(bench, job, path, out):
    """In order, and for a sort the lines of the input; of the rest the ledger of the run says that nothing is missing."""
    run([bench.fanfold, "verify", out])
    run(f"for part in {out}/part-*; do LC_ALL=C sort -c -t $'\\t' -k1,1 $part; done")
    if job != "sort":
        return
    sums = set()
    for listed in (str(path), f"{out}/part-*"):
        run(f"cat {listed} >{bench.work}/all; {bench.inputs.program('plain')} lines {bench.work}/sum {bench.work}/all")
        sums.add((bench.work / "sum").read_text())
    (bench.work / "all").unlink()
    if len(sums) != 1:
        sys.exit(f"{out} holds other lines than {path}: {sums}")


def memory(bench):
    """Input that is many times the memory of an executor."""
    result = {}
    for name, (job, make) in KIND.items():
        per_byte = {}
        for size in (GIB, 8 * GIB):
            path, out = make(bench.inputs, size), bench.output()
            seconds, largest = peak_memory([bench.fanfold, "run", job, path, "-o", out, "--quiet", "--memory", "256M"],
                                           bench.environment)
            check_parts(bench, job, path, out)
            shutil.rmtree(out)
            per_byte[size] = seconds / path.stat().st_size
        result[name] = {"seconds": spread([seconds]), "MB/s": round(path.stat().st_size / 1e6 / seconds, 1),
                        "per byte against 1 GiB": round(per_byte[8 * GIB] / per_byte[GIB], 2),
                        "largest processes, MiB": [f"{who} {peak}" for peak, who in largest]}
    return result


def group(bench):
    """All lines as values of one key: count, bytes and a digest of their order must not depend on the memory."""
    path, results, measured = bench.inputs.text(5 * GIB), {}, {}
    for memory in ("256M", "4G"):
        out = bench.output()
        seconds, largest = peak_memory([bench.fanfold, "run", bench.own_job("one_group"), path, "-o", out, "--quiet",
                                        "-r", "1", "--memory", memory], bench.environment)
        results[memory] = "".join(part.read_text() for part in out.glob("part-*"))
        shutil.rmtree(out)
        measured[f"one group of 5 GiB, `--memory {memory}`"] = {
            "seconds": spread([seconds]), "MB/s": round(path.stat().st_size / 1e6 / seconds, 1),
            "largest processes, MiB": [f"{who} {peak}" for peak, who in largest]}
    ends, returns, last = (int(text) for text in run(
        f"wc -l <{path}; grep -c $'\\r$' {path} || true; tail -c 1 {path} | grep -cv '^$' || true").output.split())
    wanted = f"{ends + last},{path.stat().st_size - ends - returns},"
    for memory, result in results.items():
        if not result.startswith(f"all\t{wanted}") or result != results["4G"]:
            sys.exit(f"with --memory {memory} the group adds up to {result}, not {wanted}...")
    return measured


def hosts(bench):
    """tests/hosts/hosts_bench does it, and checks each output; as a test it is run alone (hosts.bench)."""
    if bench.tiny:
        return {}
    program = bench.bin.parent / "tests/hosts_bench"
    if not program.exists():
        sys.exit(f"{program} is not there: build the target hosts_bench")
    size = 256
    done = subprocess.run(["unshare", "--map-root-user", "--mount", program, str(size)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    found = json.loads(done.stdout)
    result = {name: spread(found[name]) for name in ("to add a worker to a running job", "until a dead host is missed",
                                                     "until what ran there runs again")}
    for count, seconds in found["words"].items():
        result[f"word count of {size} MiB, {count} host{'s' if count != '1' else ''}"] = spread(seconds)
    return result


WORKLOADS = [
    Workload("hosts", "1, 2 and 4 hosts as network namespaces: to add one, to lose one, to count words on them",
             "<= 1 s to add one", hosts),
    Workload("workers", "1 GiB with 1, 2 and 4 workers of one slot", "", workers),
    Workload("sizes", "64 MiB to 8 GiB", "", sizes),
    Workload("memory", "8 GiB with --memory 256M", "resident set <= 282 MiB, <= 1.5x the time per byte of 1 GiB", memory),
    Workload("group", "one group of 5 GiB through one reducer", "streams: resident set <= 282 MiB", group),
]
