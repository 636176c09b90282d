"""Workloads that are measured in pairs: Fanfold, then a yardstick on the same input, and again.

The output of every run of Fanfold is compared with what the yardstick wrote.
"""
import dataclasses
import shutil
import subprocess
import sys
from typing import Callable

from .inputs import GIB, MIB
from .measure import ratios, run, spread

# Text output escapes a backslash as two; words hold no other character that is escaped.
COUNTS = r"""{fanfold} cat {out} | LC_ALL=C sed 's/\\\\/\\/g'"""
PARTS = "cat {out}/part-*"
LITERAL = "fanout_listener"  # Rare in the kernel's sources; absent from synthetic text.


@dataclasses.dataclass
class Paired:
    name: str
    title: str
    goal: str
    job: list  # Name and flags.
    inputs: Callable  # Inputs -> paths
    yardstick: Callable  # (Inputs, paths, output) -> command
    canonical: str  # Shell command that prints {out} as the yardstick writes it.
    usual: int = 5

    def _yardstick(self, bench, paths, expected):
        command = self.yardstick(bench.inputs, paths, expected)
        return command if isinstance(command, str) else [str(word) for word in command]

    def _ours(self, bench, paths, expected, program=None):
        out, (job, *flags) = bench.output(), self.job
        inputs = [f"{tag}={path}" for tag, path in zip(("left", "right"), paths)] if job == "join" else paths
        measured = bench.job(job, inputs, out, flags, program=program)
        command = self.canonical.format(fanfold=bench.fanfold, out=out)
        same = subprocess.run(["bash", "-c", f"set -o pipefail; {command} | cmp - {expected}"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if same.returncode != 0:
            sys.exit(f"{self.name}: {out} differs from what the yardstick wrote: {same.stdout}")
        shutil.rmtree(out)
        return measured

    def measure(self, bench):
        paths, expected = [str(path) for path in self.inputs(bench.inputs)], bench.work / f"expected-{self.name}"
        against = bench.options.against
        first = run(self._yardstick(bench, paths, expected))
        other = bench.options.against_bin
        if other:
            def theirs():
                return self._ours(bench, paths, expected, program=f"{other}/fanfold")
        elif against == "none":
            theirs = None
        elif against:
            def theirs():
                return run(against.format(input=" ".join(paths), output=bench.work / "theirs"))
        else:
            def theirs():
                return run(self._yardstick(bench, paths, expected))
        ours, others = [], []
        for _ in range(bench.pairs(self.usual) + 1):
            if theirs:
                others.append(theirs())
            ours.append(self._ours(bench, paths, expected))
        expected.unlink()
        result = {"seconds": spread([one.seconds for one in ours[1:]]),
                  "cpu seconds": spread([one.cpu_seconds for one in ours[1:]])}
        if theirs:
            name = "other build" if other else against or "yardstick"
            result["against"] = name
            result["their seconds"] = spread([one.seconds for one in others[1:]])
            result["their cpu seconds"] = spread([one.cpu_seconds for one in others[1:]])
            result["ratio"] = ratios([one.seconds for one in ours[1:]], [one.seconds for one in others[1:]])
            result["cpu ratio"] = ratios([one.cpu_seconds for one in ours[1:]], [one.cpu_seconds for one in others[1:]])
        if not against and not other:
            result["first yardstick seconds"] = round(first.seconds, 3)
        return result


def program(name, *more):
    return lambda inputs, paths, out: [inputs.program(name), paths[0], out, *more]


def plain(mode, *more):
    return lambda inputs, paths, out: [inputs.program("plain"), mode, out, *paths, *more]


def grep(inputs, paths, out):
    return f"{inputs.program('grep')} {paths[0]} {LITERAL} 2 simd >{out}"


WORKLOADS = [
    Paired("wordcount", "word count, 1 GiB of real text", "<= 1.5x", ["word_count"],
           lambda inputs: [inputs.text()], program("wordcount"), COUNTS),
    Paired("wordcount-zipf", "word count, 1 GiB of Zipf words", "<= 1.5x", ["word_count"],
           lambda inputs: [inputs.zipf()], program("wordcount"), COUNTS),
    Paired("wordcount-unique", "word count, 256 MiB of almost unique words", "<= 2x", ["word_count"],
           lambda inputs: [inputs.unique_words(256 * MIB)], program("wordcount"), COUNTS),
    Paired("sort", "sort, 1 GB of 100-byte records", "<= 3x", ["sort"],
           lambda inputs: [inputs.records()], program("sort"), PARTS),
    Paired("sort-network", "the same, everything shuffled over sockets", "", ["sort", "--shuffle-over-network"],
           lambda inputs: [inputs.records()], program("sort"), PARTS),
    Paired("grep", "grep, a rare literal in 1 GiB of real text", "<= 1.5x and 100 ms",
           ["grep", "--param", f"pattern={LITERAL}", "--param", "prefix=none"],
           lambda inputs: [inputs.text()], grep, "cat {out}/part-* | wc -l"),
    Paired("index", "inverted index, 1 GiB of real text in 64 files", "< 1x the plain program", ["inverted_index"],
           lambda inputs: sorted(inputs.pieces(64, GIB).iterdir()), plain("index"),
           "LC_ALL=C sort -m {out}/part-*"),
    Paired("join", "join, two tables of 512 MiB", "< 1x the plain program", ["join"],
           lambda inputs: inputs.tables(), plain("join"), "LC_ALL=C sort -s -m -t $'\\t' -k1,1 {out}/part-*"),
    Paired("top-k", "the 100 most frequent words of 1 GiB of Zipf words", "< 1x the plain program",
           ["top_k", "--param", "k=100"], lambda inputs: [inputs.zipf()], plain("top_k", "100"), PARTS),
    Paired("distinct", "the different lines of 1 GiB, a fifth of all", "< 1x the plain program", ["distinct"],
           lambda inputs: [inputs.repeated_lines()], plain("distinct"), "LC_ALL=C sort -m {out}/part-*"),
]
