"""Map output that goes to other workers: asked for when it is reduced, at once, or small segments at once."""
import hashlib
import json
import shutil
import sys

from .control import Workload
from .inputs import MIB
from .measure import ratios, run, spread

MODES = ("pull", "push", "hybrid")
SIZE = 256 * MIB
# As if each worker were on a host of its own; more partitions than slots.
FLAGS = ["--workers", "4", "--slots", "1", "--reducers", "16", "--shuffle-over-network"]
JOBS = {
    "word count": ("word_count", lambda inputs: [inputs.text(SIZE)]),
    "word count of Zipf words": ("word_count", lambda inputs: [inputs.zipf(SIZE)]),
    "sort": ("sort", lambda inputs: [inputs.records(SIZE)]),
    "join": ("join", lambda inputs: [f"{side}={path}" for side, path in zip(("left", "right"), inputs.tables(SIZE))]),
    "inverted index": ("inverted_index", lambda inputs: sorted(inputs.pieces(64, SIZE).iterdir())),
}


def digest_of(out):
    return hashlib.sha256(b"".join(part.read_bytes() for part in sorted(out.glob("part-*")))).hexdigest()


def shuffle(bench):
    """The modes in turn, so that whatever else the machine does hits them alike."""
    results = {}
    for name, (job, inputs) in JOBS.items():
        words, outputs = inputs(bench.inputs), set()
        seconds = {mode: [] for mode in MODES}
        early = {mode: [] for mode in MODES}
        for turn in range(bench.pairs(5) + 1):
            first = turn % len(MODES)
            for mode in MODES[first:] + MODES[:first]:
                out = bench.output()
                flags = [*FLAGS, "--split-bytes", "50K" if bench.tiny else "4M", "--shuffle", mode]
                measured = run([bench.fanfold, "run", job, *words, "-o", out, "--json", *flags],
                               env=bench.environment)
                told = json.loads(measured.output)["shuffle"]
                outputs.add(digest_of(out))
                shutil.rmtree(out)
                if turn > 0:
                    seconds[mode].append(measured.seconds)
                    early[mode].append(told["early_bytes"] / max(1, told["early_bytes"] + told["late_bytes"]))
        if len(outputs) != 1:
            sys.exit(f"shuffle: the outputs of {name} differ")
        results[name] = {mode: {"seconds": spread(seconds[mode]), "early": round(sum(early[mode]) / len(early[mode]), 2)}
                         for mode in MODES}
        better = [min(pair) for pair in zip(seconds["pull"], seconds["push"])]
        results[name]["hybrid against the better"] = ratios(seconds["hybrid"], better)
    return results


WORKLOADS = [Workload("shuffle", "five jobs by pull, push and hybrid, everything over sockets", "hybrid <= 1.1x the better",
                      shuffle)]
