#!/usr/bin/env python3
"""large_log.py FILE TASKS: the event log of a job that ended, with TASKS maps on 400 slots and hostile names."""
import json
import random
import sys

HOSTILE = "</script><img src=x onerror=\"window.broken=1\"><script>window.broken=1</script>'&"
SLOTS, WORKERS = 20, 20
START = 1_795_773_662_000_000


def main():
    file, tasks = open(sys.argv[1], "w"), int(sys.argv[2])
    source = random.Random(7)
    reduces = max(1, tasks // 1000)

    def tell(time, event, **fields):
        file.write(json.dumps({"event": event, "time": START + time, **fields}, separators=(",", ":")) + "\n")

    tell(0, "job.submitted", version=1, job=1, name="large " + HOSTILE, user=HOSTILE, plugin="/" + HOSTILE,
         inputs_count=1, inputs=["/in/" + HOSTILE], output="/out/" + HOSTILE)
    tell(1000, "job.planned", maps=tasks, reduces=reduces, sample=False, input_bytes=tasks << 20, memory_bytes=0,
         notes=[HOSTILE])
    names = [f"host{number}/{HOSTILE}" if number == 0 else f"host{number}/1" for number in range(WORKERS)]
    for name in names:
        tell(1000, "worker.joined", worker=name, host=name, process=1, slots=SLOTS)
    free = [1000] * (SLOTS * WORKERS)
    number = 0
    ends = []
    for stage, count in (("map", tasks), ("reduce", reduces)):
        begin = max(free)
        free = [begin] * len(free)
        tell(begin, "stage.started", stage=stage, tasks=count)
        for index in range(count):
            slot = index % len(free)
            attempt = 1
            while True:
                number += 1
                ran = int(source.lognormvariate(12, 0.5)) * (20 if source.random() < 0.0005 else 1)
                failed = attempt == 1 and source.random() < 0.002
                line = dict(task=f"{stage}-{index}", attempt=attempt, id=str(number), worker=names[slot // SLOTS],
                            outcome="failed" if failed else "committed", assigned=START + free[slot],
                            started=START + free[slot])
                free[slot] += ran
                if failed:
                    line.update(cause="exception", message=f"bad record {number}: {HOSTILE}", charged=True,
                                record_file="/in/" + HOSTILE, record_offset=number, key=HOSTILE)
                else:
                    line.update(records_in=ran // 10, bytes_in=ran, records_out=ran // 20, bytes_out=ran // 2,
                                peak_rss_bytes=ran * 100)
                ends.append((free[slot], line))
                if not failed:
                    break
                attempt += 1
        ends.sort(key=lambda one: one[0])
        for time, line in ends:
            tell(time, "attempt.ended", **line)
        ends = []
        tell(max(free), "stage.ended", stage=stage, tasks=count, elapsed_us=max(free) - begin)
        if stage == "map":
            tell(max(free), "keys.measured", bytes=tasks << 20, partition_bytes=[tasks << 14] * 64,
                 keys=[dict(key=f'"{number} {HOSTILE}"', partition=number % 64, bytes=(tasks << 19) >> number)
                       for number in range(16)])
    tell(max(free) + 5000, "job.ended", job=1, state="succeeded", reason="", elapsed_us=max(free) + 5000,
         failed_attempts=0, lost_attempts=0, speculative_attempts=0, output_bytes=1, output_records=1, output_files=1,
         counters={HOSTILE: 5})


main()
