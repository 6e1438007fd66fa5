"""Each part of a workspace is damaged in turn: the check names it, says what to do, and exits with 7; what can be mended is."""
import os
import sqlite3

from support import Case, main

SAYS_WHAT_TO_DO = r"restore|adopt|repair|ingest it again|find out by whom|use a newer one"


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 0x20
    path.write_bytes(data)


def keep_time(path, change):
    """As a failing disk would do it."""
    before = path.stat()
    change()
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


class Damage(Case):
    def setUp(self):
        super().setUp()
        self.put("kept/a", b"bytes\n" * 20000, "--label", "night=2026-11-20", "--type", "text/plain")
        self.put("kept/small", b"small", "--label", "night=2026-11-20")
        self.define()
        self.ok("ingest", "-d", "test.magnitude", self.path("records.ndjson", '{"id":"x","mag":17.5}\n'))
        self.ok("ingest", "define", "test.any", self.path("any.json", '{"type":"object"}'))
        self.ok("ingest", "-d", "test.any", self.path("any.ndjson", '{}\n{"a":{"b":1e300,"c":[1],"d":"x"},"e":true,"f":null}\n'))
        self.ok("workspace", "check")
        self.tenant = self.workspace / "tenants/default"
        self.body = self.workspace / "store/kept/a"
        self.sidecar = self.workspace / "store/.obs/meta/kept/a%"

    def sql(self, statement, *values, tenant="default"):
        database = sqlite3.connect(self.workspace / "tenants" / tenant / "tenant.db")
        with database:
            count = database.execute(statement, values).rowcount
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        self.assertNotEqual(count, 0, statement)

    def expect(self, says, code=7):
        """The check finds it, in a sentence on a line for people and in a row as JSON."""
        run = self.fails(code, "workspace", "check")
        self.assertIn(says, run.out + run.err)
        self.assertRegex(run.out + run.err, SAYS_WHAT_TO_DO)
        run = self.obsctl("workspace", "check", "--json")
        self.assertEqual(run.code, code)
        self.assertIn(says, run.out)
        return run

    def recorded(self, action):
        return len(self.ok("audit", "query", "--action", action, "--json").rows())

    def mend(self, action, *words, code=0):
        """The command mends it, the trail says so, and nothing is wrong any more."""
        before = self.recorded(action)
        run = self.obsctl(*words)
        self.assertEqual(run.code, code, run.out + run.err)
        self.assertGreater(self.recorded(action), before)
        self.ok("workspace", "check")
        return run

    def repair(self):
        """The repair tells what it found and mended."""
        run = self.mend("store.adopt", "workspace", "check", "--repair", code=7)
        self.assertGreater(self.recorded("workspace.repair"), 0)
        self.assertEqual([row["key"] for row in self.ok("search", "night=2026-11-20", "key=kept/a", "--json").rows()], ["kept/a"])
        self.assertIn("2026-11-20", self.ok("stat", "kept/a").out)
        self.assertIn("text/plain", self.ok("stat", "kept/a").out)
        return run


# How an object is damaged, what the check says, whether it can still be read, and what mends it.
OBJECTS = {
    "other bytes": (lambda self: self.body.write_bytes(b"other"), "another program made or changed it", 0, "adopt"),
    "another time": (lambda self: os.utime(self.body, ns=(1, 1)), "another program made or changed it", 0, "repair"),
    "a copy of the file": (lambda self: (self.body.rename(self.folder / "aside"),
                                         self.body.write_bytes((self.folder / "aside").read_bytes())),
                           "another program made or changed it", 0, "repair"),
    "a flipped bit": (lambda self: keep_time(self.body, lambda: flip(self.body, 70000)), "does not match its checksum", 7, "adopt"),
    "a short sidecar": (lambda self: os.truncate(self.sidecar, 40), "its sidecar is damaged", 0, "repair"),
    "a flipped bit of the sidecar": (lambda self: flip(self.sidecar, 60), "its sidecar is damaged", 0, "repair"),
    "sidecar and bytes": (lambda self: (os.truncate(self.sidecar, 40), self.body.write_bytes(b"other")),
                          "its sidecar is damaged", 0, "adopt"),
    "no sidecar": (lambda self: self.sidecar.unlink(), "another program made or changed it", 0, "repair"),
}

ENTRY = "UPDATE entry SET {} WHERE key = CAST('kept/a' AS BLOB)"
# Rows of the database: what is changed, what the check says, and whether a repair can mend it.
ROWS = {
    "size of an entry": (ENTRY.format("size = size + 1"), "the catalog says another size", True),
    "checksum of an entry": (ENTRY.format("sha256 = replace(sha256, substr(sha256, 1, 4), '0000')"), "another SHA-256", True),
    "type of an entry": (ENTRY.format("type = 'text/other'"), "the catalog says another type", True),
    "labels of an entry": (ENTRY.format("labels = CAST(replace(CAST(labels AS TEXT), '2026', '2025') AS BLOB)"), "other labels", True),
    "values of a record's entry": ("UPDATE entry SET vals = CAST(replace(CAST(vals AS TEXT), '17.5', '18.5') AS BLOB) WHERE kind = 'record'", "other values", False),
    "size of a record's entry": ("UPDATE entry SET size = 1 WHERE kind = 'record'", "the catalog says another size", False),
    "data of a record": ("UPDATE record SET data = CAST(replace(CAST(data AS TEXT), '17.5', '18.5') AS BLOB)",
                         "does not match its checksum", False),
    "a leaf of the trail": ("UPDATE audit_leaf SET leaf = CAST('{' || CAST(leaf AS TEXT) AS BLOB) WHERE seq = 2", "audit", False),
    "a clear value of the trail": ("UPDATE audit_clear SET object = 'kept/b' WHERE object = 'kept/a'", "its object was changed", False),
}


class Objects(Damage):
    def test_objects(self):
        for name, (damage, says, read, mended_by) in OBJECTS.items():
            with self.subTest(name):
                self.setUp()
                damage(self)
                self.expect(says)
                self.assertEqual(self.obsctl("get", "kept/a", "--force", self.folder / "copy").code, read)
                if mended_by == "repair":
                    self.repair()
                else:
                    self.assertEqual(self.obsctl("workspace", "check", "--repair").code, 7)
                    self.expect(says)
                    self.mend("store.adopt", "adopt", "kept/a")

    def test_a_lost_file(self):
        self.body.unlink()
        self.expect("its bytes are gone")
        self.assertEqual(self.obsctl("workspace", "check", "--repair").code, 7)
        self.expect("its bytes are gone")


class Rows(Damage):
    def test_rows(self):
        for name, (statement, says, mendable) in ROWS.items():
            with self.subTest(name):
                self.setUp()
                self.sql(statement)
                self.expect(says)
                if mendable:
                    self.repair()
                else:
                    self.assertEqual(self.obsctl("workspace", "check", "--repair").code, 7)
                    self.expect(says)

    def test_a_small_object_on_its_way(self):
        """Its bytes travel in a row. Altered, they are what a recovery writes, and then they do not match."""
        self.put("kept/late", b"small")
        self.sql("UPDATE pending SET body = CAST('smaLl' AS BLOB) WHERE key = CAST('kept/late' AS BLOB)")
        self.ok("workspace", "check")
        (self.workspace / "store/kept/late").unlink()
        (self.workspace / "store/.obs/finished").unlink()
        self.expect("does not match its checksum")
        self.assertEqual(self.obsctl("get", "kept/late", self.folder / "copy").code, 7)
        self.mend("store.adopt", "adopt", "kept/late")


class Files(Damage):
    def test_format(self):
        path = self.workspace / "format"
        whole = path.read_bytes()
        for damaged, says, code in ((None, "is missing", 7), (b"", "is damaged", 7), (b"format: {", "is damaged", 7),
                                    (whole[:40], "is damaged", 7),
                                    (whole.replace(b"incompat: []", b"incompat: [tiles]"), "needs the feature 'tiles'", 1)):
            with self.subTest(says, damaged=damaged):
                path.unlink() if damaged is None else path.write_bytes(damaged)
                self.expect(says, code)
                path.write_bytes(whole)
                self.ok("workspace", "check")

    def spoil(self, tenant, first, last):
        self.sql("UPDATE tenant SET created = created", tenant=tenant)  # and all of the log goes into the database
        with open(self.workspace / "tenants" / tenant / "tenant.db", "r+b") as database:
            for at in range(first, min(last, os.fstat(database.fileno()).st_size), 4096):
                database.seek(at)
                database.write(b"Z" * 3000)

    def test_header_of_the_database(self):
        self.spoil("default", 0, 1)
        self.expect("it is damaged: restore it from a copy")

    def test_pages_of_the_database(self):
        self.spoil("default", 4096 + 500, 1 << 20)
        self.expect("tenant.db")

    def test_database_of_another_tenant(self):
        self.ok("tenant", "create", "weather")
        self.spoil("weather", 0, 1)
        self.body.write_bytes(b"other")
        run = self.expect("weather")
        keys = {row["key"] for row in run.rows() if "problem" in row}
        self.assertEqual(keys, {"tenant.db", "kept/a"}, "one damage hides the other")


if __name__ == "__main__":
    main()
