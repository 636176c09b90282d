"""Inputs with fixed seeds, made once and kept in the data directory, and the programs that make them."""
import os
import pathlib
import shutil
import subprocess
import tempfile

YARDSTICKS = pathlib.Path(__file__).resolve().parent.parent / "yardsticks"
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

LINUX_TEXT = r"""
apt-get download -qq linux-source-6.1 >/dev/null && dpkg-deb -x linux-source-6.1_*.deb x &&
tar xf x/usr/src/linux-source-6.1.tar.xz && find linux-source-6.1 -type f \
  \( -name '*.c' -o -name '*.h' -o -name '*.rst' -o -name '*.txt' \) -print0 | LC_ALL=C sort -z |
xargs -0 cat 2>/dev/null >text; head -c SIZE text >cut && [ "$(stat -c %s cut)" -eq SIZE ]
"""


class Inputs:
    """`tiny`: inputs of at most a mebibyte, and synthetic text in place of the kernel's sources."""

    def __init__(self, data, tiny):
        self.data = pathlib.Path(data).resolve()
        self.data.mkdir(parents=True, exist_ok=True)
        self.tiny = tiny

    def size(self, usual):
        return min(usual, MIB) if self.tiny else usual

    def make(self, name, write):
        """The path of `name`, made by write(temporary path) when it is not there; warm in the page cache."""
        path = self.data / ("tiny-" + name if self.tiny else name)
        if not path.exists():
            work = pathlib.Path(tempfile.mkdtemp(prefix="making-", dir=self.data))
            try:
                write(work / "made")
                try:
                    (work / "made").rename(path)
                except OSError:  # Somebody else made the same directory meanwhile.
                    if not path.exists():
                        raise
            finally:
                shutil.rmtree(work)
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            subprocess.run(["cat", file], stdout=subprocess.DEVNULL, check=True)
        return path

    def program(self, name):
        """A yardstick, compiled for this very machine."""
        source, program = YARDSTICKS / f"{name}.cpp", self.data / f"program-{name}"
        newest = max(path.stat().st_mtime for path in (source, YARDSTICKS / "vectors.hpp"))
        if not program.exists() or program.stat().st_mtime < newest:
            new = self.data / f"program-{name}.{os.getpid()}"
            subprocess.run(["g++", "-O3", "-march=native", "-std=c++20", "-pthread", source, "-o", new], check=True)
            new.rename(program)
        return program

    def generated(self, kind, amount):
        return self.make(f"{kind}-{amount}", lambda path: subprocess.run(
            [self.program("generate"), kind, path, str(amount)], check=True))

    def text(self, size=GIB):
        """Real text: the sources and documents of Linux 6.1 (Debian package linux-source-6.1)."""
        size = self.size(size)

        def write(path):
            if self.tiny:
                lines = "".join(f"word{i % 977} and word{i * 7919 % 10007} on line {i}\n" for i in range(size // 24))
                path.write_text(lines[:size])
            elif size > GIB:
                with open(path, "wb") as file:
                    for _ in range(size // GIB):
                        subprocess.run(["cat", self.text()], stdout=file, check=True)
            elif size < GIB:
                with open(path, "wb") as file:
                    subprocess.run(["head", "-c", str(size), self.text()], stdout=file, check=True)
            else:
                with tempfile.TemporaryDirectory(dir=path.parent) as work:
                    subprocess.run(["bash", "-c", LINUX_TEXT.replace("SIZE", str(size))], cwd=work, check=True)
                    (pathlib.Path(work) / "cut").rename(path)
        return self.make(f"text-{size}", write)

    def zipf(self, size=GIB):
        return self.generated("zipf", self.size(size))

    def hot(self, size=GIB):
        """Words of which the most frequent is a fifth of all: Zipf with 1.2."""
        return self.generated("hot", self.size(size))

    def unique_words(self, size=256 * MIB):
        return self.generated("uniq", self.size(size))

    def records(self, size=1_000_000_000):
        """Printable records of 100 bytes, newline included."""
        return self.generated("teratxt", self.size(size) // 100)

    def repeated_lines(self, size=GIB):
        return self.generated("lines", self.size(size))

    def tables(self, size=GIB):
        """Two tables of key-TAB-value rows, half of `size` each, whose keys meet about once."""
        return [self.generated(side, self.size(size) // 2) for side in ("left", "right")]

    def pieces(self, count, size=GIB):
        """The text in `count` files."""
        def write(path):
            path.mkdir()
            subprocess.run(["split", "-n", f"l/{count}", "-d", "-a", "3", "--additional-suffix=.txt", self.text(size),
                            path / "piece-"], check=True)
        return self.make(f"pieces-{count}-{self.size(size)}", write)

    def small_files(self, count):
        """`count` files of 1 KiB, a line each, and one file of the same bytes."""
        def write(path):
            path.mkdir()
            with open(self.text(), "rb") as text:
                for i in range(count):
                    block = text.read(1023).ljust(1023, b"x").replace(b"\n", b" ").replace(b"\r", b" ")
                    (path / f"{i:06}.txt").write_bytes(block + b"\n")

        def write_whole(path):
            with open(path, "wb") as whole:
                for file in sorted(directory.iterdir()):
                    whole.write(file.read_bytes())
        directory = self.make(f"files-{count}", write)
        return directory, self.make(f"whole-{count}", write_whole)

    def empty_lines(self, count):
        return self.make(f"empty-lines-{count}", lambda path: path.write_bytes(b"\n" * count))

    def shards(self, count):
        """`count` indexes for the job `search`, of 200 documents each."""
        def write(path):
            path.mkdir()
            for shard in range(count):
                (path / f"{shard}.tsv").write_text("".join(
                    f"doc{shard}-{doc}\tbe\t{doc * 7919 % 1000 / 1000}\ndoc{shard}-{doc}\tnot\t0.5\n" for doc in range(200)))
        return sorted(self.make(f"shards-{count}", write).iterdir())

    def small_file(self):
        line = "the quick brown fox jumps over the lazy dog\n"
        return self.make("small.txt", lambda path: path.write_text((line * 24)[:KIB]))
