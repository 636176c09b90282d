"""Writes the measured parts of docs/performance.md, between its marks, and the plots."""
import re
import shutil
import subprocess

from . import control, pairs, peers, scale

MARKED = re.compile(r"(<!-- measured: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def figure(value, unit=""):
    if not isinstance(value, dict):
        return str(value)
    if value["runs"] == 1:
        return f"{value['median']:,}{unit}"
    return f"**{value['median']:,}{unit}** ({value['min']:,}–{value['max']:,})"


def origin(results, names):
    """Where the figures of a table come from; usually one line."""
    lines = {}
    for name in names:
        if name in results:
            entry = results[name]
            key = f"{entry['machine']}; commit {entry['commit']}, {entry['date']}"
            lines.setdefault(key, []).append(f"`{entry['command']}`")
    return [f"Measured on {key}: {', '.join(commands)}." for key, commands in lines.items()]


def table(head, rows):
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *["| " + " | ".join(row) + " |" for row in rows]]


def control_plane(results):
    rows = []
    for workload in control.WORKLOADS:
        entry = results.get(workload.name)
        if entry is None:
            continue
        result = entry["result"]
        if workload.name == "noop":
            measured = "; ".join(f"{name}: {figure(one['tasks per second'], '/s')}" for name, one in result.items())
        else:
            measured = "; ".join(f"{name}: {figure(value)}" for name, value in result.items())
        rows.append([workload.title, measured, workload.goal])
    if not rows:
        return []
    plotted = ["", "![Tasks per second against the number of tasks](plots/noop.svg)"] if "noop" in results else []
    return table(["what", "measured: median (range)", "goal"], rows) + [""] + origin(
        results, [workload.name for workload in control.WORKLOADS]) + plotted


def data_path(results):
    rows = []
    for workload in pairs.WORKLOADS:
        entry = results.get(workload.name)
        if entry is None:
            continue
        result = entry["result"]
        rows.append([workload.title, figure(result["seconds"], " s"), figure(result["their seconds"], " s"),
                     figure(result["ratio"], "x"), f"{result['cpu seconds']['median']} s",
                     figure(result["cpu ratio"], "x"), workload.goal])
    return table(["workload", "Fanfold", "yardstick", "ratio within pairs", "processor time", "its ratio", "goal"], rows) + [
        ""] + origin(results, [workload.name for workload in pairs.WORKLOADS])


def scaling(results):
    lines = []
    for name, title in (("workers", "workers"), ("sizes", "bytes")):
        if name not in results:
            continue
        result = results[name]["result"]
        rows = [[key, figure(one["seconds"], " s"), f"{one['cpu seconds']['median']} s",
                 figure(one["MB/s"]) if "MB/s" in one else ""] for key, one in result.items()]
        lines += table(["job", "time", "processor time", "MB/s"], rows) + ["", f"![Time against {title}](plots/{name}.svg)", ""]
    for name, head in (("memory", "job, 8 GiB with `--memory 256M`"), ("group", "job")):
        if name in results:
            ratio = "per byte against 1 GiB"
            lines += table([head, "seconds", "MB/s", ratio, "largest processes, MiB"],
                           [[job, figure(one["seconds"]), str(one["MB/s"]), f"{one[ratio]}x" if ratio in one else "",
                             ", ".join(one["largest processes, MiB"])]
                            for job, one in results[name]["result"].items()]) + [""]
    return lines + origin(results, ["workers", "sizes", "memory", "group"])


def other_systems(results):
    if "peers" not in results:
        return []
    return [peers.table(results["peers"]["result"]), "", *origin(results, ["peers"])]


def hosts(results):
    if "hosts" not in results:
        return []
    rows = [[name, figure(value, " s")] for name, value in results["hosts"]["result"].items()]
    return table(["what", "measured: median (range)"], rows) + [""] + origin(results, ["hosts"])


def shuffle(results):
    if "shuffle" not in results:
        return []
    rows = []
    for job, one in results["shuffle"]["result"].items():
        modes = [f"{figure(mode['seconds'], ' s')}, {mode['early']:.0%} early" if mode["early"] else
                 figure(mode["seconds"], " s") for mode in (one["pull"], one["push"], one["hybrid"])]
        rows.append([job, *modes, figure(one["hybrid against the better"], "x")])
    return table(["job", "pull", "push", "hybrid", "hybrid against the better of the two, in turn"], rows) + [""] + origin(
        results, ["shuffle"])


SECTIONS = {"hosts": hosts, "shuffle": shuffle, "control": control_plane, "data": data_path, "scaling": scaling, "peers": other_systems}


def plot(path, settings, curves):
    """Writes an SVG; without gnuplot there is none, and it is said."""
    if shutil.which("gnuplot") is None:
        print(f"gnuplot is not installed, so {path} is not drawn")
        return
    blocks, plots = [], []
    for i, (title, style, points) in enumerate(curves):
        blocks.append(f"$curve{i} << EOD\n" + "\n".join(f"{x} {y}" for x, y in points) + "\nEOD")
        plots.append(f"$curve{i} using 1:2 with {style} title '{title}'")
    script = "\n".join(["set terminal svg size 720,400 font 'sans,12' background 'white'", f"set output '{path}'",
                        "set grid", "set key left top", *settings, *blocks, "plot " + ", ".join(plots)])
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def curves_of(result, x_of, y_of):
    curves = {}
    for key, one in result.items():
        curves.setdefault(key.split(",")[0], []).append((x_of(key, one), y_of(one)))
    return [(name, "linespoints lw 2 pt 7", points) for name, points in curves.items()]


def draw(results, directory):
    directory.mkdir(parents=True, exist_ok=True)
    if "workers" in results:
        curves = curves_of(results["workers"]["result"], lambda key, one: key.split(",")[1].split()[0],
                           lambda one: one["seconds"]["median"])
        plot(directory / "workers.svg", ["set xlabel 'workers of one slot, on two cores'", "set ylabel 'seconds, 1 GiB'",
                                         "set yrange [0:*]", "set xtics (1, 2, 4)"], curves)
    if "sizes" in results:
        curves = curves_of(results["sizes"]["result"], lambda key, one: one["bytes"] / (1 << 20),
                           lambda one: one["MB/s"]["median"])
        plot(directory / "sizes.svg", ["set xlabel 'input, MiB'", "set ylabel 'MB/s'", "set logscale x 2",
                                       "set yrange [0:*]"], curves)
    if "noop" in results:
        points = [(key.split()[0], one["tasks per second"]["median"]) for key, one in results["noop"]["result"].items()]
        plot(directory / "noop.svg", ["set xlabel 'map tasks of the job'", "set ylabel 'tasks per second'", "set logscale x 10",
                                      "set yrange [0:*]"], [("no-op map tasks, two slots", "linespoints lw 2 pt 7", points)])


def write(results, template, docs):
    """`template` is the document with its marks; what stands between them is replaced."""
    docs.mkdir(parents=True, exist_ok=True)
    text = MARKED.sub(lambda mark: mark.group(1) + "\n".join(["", *SECTIONS[mark.group(2)](results), ""]) + mark.group(3),
                      template.read_text())
    (docs / "performance.md").write_text(text)
    draw(results, docs / "plots")
