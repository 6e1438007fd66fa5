"""The figures of libobs, each beside its yardstick in the same run.

    figures.py BUILD/bench [--json] [--long] [PART...]

The parts are PARTS below; `--long`: what needs patience is measured as long as its goal says (ten minutes of mixed load).

The programs of this folder measure and print JSON lines; the goals are here. Python's standard library is enough.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import night
import parts
from table import print_json, print_table

PARTS = {
    "ingest": parts.ingest,
    "threads": parts.threads,
    "processes": parts.processes,
    "get": parts.get,
    "event": parts.event,
    "token": parts.token,
    "config": parts.config,
    "audit": parts.audit,
    "programs": parts.programs,
    "deliver": night.deliver,
    "function": night.function,
    "mixed": night.mixed,
    "flood": night.flood,
    "search": night.search,
}


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def measure(bench, names):
    rows, failed = [], []
    for name in names:
        begin = time.monotonic()
        try:
            rows += PARTS[name](bench)
            say(f"{name}: {time.monotonic() - begin:.0f} s")
        except (subprocess.SubprocessError, OSError, parts.Failed) as error:
            failed.append(f"{name}: {error}")
            say(f"{name} failed: {error}")
    return rows, failed


def main():
    arguments = sys.argv[1:]
    as_json, is_long = "--json" in arguments, "--long" in arguments
    bench, *names = [a for a in arguments if a not in ("--json", "--long")]
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        say(f"no part is called '{unknown[0]}': known are {' '.join(PARTS)}")
        return 2
    bench = parts.Bench(Path(bench), is_long)
    try:
        rows, failed = measure(bench, names or list(PARTS))
    finally:
        bench.clean()
    if as_json:
        print_json(bench, rows, failed)
    else:
        print_table(bench, rows, failed)
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.pop("OBS_WORKSPACE", None)
    sys.exit(main())
