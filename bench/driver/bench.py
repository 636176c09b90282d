"""What the workloads share: programs, places, clusters."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from .inputs import Inputs
from .measure import run


class Bench:
    def __init__(self, options):
        self.options = options
        self.bin = pathlib.Path(options.bin).resolve()
        self.fanfold = self.bin / "fanfold"
        self.tiny = options.tiny
        self.inputs = Inputs(options.data, options.tiny)
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="fanfold-bench-", dir=self.inputs.data))
        self.environment = {name: value for name, value in os.environ.items() if name != "FANFOLD_MASTER"}
        self._outputs = 0

    def close(self):
        shutil.rmtree(self.work)

    def pairs(self, usual):
        """How many counted runs or pairs; one more comes first, to warm up."""
        return self.options.pairs or (1 if self.tiny else usual)

    def output(self):
        self._outputs += 1
        return self.work / f"out-{self._outputs}"

    def own_job(self, name):
        """A plugin of bench/jobs."""
        return self.bin.parent / "bench" / f"{name}.so"

    def job(self, job, inputs, out, flags=(), env=None, program=None):
        """`fanfold run` to its end."""
        flags = [*flags, *(self.options.flags or "").split()]
        return run([program or self.fanfold, "run", job, *inputs, "-o", out, "--quiet", *flags],
                   env=env or self.environment)

    @contextlib.contextmanager
    def cluster(self, *flags):
        """A standing cluster; gives the environment in which commands find it, and its directory."""
        directory = pathlib.Path(tempfile.mkdtemp(prefix="fanfold-bench-", dir="/tmp")) / "cluster"
        run([self.fanfold, "cluster", "up", "--dir", directory, *flags], env=self.environment)
        try:
            yield dict(self.environment, FANFOLD_MASTER=f"ipc://{directory}/master.sock"), directory
        finally:
            subprocess.run([self.fanfold, "cluster", "down", "--dir", directory], env=self.environment,
                           capture_output=True, check=False)
            shutil.rmtree(directory.parent, ignore_errors=True)
