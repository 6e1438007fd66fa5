"""The audit log from outside: verified, proved, and every alteration found."""
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys

from support import Case, main

AGE = pathlib.Path(__file__).resolve().parent.parent / "audit" / "age.py"


class Audit(Case):
    def setUp(self):
        super().setUp()
        self.put("raw/a")
        self.put("raw/b")
        self.ok("audit", "checkpoint")

    def record(self, *words):
        return self.ok("audit", "query", "--json", *words).rows()[0]

    def report(self, run):
        return next(row for row in run.rows() if "problems" in row)

    def state(self):
        return next((self.folder / "state" / "obs").glob("*/audit"))

    def test_verify(self):
        run = self.ok("audit", "verify")
        self.assertRegex(run.out, r"^(\d+) of \1 records verified, \1 of them anchored by .*/anchor\n")
        report = self.report(self.ok("audit", "verify", "--json"))
        self.assertEqual((report["verified"], report["anchored"], report["problems"]), (report["records"], report["records"], []))
        self.assertGreater(report["records"], 2)

    def test_an_altered_record_is_named(self):
        for bundle in list((self.workspace / "audit/log/tile/entries").rglob("*.p/*")):  # of an earlier checkpoint, and the whole
            bundle.write_bytes(bundle.read_bytes().replace(b'"store.put"', b'"store.get"', 1))
        run = self.fails(7, "audit", "verify", says="record 0")
        self.assertIn("0 of ", run.out)
        run = self.fails_json(7, "DATA_LOSS", "audit", "verify")
        self.assertEqual(self.report(run)["problems"][0]["index"], 0)
        self.fails(7, "audit", "verify", "--unanchored")

    def test_a_log_that_was_cut(self):
        early = self.folder / "early"
        shutil.copytree(self.workspace / "audit", early)
        self.put("raw/c")
        self.ok("audit", "checkpoint")
        shutil.rmtree(self.workspace / "audit")
        early.rename(self.workspace / "audit")
        self.fails(7, "audit", "verify", says="anchor")
        self.fails(7, "audit", "verify", "--unanchored")
        self.fails(7, "audit", "checkpoint", says="must not go on")

    def test_a_checkpoint_that_was_kept_elsewhere(self):
        kept = self.path("kept", self.ok("audit", "checkpoint").out)
        self.put("raw/c")
        self.ok("audit", "verify", "--checkpoint", kept)
        text = kept.read_text()
        for bad in ("", "no checkpoint\n", text.replace("\n\n", "\nmore\n\n", 1)):
            self.fails(7, "audit", "verify", "--checkpoint", self.path("bad", bad))
        self.fails(3, "audit", "verify", "--checkpoint", self.folder / "absent", says="absent")

    def test_without_an_anchor(self):
        shutil.rmtree(self.state() / "anchor")
        run = self.fails(7, "audit", "verify", says="no anchor outside")
        self.assertIn("none anchored", run.out)
        self.ok("audit", "verify", "--unanchored")

    def test_a_row_of_the_database_that_was_changed(self):
        database = sqlite3.connect(self.workspace / "tenants/default/tenant.db")
        database.execute("UPDATE audit_clear SET object = 'raw/z' WHERE object = 'raw/b'")
        database.commit()
        database.close()
        self.fails(7, "audit", "verify", says="record")
        self.fails(7, "audit", "query", says="object was changed")

    def test_an_answer_is_what_the_log_has(self):
        database = sqlite3.connect(self.workspace / "tenants/default/tenant.db")
        changed = database.execute("UPDATE audit_leaf SET leaf = CAST(replace(CAST(leaf AS TEXT), '\"bytes\":6', '\"bytes\":7') AS BLOB)"
                                   " WHERE seq = (SELECT seq FROM audit_clear WHERE object = 'raw/b')")  # nothing in the row says otherwise
        self.assertEqual(changed.rowcount, 1)
        database.commit()
        database.close()
        self.assertEqual(self.ok("audit", "query", "--json", "-n1").rows()[0]["object"], "raw/a")
        run = self.obsctl("audit", "query", "--json")
        self.assertEqual((run.code, run.error()["status"]), (7, "DATA_LOSS"), run.out + run.err)
        self.assertIn("is not what the log has at its place", run.error()["message"])

    def test_proofs(self):
        record = self.record("--object", "raw/b")
        key = self.ok("audit", "key").out.strip()
        bare = self.path("bare", self.ok("audit", "prove", record["id"]).out)
        clear = self.path("clear", self.ok("audit", "prove", record["id"], "--clear").out)
        self.assertEqual(json.loads(self.ok("audit", "prove", record["id"], "--json").out)["proof"][:22], "c2sp.org/tlog-proof@v1")
        shutil.rmtree(self.workspace)  # whoever checks has none of it
        shown = json.loads(self.run_at(self.folder, ["audit", "check-proof", clear, "--key", key, "--json"]).out)
        self.assertEqual((shown["id"], shown["object"], shown["subject"]), (record["id"], "raw/b", record["subject"]))
        hidden = json.loads(self.run_at(self.folder, ["audit", "check-proof", bare, "--key", key, "--json"]).out)
        self.assertEqual((hidden["id"], hidden["action"], hidden["object"], hidden["subject"]), (record["id"], "store.put", None, None))
        self.assertIn("object   raw/b\n", self.ok("audit", "check-proof", clear, "--key", key).out)

    def test_proofs_that_do_not_hold(self):
        record = self.record("--object", "raw/b")
        key = self.ok("audit", "key").out.strip()
        text = self.ok("audit", "prove", record["id"]).out
        moved = self.path("moved", text.replace("\nindex 2\n", "\nindex 1\n"))
        self.assertNotEqual(moved.read_text(), text)
        self.fails(7, "audit", "check-proof", moved, "--key", key, says="does not hold")
        self.fails_json(7, "DATA_LOSS", "audit", "check-proof", moved, "--key", key)
        self.fails(2, "audit", "check-proof", self.path("none", "x\n"), "--key", key, says="no proof")
        self.fails(2, "audit", "check-proof", moved, "--key", "nonsense")
        self.fails(2, "audit", "check-proof", moved, says="--key")
        self.fails(3, "audit", "check-proof", self.folder / "absent", "--key", key)
        self.fails(2, "audit", "check-proof")

    def no_checkpoint_is_due(self):
        """Within ten seconds of the last."""
        os.utime(self.workspace / "audit/log/checkpoint")

    def test_what_is_in_no_checkpoint_yet(self):
        for turn in range(30):  # on a busy machine the next checkpoint may be faster
            self.no_checkpoint_is_due()
            self.put(f"raw/new{turn}")
            self.no_checkpoint_is_due()
            record = self.record("--object", f"raw/new{turn}")
            self.no_checkpoint_is_due()
            run = self.obsctl("audit", "prove", record["id"], "--json")
            if run.code != 0:
                break
        self.assertEqual((run.code, run.error()["status"]), (5, "UNAVAILABLE"), run.out)
        self.ok("audit", "checkpoint")
        self.ok("audit", "prove", record["id"])
        self.fails(3, "audit", "prove", "absent", says="absent")

    def test_reads_of_the_audit_trail_are_in_it(self):
        record = self.record("--object", "raw/a")
        self.ok("audit", "prove", record["id"])
        self.ok("audit", "verify")
        seen = {(row["action"], row.get("object")) for row in self.ok("audit", "query", "--action", "audit.*", "--json").rows()}
        self.assertLessEqual({("audit.prove", record["id"]), ("audit.verify", None), ("audit.query", "raw/a")}, seen)

    def test_no_state_folder(self):
        for name in ("HOME", "XDG_STATE_HOME"):
            del self.environment[name]
        self.put("raw/c")
        self.fails(4, "audit", "verify", says="HOME")

    def test_health(self):
        parts = self.ok("doctor", "--json").rows()
        text = json.dumps(parts)
        self.assertIn("checkpoint", text)
        self.assertIn("0 calls lost", text)


class Seal(Case):
    def setUp(self):
        super().setUp()
        (self.workspace / "store/raw").mkdir()
        keys = [f"raw/{index}" for index in range(300)]
        for key in keys:
            (self.workspace / "store" / key).write_bytes(b"x")
        self.ok("adopt", *keys)

    def age(self, days):
        subprocess.run([sys.executable, AGE, self.workspace, self.folder / "state", str(days)], check=True)

    def test_by_the_policy(self):
        self.age(40)
        self.assertEqual(self.ok("audit", "seal", "--json").rows(), [{"sealed": 0}])  # the standard keeps all for ever
        self.ok("audit", "policy", "retention_days=60")
        self.assertIn("0 records sealed: no whole bundle", self.ok("audit", "seal").out)
        sealed = self.ok("audit", "query", "--json", "-n1").rows()[0]["id"]
        proof = self.path("before", self.ok("audit", "prove", "--clear", sealed).out)
        self.ok("audit", "policy", "retention_days=30")
        self.assertEqual(self.ok("audit", "seal", "--json").rows(), [{"sealed": 256}])
        self.assertEqual(self.ok("audit", "seal", "--json").rows(), [{"sealed": 0}])
        self.assertEqual(self.ok("audit", "verify", "--json").rows()[0]["sealed"], 256)
        self.assertIn(" 256 are sealed", self.ok("audit", "verify").out)
        self.look_at_what_is_left(sealed, proof)
        self.damage()

    def look_at_what_is_left(self, sealed, before):
        first = self.ok("audit", "query", "--json", "-n1").rows()[0]
        self.assertEqual((first["sealed"], first["subject"], first["client"]), (256, None, None))
        records = [row for row in self.ok("audit", "query", "--json").rows() if row["action"] == "audit.seal"]
        self.assertEqual([row["count"] for row in records if row["class"] == "change"], [1, 1, 256, 1])
        said = json.loads(records[2]["object"])
        self.assertEqual((said["first"], said["count"], said["retention_days"]), (0, 256, 30))
        key = self.ok("audit", "key").out.strip()
        after = self.path("after", self.ok("audit", "prove", "--clear", sealed).out)
        for proof, subject in ((before, self.ok("whoami", "--json").rows()[0]["subject"]), (after, None)):
            shown = self.ok("audit", "check-proof", proof, "--key", key, "--json").rows()[0]
            self.assertEqual((shown["id"], shown["subject"]), (sealed, subject))
        self.fails(3, "audit", "prove", "0198c0de-0000-7000-8000-000000000001")

    def damage(self):
        segment = self.workspace / "audit/log/tile/entries/000.zst"
        content = segment.read_bytes()
        for bad in (content[:40] + bytes([content[40] ^ 1]) + content[41:], content[:-1], b""):
            segment.write_bytes(bad)
            self.fails(7, "audit", "verify", says="record 0")
        segment.unlink()
        self.fails(7, "audit", "verify", says="missing")
        segment.write_bytes(content)
        self.ok("audit", "verify")
        with sqlite3.connect(self.workspace / "tenants/default/tenant.db") as database:
            database.execute("DELETE FROM audit_leaf WHERE seq = 257")
        self.fails(7, "audit", "verify", says="record 256")


if __name__ == "__main__":
    main()
