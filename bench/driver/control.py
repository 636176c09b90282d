"""Workloads of the control plane: starting, dispatching, many small files, many partitions."""
import dataclasses
import json
import re
import shutil
import statistics
import sys
import time
from typing import Callable

from .inputs import GIB, MIB
from .measure import ratios, run, spread


@dataclasses.dataclass
class Workload:
    name: str
    title: str
    goal: str
    measure: Callable


def manifest_of(out):
    return json.loads((out / "_SUCCESS").read_text())


def check_small(out):
    words = dict(line.split("\t") for part in sorted(out.glob("part-*")) for line in part.read_text().splitlines())
    if words.get("quick") != "24" or not manifest_of(out):
        sys.exit(f"wrong result in {out}")
    shutil.rmtree(out)


def small_jobs(bench, usual, env=None):
    text, runs = bench.inputs.small_file(), []
    for _ in range(bench.pairs(usual) + 1):
        out = bench.output()
        runs.append(bench.job("word_count", [text], out, env=env))
        check_small(out)
    return {"milliseconds": spread([one.seconds for one in runs[1:]], 1000),
            "cpu milliseconds": spread([one.cpu_seconds for one in runs[1:]], 1000)}


def cold(bench):
    return small_jobs(bench, 21)


def warm(bench):
    with bench.cluster("--workers", "2", "--slots", "1") as (env, _):
        return small_jobs(bench, 31, env)


def spin(bench, tasks, us, env, flags=()):
    """A job of `tasks` one-byte splits, each of one empty line; gives the manifest too."""
    out = bench.output()
    measured = bench.job(bench.own_job("spin"), [bench.inputs.empty_lines(tasks)], out,
                         ["--split-bytes", "1", "-r", "1", "--param", f"us={us}", *flags], env=env)
    manifest = manifest_of(out)
    if manifest["run"]["map_tasks"] != tasks or manifest["input_records"] != tasks:
        sys.exit(f"{tasks} tasks were wanted: {manifest}")
    shutil.rmtree(out)
    return measured, manifest


def noop(bench):
    result = {}
    for tasks in (100, 200) if bench.tiny else (1_000, 10_000, 100_000, 1_000_000):
        with bench.cluster("--workers", "1", "--slots", "2") as (env, _):
            spin(bench, 100, 0, env)
            runs = [spin(bench, tasks, 0, env)[0].seconds for _ in range(bench.pairs(1 if tasks > 100_000 else 3))]
        result[f"{tasks} tasks"] = {"seconds": spread(runs), "tasks per second": spread([tasks / one for one in runs])}
    return result


def percentile(counts, share):
    """Of `counts`, how many by upper bound."""
    wanted, seen = share * sum(counts.values()), 0
    for bound, count in sorted(counts.items()):
        seen += count
        if seen >= wanted:
            return bound
    sys.exit("nothing was counted")


def dispatch(bench):
    """How long a slot waits between the end of a task and the start of its next."""
    tasks, runs = 200 if bench.tiny else 50_000, []
    with bench.cluster("--workers", "1", "--slots", "2") as (env, _):
        for _ in range(bench.pairs(5) + 1):
            measured, manifest = spin(bench, tasks, 100, env, ["--param", "turns=1"])
            turns = {int(name.removeprefix("turn_us_")): count for name, count in manifest["counters"].items()}
            runs.append((measured.seconds, percentile(turns, 0.5), percentile(turns, 0.99), percentile(turns, 0.999)))
    seconds, middle, high, highest = zip(*runs[1:])
    return {"tasks per second": spread([tasks / one for one in seconds]), "wait of a slot, milliseconds": spread(middle, 0.001),
            "99th percentile": spread(high, 0.001), "99.9th percentile": spread(highest, 0.001)}


def files(bench):
    """The floor, opening and reading every file once, is left out of the ratio."""
    directory, whole = bench.inputs.small_files(200 if bench.tiny else 100_000)
    floor, many, single = [], [], []
    for _ in range(bench.pairs(5) + 1):
        floor.append(run([bench.inputs.program("open_files"), directory]).seconds)
        outputs = [bench.output(), bench.output()]
        many.append(bench.job("word_count", [directory], outputs[0], ["-r", "2"]).seconds)
        single.append(bench.job("word_count", [whole], outputs[1], ["-r", "2"]).seconds)
        for part in outputs[0].glob("part-*"):
            if part.read_bytes() != (outputs[1] / part.name).read_bytes():
                sys.exit(f"{part} differs from the one of {outputs[1]}")
        for out in outputs:
            shutil.rmtree(out)
    less = [a - f for a, f in zip(many, floor)]
    return {"seconds": spread(many[1:]), "one file seconds": spread(single[1:]), "floor seconds": spread(floor[1:]),
            "ratio": ratios(less[1:], single[1:])}


def partitions(bench):
    """A join, as it has no combiner: everything is shuffled.  Outputs are compared as sets of lines.
    The floor is what as many durable files of as many bytes cost by themselves, and what they do when nothing is done for them."""
    tables = bench.inputs.tables(GIB)
    size = sum(path.stat().st_size for path in tables)
    shapes = {"few": (8, size // 16 + 1), "many": (200 if bench.tiny else 10_000, size // (50 if bench.tiny else 1_000) + 1)}
    times, sums, floors = {name: [] for name in shapes}, set(), {"floor": [], "bare floor": []}

    def rest():
        # ext4 without a journal passes over the inodes of files that were deleted within the last minute, one by one.
        time.sleep(0 if bench.tiny else 65)

    for _ in range(bench.pairs(3) + 1):
        for name, (parts, split) in shapes.items():
            out = bench.output()
            inputs = [f"{tag}={path}" for tag, path in zip(("left", "right"), tables)]
            rest()
            times[name].append(bench.job("join", inputs, out, ["-r", str(parts), "--split-bytes", str(split)]).seconds)
            if len(list(out.glob("part-*"))) != parts:
                sys.exit(f"{parts} parts were wanted in {out}")
            listed = f"find {out} -name 'part-*' -print0 | sort -z | xargs -0 cat >{bench.work}/all"
            run(f"{listed}; {bench.inputs.program('plain')} lines {bench.work}/sum {bench.work}/all")
            sums.add((bench.work / "sum").read_text())
            written = sum(path.stat().st_size for path in out.glob("part-*"))
            shutil.rmtree(out)
        for name, flags in (("floor", []), ("bare floor", ["bare"])):
            out = bench.output()
            rest()
            floors[name].append(run([bench.inputs.program("write_files"), out, shapes["many"][0], written, *flags]).seconds)
            shutil.rmtree(out)
    if len(sums) != 1:
        sys.exit(f"many partitions hold other lines than few: {sums}")
    return {f"{name} seconds": spread(values[1:]) for name, values in (times | floors).items()} | {
        "ratio": ratios(times["many"][1:], times["few"][1:])}


def hot(bench):
    """How much longer than the median reduce the longest takes."""
    words, log, skews, sizes = bench.inputs.hot(), bench.work / "events", [], []
    for _ in range(bench.pairs(5) + 1):
        out, times = bench.output(), []
        bench.job("word_count", [words], out, ["-r", "16", "--events", log])
        for line in log.read_text().splitlines():
            event = json.loads(line)
            if event["event"] == "attempt.ended" and event["task"].startswith("reduce-"):
                times.append(event["time"] - event["started"])
            elif event["event"] == "keys.measured":
                sizes.append(max(event["partition_bytes"]) / statistics.median(event["partition_bytes"]))
        if len(times) != 16 or not manifest_of(out):
            sys.exit(f"16 reduces were wanted: {times}")
        skews.append(max(times) / statistics.median(times))
        shutil.rmtree(out)
        log.unlink()
    return {"longest reduce / median": spread(skews[1:]), "largest partition / median, as emitted": spread(sizes[1:])}


def shared(bench):
    """A partition with most of the keys: its reduce alone, and shared."""
    words, log, result = bench.inputs.zipf(), bench.work / "events", {}
    for name, flag in (("alone", "off"), ("shared", "1M")):
        skews, stages = [], []
        for _ in range(bench.pairs(5) + 1):
            out, times = bench.output(), []
            bench.job(bench.own_job("tenant_words"), [words], out,
                      ["-r", "8", "--hot-partitions", flag, "--events", log])
            for line in log.read_text().splitlines():
                event = json.loads(line)
                if event["event"] == "attempt.ended" and event["task"].startswith("reduce-"):
                    times.append(event["time"] - event["started"])
                elif event["event"] == "stage.ended" and event["stage"] == "reduce":
                    stages.append(event["elapsed_us"] / 1e6)
            skews.append(max(times) / statistics.median(times))
            shutil.rmtree(out)
            log.unlink()
        result[name + ", reduces, seconds"] = spread(stages[1:])
        result[name + ", longest reduce / median"] = spread(skews[1:])
    return result


def scatter(bench):
    """From request to answer, the whole command, one at a time."""
    shards = bench.inputs.shards(16)
    ways = {"search of shards": (["--to", "search", "--param", "query=be not", "--rank", "$.value", "--top", "10"], 10),
            "a program for each": (["--", "echo", "{}"], 16)}
    result = {}
    with bench.cluster("--workers", "2", "--slots", "8") as (env, _):
        for name, (words, answers) in ways.items():
            seconds = []
            for _ in range(bench.pairs(100) + 5):
                asked = run([bench.fanfold, "scatter", *shards, *words], env=env)
                if len(asked.output.splitlines()) != answers:
                    sys.exit(f"{answers} answers were wanted:\n{asked.output}")
                seconds.append(asked.seconds)
            late = sorted(seconds[5:])
            result[name + ", milliseconds"] = spread(late, 1000)
            result[name + ", 95th percentile"] = spread([late[len(late) * 95 // 100]], 1000)
    return result


WORKLOADS = [
    Workload("cold", "fanfold run on a 1 KiB file: cluster start, job, durable output, teardown", "<= 80 ms", cold),
    Workload("warm", "the same job on a running cluster", "<= 10 ms", warm),
    Workload("noop", "map tasks that do nothing, one master, two slots", ">= 20,000 a second, flat", noop),
    Workload("dispatch", "time between two tasks of a slot, tasks of 100 us, one master, two slots",
             "p99 <= 5 ms at 10,000 a second", dispatch),
    Workload("files", "word count of 100,000 files of 1 KiB against one file of the same bytes",
             "<= 1.3x, opening left out", files),
    Workload("partitions", "join of 1 GiB, 10,000 partitions x 1,000 maps against 8 x 16", "<= 2x", partitions),
    Workload("hot", "word count of 1 GiB of Zipf words with 1.2, 16 reduces: skew of their times", "<= 2", hot),
    Workload("shared", "word count by tenant of 1 GiB, 8 reduces, of which one has 6 of 10 keys", "", shared),
    Workload("scatter", "fanfold scatter to 16 targets on a running cluster of 16 slots", "", scatter),
]
