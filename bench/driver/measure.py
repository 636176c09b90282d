"""Runs commands and measures them: wall time, processor time of the whole process tree, spreads."""
import resource
import statistics
import subprocess
import sys
import time
from typing import NamedTuple


class Measured(NamedTuple):
    seconds: float
    cpu_seconds: float  # User and system, of the command and of all that it waited for.
    output: str


def run(command, env=None):
    """Runs `command` (a list, or a string for bash) to its end; ends the benchmark when it fails."""
    words = ["bash", "-c", "set -o pipefail; " + command] if isinstance(command, str) else [str(w) for w in command]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    seconds, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{command if isinstance(command, str) else ' '.join(words)}\n"
                 f"exit {done.returncode}\n{done.stdout}{done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(seconds, cpu, done.stdout)


def spread(values, unit=1.0):
    """Median and range, rounded to three significant digits or more."""
    def rounded(value):
        value *= unit
        return round(value, 3 if abs(value) < 10 else 2 if abs(value) < 100 else 1)
    return {"median": rounded(statistics.median(values)), "min": rounded(min(values)), "max": rounded(max(values)),
            "runs": len(values)}


def ratios(ours, theirs):
    """The spread of the ratios within pairs."""
    return spread([a / b for a, b in zip(ours, theirs)])
