"""Kills: a writer is killed with -9 at random moments; the next one goes on, and what was acknowledged is there.

    killed.py FOLDER_OF_PROGRAMS [KILLS]
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from judge import Told, judge, read_state

KILLS_A_WORKSPACE = 20
CHANGES = 1600  # more than a writer gets done before it is killed


def wait_ready(saying: Path, ready: int, writer: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 300
    while True:
        ended = writer.poll() is not None or time.monotonic() > end  # before it is looked what it said
        if saying.read_bytes().count(b"ready\n") > ready:
            return
        if ended:
            raise AssertionError("the writer did not begin")
        time.sleep(0.002)


def kill_some(programs: Path, work: Path, kills: int, chance: random.Random) -> list[str]:
    night, saying = work / "night", work / "saying"
    subprocess.run([programs / "obsctl", "init", night], check=True, stdout=subprocess.DEVNULL)
    saying.touch()
    for number in range(kills):
        words = [programs / "load", night, saying, str(CHANGES), str(number), str(number * CHANGES)]
        writer = subprocess.Popen(words)
        wait_ready(saying, number, writer)
        time.sleep(chance.uniform(0, 0.15))
        writer.kill()
        writer.wait()
        wrong = judge(Told().read(saying.read_text()), read_state(str(programs / "state"), str(night)))
        if wrong:
            return [f"after kill {number}: {wrong[0]} (and {len(wrong) - 1} more)"]
    return []


def main() -> int:
    programs = Path(sys.argv[1]).resolve()
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    bad = done = 0
    while done < kills:
        some = min(KILLS_A_WORKSPACE, kills - done)
        with tempfile.TemporaryDirectory() as name:
            wrong = kill_some(programs, Path(name), some, random.Random(done))
        for line in wrong:
            print(line)
        bad += bool(wrong)
        done += some
    print(f"{done} kills: {bad} workspaces lost something")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
