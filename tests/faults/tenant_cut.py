"""Power cuts while a tenant is being made: there is all of it, with the audit record of its making, or nothing.

    tenant_cut.py FOLDER_OF_PROGRAMS

`obsctl tenant create` runs once under disk_shim. After each of its operations on the disk two disks are made up that hold what
was synced until then, plus a random, torn part of the rest. On each there is the tenant, with the record of its making and
ready for use; or there is none, no trace of one in the trail, and it can be made. The same with a shim whose syncs do nothing:
that must be noticed.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from powercut import Disk, Entry, read_log

DISKS = 2  # for each operation
NAME = "weather"
CREATE = ("tenant", "create", NAME)
CONFLICT = 6  # the exit code of obsctl


class Workspace:
    """What a user sees of it, through the command line."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs = programs
        self.folder = folder

    def run(self, *words: str, code: int = 0, text: str = "", shim: dict[str, str] | None = None) -> str:
        environment = {**os.environ, "OBS_WORKSPACE": str(self.folder), **(shim or {})}
        done = subprocess.run(
            [self.programs / "obsctl", *words], input=text, capture_output=True, text=True, env=environment, timeout=600, check=False
        )
        if done.returncode != code:
            raise AssertionError(f"obsctl {' '.join(words)}: {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def tenants(self) -> list[str]:
        return [json.loads(line)["name"] for line in self.run("tenant", "show", "--json").splitlines()]

    def births(self, tenant: str) -> int:
        """How often its making is in the trail of a tenant."""
        rows = self.run("audit", "query", "-t", tenant, "--action", "tenant.create", "--json").splitlines()
        return sum(json.loads(row)["object"] == NAME and json.loads(row)["class"] == "change" for row in rows)

    def expect_usable(self) -> None:
        self.run("put", "-t", NAME, "-", "a", text="x")
        assert self.run("get", "-t", NAME, "a") == "x", "the new tenant has other bytes"
        assert '"problems":0' in self.run("workspace", "check", "--json"), "the workspace has problems"


def judge(workspace: Workspace) -> bool:
    """Whether the tenant was there."""
    there = NAME in workspace.tenants()
    if there:
        assert workspace.births(NAME) == 1, "the tenant lacks the record of its making"
        assert (workspace.folder / "tenants" / NAME / "store" / ".obs").is_dir(), "the tenant lacks its store"
    else:
        assert workspace.births("default") == 0, "the trail tells of a tenant that is not there"
    workspace.run(*CREATE, code=CONFLICT if there else 0)
    assert workspace.births(NAME) == 1, "the tenant was made twice, or without a record"
    left = [path.name for path in (workspace.folder / "tenants").iterdir() if path.name.startswith(".")]
    assert there or not left, f"left in tenants/: {left}"
    workspace.expect_usable()
    return there


def record(programs: Path, work: Path, *, nosync: bool) -> tuple[Disk, list[Entry]]:
    night, image, log = work / "night", work / "image", work / "disk.log"
    subprocess.run([programs / "obsctl", "init", night], check=True, stdout=subprocess.DEVNULL)
    # Each cut is an image of all files: the reserve of a disk is only as large as it must be to be one.
    (night / "audit/policy.json").write_text('{"reserve_bytes":262144}')
    subprocess.run(["cp", "-a", night, image], check=True)
    inodes = {str(path.relative_to(night)): path.stat().st_ino for path in night.rglob("*")}
    shim = {
        "LD_PRELOAD": str(programs / "libdisk_shim.so"), "OBS_DISK_ROOT": str(night), "OBS_DISK_LOG": str(log),
        "ASAN_OPTIONS": "verify_asan_link_order=0",
    }
    if nosync:
        shim["OBS_DISK_NOSYNC"] = "1"
    Workspace(programs, night).run(*CREATE, shim=shim)
    return Disk(image, inodes), read_log(log)


def look(programs: Path, work: Path, disk: Disk, chance: random.Random) -> bool:
    folder = Path(tempfile.mkdtemp(dir=work, prefix="cut-"))
    try:
        disk.build(folder, chance)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o700 if path.is_dir() else 0o600)
        return judge(Workspace(programs, folder))
    finally:
        shutil.rmtree(folder)


def run(programs: Path, *, nosync: bool) -> tuple[int, int, int]:
    """How often the tenant was there, was not, and something was wrong."""
    present, absent, bad = 0, 0, 0
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        disk, entries = record(programs, work, nosync=nosync)
        for at in range(len(entries) + 1):
            for number in range(DISKS):
                try:
                    there = look(programs, work, disk, random.Random(at * DISKS + number))
                    assert there or at < len(entries), "it was told as made, and is not there"
                    present, absent = present + there, absent + (not there)
                except AssertionError as error:
                    bad += 1
                    if not nosync:
                        print(f"cut after operation {at} of {len(entries)}: {error}")
            if at < len(entries):
                disk.do(entries[at])
    return present, absent, bad


def main() -> int:
    programs = Path(sys.argv[1]).resolve()
    present, absent, bad = run(programs, nosync=False)
    print(f"power cuts while a tenant was made: {present} with it, {absent} without it, {bad} with half of it")
    _, _, noticed = run(programs, nosync=True)
    print(f"without syncs: {noticed} noticed")
    return 0 if not bad and present and absent and noticed else 1


if __name__ == "__main__":
    sys.exit(main())
