"""Other systems on the same work.  Each is optional: what is not installed is named, not failed over.

Each peer says how to do a job; the answers are compared as sorted lines with those of Fanfold.
"""
import importlib.util
import shlex
import shutil
import sys

from .inputs import GIB
from .measure import run, spread

# The white space of word_count; what is left of an indented line starts with an empty word.
COUNT = (r"-F'[ \t\v\f\r]+' "
         r"""'{ for (i = 1; i <= NF; i++) n[$i]++ } END { for (w in n) if (w != "") print w "\t" n[w] }'""")
SUM = "-F'\\t' '{ n[$1] += $2 } END { for (w in n) print w \"\\t\" n[w] }'"

# Lines as they are: a delimiter that no line has, and no marks of any kind.
LINES = r"""read_csv('{input}', columns={{'line': 'VARCHAR'}}, delim=e'\x01\x02\x03', quote='', escape='', comment='',
                          header=false, auto_detect=false, strict_mode=false, max_line_size=100000000)"""
DUCKDB = {
    "wordcount": rf"""
        COPY (SELECT word, count(*) FROM (
            SELECT unnest(string_split_regex(line, '[ \t\v\f\r]+')) AS word FROM {LINES})
          WHERE word != '' GROUP BY word) TO '{{output}}' (DELIMITER '\t', QUOTE '', ESCAPE '', HEADER false)""",
    "sort": rf"""
        COPY (SELECT line FROM {LINES} ORDER BY line)
        TO '{{output}}' (DELIMITER e'\x01', QUOTE '', ESCAPE '', HEADER false)""",
}
SPARK = {
    "wordcount": r"""
lines.select(explode(split('value', '[ \t\x0b\f\r]+')).alias('word')).where("word != ''").groupBy('word').count() \
    .select(concat_ws('\t', 'word', 'count')).write.text('{output}')""",
    "sort": "lines.orderBy('value').write.text('{output}')",
}


def duckdb(work, path, out):
    statement = DUCKDB[work].format(input=path, output=out)
    program = f"import duckdb; c = duckdb.connect(); c.execute('SET threads=2'); c.execute(r'''{statement}''')"
    return [sys.executable, "-c", program], f"cat {out}"


def spark(work, path, out):
    program = ("from pyspark.sql import SparkSession\n"
               "from pyspark.sql.functions import concat_ws, explode, split\n"
               "session = SparkSession.builder.master('local[2]').config('spark.driver.memory', '8g')"
               ".config('spark.ui.enabled', 'false').config('spark.sql.shuffle.partitions', '8').getOrCreate()\n"
               "session.sparkContext.setLogLevel('ERROR')\n"
               f"lines = session.read.text('{path}')\n" + SPARK[work].format(output=out) +
               # Waits for Java, so that its processor time counts.
               "\ngateway = session.sparkContext._gateway\n"
               "session.stop()\n"
               "gateway.shutdown()\n"
               "gateway.proc.stdin.close()\n"
               "gateway.proc.wait()\n")
    return [sys.executable, "-c", program], f"cat {out}/part-*"


def hadoop(work, path, out):
    mapper, reducer = ("mawk " + COUNT, "mawk " + SUM) if work == "wordcount" else ("cat", "cat")
    return (f"hadoop jar \"$HADOOP_HOME\"/share/hadoop/tools/lib/hadoop-streaming-*.jar -input {path} -output {out} "
            f"-mapper {shlex.quote(mapper)} -reducer {shlex.quote(reducer)}"), f"cat {out}/part-*"


def sort(work, path, out):
    if work == "sort":
        return f"LC_ALL=C sort --parallel=2 -S 4G {path} >{out}", f"cat {out}"
    return (f"LC_ALL=C tr -s ' \\t\\v\\f\\r' '\\n' <{path} | LC_ALL=C sort --parallel=2 -S 4G | uniq -c | "
            f"mawk '$2 != \"\" {{ print $2 \"\\t\" $1 }}' >{out}"), f"cat {out}"


def mawk(work, path, out):
    if work == "sort":
        return None
    return f"LC_ALL=C mawk {COUNT} {path} >{out}", f"cat {out}"


def parallel(work, path, out):
    if work == "sort":
        return (f"parallel -j2 --pipepart -a {path} --block -2 --tmpdir {out.parent} --files 'LC_ALL=C sort -S 2G' | "
                f"LC_ALL=C parallel -Xj1 sort -m {{}} ';' rm {{}} >{out}"), f"cat {out}"
    return (f"LC_ALL=C parallel -j2 --pipepart -a {path} --block -2 {shlex.quote('mawk ' + COUNT)} | "
            f"LC_ALL=C mawk {SUM} >{out}"), f"cat {out}"


PEERS = {"sort": ("GNU sort", sort, "sort"), "mawk": ("mawk", mawk, "mawk"),
         "parallel": ("GNU parallel", parallel, "parallel"), "duckdb": ("DuckDB, 2 threads", duckdb, None),
         "pyspark": ("Spark local[2]", spark, None), "hadoop": ("Hadoop streaming", hadoop, "hadoop")}
NAMES = list(PEERS)
WORKS = {"wordcount": ("word_count", lambda inputs: inputs.text(GIB)),
         "sort": ("sort", lambda inputs: inputs.records(1_000_000_000))}


def installed(name):
    program = PEERS[name][2]
    return shutil.which(program) is not None if program else importlib.util.find_spec(name) is not None


def digest(command):
    return run(f"{command} | LC_ALL=C sort -S 2G --parallel=2 | md5sum").output


def remove(out):
    if out.is_dir():
        shutil.rmtree(out)
    else:
        out.unlink()


def measure(bench, names):
    """Three runs of each (one when tiny), taken in turn with Fanfold's."""
    unknown = [name for name in names if name not in PEERS]
    if unknown:
        sys.exit(f"unknown peer '{unknown[0]}' (known: {', '.join(NAMES)})")
    result = {}
    for work, (job, make) in WORKS.items():
        path, rows = make(bench.inputs), {}
        ours = []
        for name in names:
            if not installed(name):
                rows[PEERS[name][0]] = "not installed"
                continue
            out = bench.work / f"peer-{name}"
            command = PEERS[name][1](work, path, out)
            if command is None:
                continue
            theirs = []
            for _ in range(bench.pairs(1)):
                theirs.append(run(command[0]))
                own = bench.output()
                ours.append(bench.job(job, [path], own))
                canonical = f"cat {own}/part-*" + (r" | sed 's/\\\\/\\/g'" if work == "wordcount" else "")
                if digest(canonical) != digest(command[1]):
                    sys.exit(f"{work}: {PEERS[name][0]} and Fanfold disagree")
                shutil.rmtree(own)
                remove(out)
            rows[PEERS[name][0]] = {"seconds": spread([one.seconds for one in theirs]),
                                    "cpu seconds": spread([one.cpu_seconds for one in theirs])}
        result[work] = {"Fanfold": {"seconds": spread([one.seconds for one in ours]),
                                    "cpu seconds": spread([one.cpu_seconds for one in ours])}, **rows} if ours else rows
    return result


def table(result):
    lines = ["| work | system | seconds | against Fanfold | cpu seconds |", "|---|---|---|---|---|"]
    for work, rows in result.items():
        for name, row in rows.items():
            if isinstance(row, str):
                lines.append(f"| {work} | {name} | {row} | | |")
                continue
            median = row["seconds"]["median"]
            ratio = median / rows["Fanfold"]["seconds"]["median"]
            lines.append(f"| {work} | {name} | {median:.2f} | {ratio:.1f}x | {row['cpu seconds']['median']:.2f} |")
    return "\n".join(lines)
