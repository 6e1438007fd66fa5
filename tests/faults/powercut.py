"""Power cuts: what was acknowledged must be there, whatever a disk kept of what was not synced.

    powercut.py FOLDER_OF_PROGRAMS [CUTS]

A writer runs once under disk_shim, which writes down all it does to the disk. At each of so many random moments a disk is
made up that holds what was synced until then, plus a random, torn part of the rest; the workspace on it is opened and
compared with what the writer had been told by then; its audit log is verified, and goes on. Then the same with a shim whose
syncs do nothing: that must be noticed.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from judge import Told, judge, read_state

WRITE, TRUNCATE, CREATE, MAKE_FOLDER, RENAME, REMOVE, REMOVE_FOLDER = range(1, 8)
SYNC_FILE, SYNC_ALL, ACKNOWLEDGE, SET_TIME, LINK = range(8, 13)
NAMES = (CREATE, MAKE_FOLDER, RENAME, REMOVE, REMOVE_FOLDER, LINK)
HEADER = struct.Struct("IIQQQ")
CHANGES = 2500  # enough that the store settles (syncfs) in between
SECTOR = 512

Entry = tuple[int, int, int, bytes]


def read_log(path: Path) -> list[Entry]:
    data = path.read_bytes()
    entries: list[Entry] = []
    at = 0
    while at + HEADER.size <= len(data):
        kind, size, a, b, _ = HEADER.unpack_from(data, at)
        at += HEADER.size
        entries.append((kind, a, b, data[at : at + size]))
        at += size
    return entries


class File:
    """One inode: what is surely on the disk, and the writes that may be."""

    def __init__(self) -> None:
        self.safe = bytearray()
        self.time = self.safe_time = 0  # as it was set, nanoseconds; 0: never
        self.pending: list[tuple[int, bytes | None]] = []  # (offset, bytes), or (size, None) for a truncation

    @staticmethod
    def apply(content: bytearray, offset: int, data: bytes | None) -> None:
        if data is None:
            del content[offset:]
            content.extend(bytes(offset - len(content)))
            return
        if len(content) < offset:
            content.extend(bytes(offset - len(content)))
        content[offset : offset + len(data)] = data

    def sync(self) -> None:
        for offset, data in self.pending:
            self.apply(self.safe, offset, data)
        self.pending.clear()
        self.safe_time = self.time

    def after_cut(self, chance: random.Random) -> tuple[bytes, int]:
        """Bytes and time. Each unsynced write got there whole, in part, or not, in any order of sectors."""
        content = bytearray(self.safe)
        fate = chance.choice(["none", "all", "some", "some"])
        time = self.time if fate == "all" or (fate == "some" and chance.random() < 0.5) else self.safe_time
        for offset, data in self.pending:
            if fate == "none":
                break
            if data is None:
                if fate == "all" or chance.random() < 0.5:
                    self.apply(content, offset, None)
            elif fate == "all":
                self.apply(content, offset, data)
            else:
                self.some_sectors(content, offset, data, chance)
        return bytes(content), time

    def some_sectors(self, content: bytearray, offset: int, data: bytes, chance: random.Random) -> None:
        at = 0
        while at < len(data):
            end = min(len(data), (offset + at) // SECTOR * SECTOR + SECTOR - offset)
            if chance.random() < 0.5:
                self.apply(content, offset + at, data[at:end])
            at = end


class Disk:
    """Files by inode, and the changes of names in order: a prefix of them is sure, the rest may have happened up to any point."""

    def __init__(self, image: Path, inodes: dict[str, int]) -> None:
        """A copy of the files, under the inodes of the original, of which the log speaks."""
        self.files: dict[int, File] = {}
        self.first: dict[str, int] = {}  # names at the start
        self.folders: set[str] = set()
        self.names: list[Entry] = []
        self.sure = 0
        for path in sorted(image.rglob("*")):
            name = str(path.relative_to(image))
            if path.is_dir():
                self.folders.add(name)
            elif not name.endswith("-shm"):
                inode = inodes[name]
                self.first[name] = inode
                file = self.files.setdefault(inode, File())
                file.safe = bytearray(path.read_bytes())
                file.time = file.safe_time = path.stat().st_mtime_ns

    def do(self, entry: Entry) -> None:
        kind, a, b, data = entry
        if kind == WRITE:
            self.files.setdefault(a, File()).pending.append((b, data))
        elif kind == TRUNCATE:
            self.files.setdefault(a, File()).pending.append((b, None))
        elif kind == SET_TIME:
            self.files.setdefault(a, File()).time = b
        elif kind == SYNC_FILE:
            self.files.setdefault(a, File()).sync()
        elif kind == SYNC_ALL:
            self.sure = len(self.names)
            if a:
                for file in self.files.values():
                    file.sync()
        elif kind in NAMES:
            if kind == CREATE:
                # An inode number that is used again is a new file. What lay in the old one stays with it.
                fresh = File()
                self.files[a] = fresh
                entry = (kind, id(fresh), 0, data)
                self.files[id(fresh)] = fresh
            self.names.append(entry)

    def build(self, folder: Path, chance: random.Random) -> None:
        kept = self.sure + chance.randint(0, len(self.names) - self.sure) if chance.random() < 0.7 else self.sure
        names, folders = dict(self.first), set(self.folders)
        for kind, a, _, data in self.names[:kept]:
            if kind == CREATE:
                names[data.decode()] = a
            elif kind == MAKE_FOLDER:
                folders.add(data.decode())
            elif kind == REMOVE:
                names.pop(data.decode(), None)
            elif kind == REMOVE_FOLDER:
                folders.discard(data.decode())
            elif kind == LINK:
                source, target = data.decode().split("\0")
                names[target] = names[source]
            elif kind == RENAME:
                source, target = data.decode().split("\0")
                if source in names:
                    names[target] = names.pop(source)
                elif source in folders:
                    move_folder(names, folders, source, target)
        for name in sorted(folders):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name, inode in names.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            content, time = self.files[inode].after_cut(chance)
            path.write_bytes(content)
            if time:
                os.utime(path, ns=(time, time))


def move_folder(names: dict[str, int], folders: set[str], source: str, target: str) -> None:
    for name in [n for n in names if n.startswith(source + "/")]:
        names[target + name[len(source) :]] = names.pop(name)
    for name in [f for f in folders if f == source or f.startswith(source + "/")]:
        folders.discard(name)
        folders.add(target + name[len(source) :])


def record(programs: Path, work: Path, *, nosync: bool) -> tuple[Disk, list[Entry]]:
    """Runs the writer; gives the disk as it was before, and what was done to it. The workspace is on it and, beside it, the
    state with the key and the anchor of the audit log."""
    root, image, log, saying = work / "disk", work / "image", work / "disk.log", work / "saying"
    night = root / "night"
    (root / "state").mkdir(parents=True)
    environment = {**os.environ, "XDG_STATE_HOME": str(root / "state")}
    subprocess.run([programs / "obsctl", "init", night], check=True, stdout=subprocess.DEVNULL, env=environment)
    # Each cut is an image of all files: the reserve of a disk is only as large as it must be to be one.
    (night / "audit/policy.json").write_text('{"reserve_bytes":262144}')
    subprocess.run(["cp", "-a", root, image], check=True)
    inodes = {str(p.relative_to(root)): p.stat().st_ino for p in root.rglob("*")}
    saying.touch()
    environment |= {
        "LD_PRELOAD": str(programs / "libdisk_shim.so"), "OBS_DISK_ROOT": str(root), "OBS_DISK_LOG": str(log),
        "OBS_DISK_ACK": str(saying), "ASAN_OPTIONS": "verify_asan_link_order=0",
    }
    if nosync:
        environment["OBS_DISK_NOSYNC"] = "1"
    subprocess.run([programs / "load", night, saying, str(CHANGES), "1", "0"], check=True, env=environment, timeout=1200)
    return Disk(image, inodes), read_log(log)


def look(programs: Path, work: Path, disk: Disk, told: Told, chance: random.Random) -> list[str]:
    """What is wrong with a workspace that the disk could hold now."""
    folder = Path(tempfile.mkdtemp(dir=work, prefix="cut-"))
    try:
        disk.build(folder, chance)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o700 if path.is_dir() else 0o600)
        return judge(told, read_state(str(programs / "state"), str(folder / "night"), str(folder / "state")))
    except AssertionError as error:
        return [str(error)]
    finally:
        shutil.rmtree(folder)


def moments(entries: list[Entry], ready: int, cuts: int, chance: random.Random) -> list[int]:
    """Any, and as often those in the middle of a round of the audit log, which is short."""
    rounds = [at for at, e in enumerate(entries) if at > ready and e[0] in NAMES and b"/audit/" in e[3]]
    chosen = [chance.randint(ready, len(entries)) for _ in range(cuts - cuts // 2)]
    chosen += [min(chance.choice(rounds) + chance.randint(0, 4), len(entries)) for _ in range(cuts // 2)]
    return sorted(chosen)


def run(programs: Path, cuts: int, *, nosync: bool) -> int:
    """How many of the cuts lost something."""
    bad = 0
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        disk, entries = record(programs, work, nosync=nosync)
        ready = next(i for i, e in enumerate(entries) if e[0] == ACKNOWLEDGE and e[3] == b"ready\n")
        syncs = sum(e[0] in (SYNC_FILE, SYNC_ALL) for e in entries)
        settled = sum(e[0] == SYNC_ALL and e[1] == 1 for e in entries)
        print(f"{len(entries)} operations on the disk, {syncs} of them syncs, {settled} of the whole file system")
        chance = random.Random(cuts)
        told, done = Told(), 0
        for at in moments(entries, ready, cuts, chance):
            for entry in entries[done:at]:
                if entry[0] == ACKNOWLEDGE:
                    told.read(entry[3].decode())
                else:
                    disk.do(entry)
            done = at
            wrong = look(programs, work, disk, told, random.Random(at))
            if wrong and not nosync:
                print(f"cut after operation {at}: {wrong[0]} (and {len(wrong) - 1} more)")
            bad += bool(wrong)
    return bad


def main() -> int:
    programs = Path(sys.argv[1]).resolve()
    cuts = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    bad = run(programs, cuts, nosync=False)
    print(f"{cuts} power cuts: {bad} lost something")
    blind = run(programs, 20, nosync=True)
    print(f"20 power cuts without syncs: {blind} noticed")
    return 0 if bad == 0 and blind > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
