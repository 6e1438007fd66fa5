"""A full disk is repaired with obsctl alone, and all of it is on record: what the audit reserve is for."""
import atexit
import contextlib
import os
import pathlib
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "obsctl"))
from support import OBSCTL, Case, main, skip  # noqa: E402

MIB = 1 << 20
DISK = 160 * MIB
WANTED = DISK // 16  # of the standard 64 MiB this disk is asked for a 16th of itself
LARGE = os.urandom(4000000)
SMALL = os.urandom(3000)
HELPS = "free space with 'obsctl rm KEY'"


class Disk(Case):
    """The workspace, and what it keeps outside of itself, on a small disk of their own."""

    state = "disk"

    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "none", self.disk],
                                               capture_output=True).returncode != 0:
            skip("a full disk repaired with obsctl", "mounting a small tmpfs needs root")
        self.unmount = ["umount", "-l", str(self.disk)]
        self.addCleanup(subprocess.run, self.unmount, capture_output=True)
        atexit.register(subprocess.run, self.unmount, capture_output=True)
        self.environment["XDG_STATE_HOME"] = str(self.disk / "state" if self.state == "disk" else self.folder / "state")
        self.workspace = self.disk / "night"
        self.reserve = self.workspace / "audit/reserve"
        self.large, self.small = self.path("large", LARGE), self.path("small", SMALL)
        self.ok("init", self.workspace)

    def left(self):
        disk = os.statvfs(self.disk)
        return disk.f_bavail * disk.f_frsize

    def fill(self):
        """As somebody else would: to the last byte."""
        with open(self.disk / "filler", "ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(max(self.left(), 4096)))
            except OSError:
                pass
        self.assertEqual(self.left(), 0)

    def put_until_full(self, path, prefix):
        count = 0
        while True:
            run = self.obsctl("put", path, f"{prefix}{count}")
            if run.code:
                break
            count += 1
        self.assertEqual(run.code, 5, run.err)
        self.assertIn(HELPS, run.err)
        return count

    def held(self):
        found = self.reserve.stat()
        return min(found.st_size, found.st_blocks * 512)

    def doctor(self):
        parts = self.obsctl("doctor", "--json").rows()[0]["parts"]
        return next(part for part in parts if part["name"] == "reserve")

    def recorded(self, action, *words):
        return [row for row in self.ok("audit", "query", "--action", action, "--json", *words).rows() if row["status"] == "OK"]

    def verify(self):
        self.ok("audit", "checkpoint")
        report = self.ok("audit", "verify", "--json").rows()[0]
        self.assertEqual(report["problems"], [])
        self.assertEqual(report["verified"], report["records"])
        self.assertEqual(report["gaps"], 0)
        self.assertGreater(report["anchored"], 0)

    def delete(self, *keys):
        self.ok("rm", *keys)
        for key in keys:
            self.assertEqual(len(self.recorded("store.delete", "--object", key)), 1, key)

    def repair(self, large):
        """Looking, deleting, writing again: nothing but obsctl, and each of it is found afterwards."""
        looked = len(self.recorded("store.list"))
        self.assertIn("large0\n", self.ok("ls").out)
        self.assertEqual(len(self.recorded("store.list")), looked + 1)
        self.delete("small0")
        self.delete("small1", "small2")
        self.delete(*[f"large{i}" for i in range(large)])
        self.ok("put", self.small, "again")
        self.assertEqual(self.ok("get", "again", "-").out.encode("utf-8", "surrogateescape"), SMALL)
        self.assertEqual(self.held(), WANTED)
        self.assertEqual(self.doctor()["status"], "ok")
        self.assertEqual(len(self.recorded("store.put", "--object", "again")), 1)
        self.verify()
        self.ok("workspace", "check")


class Filled(Disk):
    def test_by_ordinary_puts(self):
        self.ok("put", self.small, "first")
        self.assertEqual(self.held(), WANTED)
        self.assertEqual(self.doctor()["message"], "10 MiB set aside, a 16th of the disk")
        self.assertGreater(self.put_until_full(self.large, "large"), 30)
        self.assertGreater(self.put_until_full(self.small, "small"), 3)
        self.assertEqual(self.held(), WANTED, "others than those who repair had some of it")
        self.assertEqual(self.ok("get", "first", "-").raw, SMALL)
        self.repair(large=1)

    def test_by_somebody_else(self):
        for i in range(3):
            self.ok("put", self.small, f"small{i}")
        self.ok("put", self.large, "large0")
        self.fill()
        self.assertEqual(self.held(), WANTED)
        self.fails(5, "put", self.small, "again", says=HELPS)
        self.repair(large=1)

    def test_while_reads_are_fail_closed(self):
        for i in range(3):
            self.ok("put", self.small, f"small{i}")
        self.ok("put", self.large, "large0")
        self.ok("audit", "policy", "read=fail-closed")
        self.fill()
        self.fails(5, "get", "small0", says="nothing is read without its audit record")
        self.repair(large=1)

    def test_small_objects_make_room_for_small_ones(self):
        """Their rows free pages of the database and its log, not of the disk: what is written next goes there."""
        self.ok("put", self.small, "first")
        self.put_until_full(self.large, "large")
        self.delete("large0")
        count = self.put_until_full(self.small, "small")
        self.assertGreater(count, 100)
        database = self.workspace / "tenants/default/tenant.db"
        size = database.stat().st_size
        self.ok("rm", *[f"small{i}" for i in range(10, count)])
        self.assertEqual(len(self.recorded("store.delete")), count - 10 + 1)
        again = self.put_until_full(self.small, "again")
        self.assertGreater(again, count // 3)
        self.assertLess(database.stat().st_size - size, again * len(SMALL), "free pages were not used")
        self.assertLess((database.parent / "tenant.db-wal").stat().st_size, 6 * MIB)
        self.assertEqual(self.held(), WANTED)
        self.verify()

    def test_policy_config_and_checkpoint(self):
        self.ok("put", self.large, "large0")
        self.ok("put", self.small, "small0")
        (self.workspace / "config.yaml").write_text("ingest:\n  keep: 30d\n")
        self.fill()
        self.ok("config", "set", "ingest.keep", "3d")
        self.assertEqual(self.ok("config", "get", "ingest.keep").out, "3d\n")
        self.ok("audit", "policy", "retention_days=30")
        self.ok("audit", "checkpoint")
        self.ok("workspace", "check")
        self.ok("workspace", "check", "--repair")
        self.assertLess(self.held(), WANTED)
        self.assertEqual(self.doctor()["status"], "degraded")
        self.assertIn("obsctl rm", self.doctor()["message"])
        self.delete("large0")
        self.assertEqual(self.held(), WANTED)
        for action in ("config.set", "audit.policy_set", "audit.sequence", "workspace.repair"):
            self.assertEqual(len(self.recorded(action)), 1, action)
        self.verify()

    def test_until_it_is_used_up(self):
        self.ok("put", self.large, "large0")
        for i in range(40):
            self.ok("put", self.small, f"small{i}")
        self.fill()
        # Somebody eats whatever is given back, as soon as it is.
        self.reserve.write_bytes(b"")
        self.fill()
        run = self.fails(5, "rm", "small0", says="the reserve of the audit log is used up")
        self.assertNotIn("obsctl rm", run.err)
        self.assertEqual(self.recorded("store.delete"), [])
        (self.disk / "filler").unlink()
        self.delete("small0")
        self.assertEqual(self.held(), WANTED)
        self.verify()

    def test_off(self):
        self.ok("audit", "policy", "reserve_bytes=0")
        self.assertFalse(self.reserve.exists())
        self.assertEqual(self.doctor(), {"name": "reserve", "status": "ok", "message": "off, as the audit policy says"})
        self.ok("put", self.large, "large0")
        self.fill()
        run = self.fails(5, "put", self.small, "more")
        self.assertNotIn("reserve", run.err)
        self.assertFalse(self.reserve.exists())
        (self.disk / "filler").unlink()
        self.ok("audit", "policy", f"reserve_bytes={MIB}")
        self.assertEqual(self.held(), MIB)
        with open(self.disk / "filler", "wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, self.left() - 12 * MIB)
        self.fails(5, "audit", "policy", f"reserve_bytes={64 * MIB}", says="would fill the disk")
        self.assertEqual(self.held(), MIB)

    def test_several_at_once_and_killed(self):
        count = 24
        for i in range(count):
            self.ok("put", self.small, f"small{i}")
            self.ok("put", self.small, f"victim{i}")
        self.ok("put", self.large, "large0")
        self.fill()
        runs = []

        def remove(first):
            for i in range(first, count, 4):
                runs.append(self.obsctl("rm", f"small{i}"))

        threads = [threading.Thread(target=remove, args=(first,)) for first in range(4)]
        for thread in threads:
            thread.start()
        for i in range(count):  # beside some that are killed at any moment
            process = subprocess.Popen([OBSCTL, "rm", f"victim{i}"], cwd=self.workspace, env=self.environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=i / 500)
            process.kill()
            process.wait()
        for thread in threads:
            thread.join()
        self.assertEqual([run.err for run in runs if run.code], [])
        kept = set(self.ok("ls").out.split())
        deleted = [row["object"] for row in self.recorded("store.delete")]
        self.assertEqual(sorted(deleted), sorted({f"{name}{i}" for name in ("small", "victim") for i in range(count)} - kept))
        self.delete("large0")
        self.assertEqual(self.held(), WANTED)
        self.verify()


class StateElsewhere(Filled):
    """The same with keys and anchor on another disk."""

    state = "elsewhere"


if __name__ == "__main__":
    main()
