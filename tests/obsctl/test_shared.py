"""Shared workspaces at the command line, by users of their own."""
import json
import os
import pathlib
import shutil
import subprocess

from support import Case, OBSCTL, Run, main, skip

ACCOUNT, ADA, EVE, EARTH, SKY = 53011, 53012, 53013, 54011, 54012


class Users(Case):
    """A shared workspace of an account, with two users who trust it."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            skip("shared workspaces", "only root can become other users; run as root in a container, it is tested")
        self.folder.chmod(0o755)
        self.program = self.reachable()
        self.shared = self.folder / "shared"
        run = self.ok("init", self.shared, "--shared", "--account", ACCOUNT, "--group", EARTH)
        self.line = run.out.splitlines()[-1]
        for user in (ACCOUNT, ADA, EVE):
            self.trust(user)

    def reachable(self):
        """The command where every user can run it: the build may lie in a folder that is only ours."""
        bin = self.folder / "bin"
        bin.mkdir()
        shutil.copy(OBSCTL, bin)
        for word in subprocess.run(["ldd", OBSCTL], stdout=subprocess.PIPE, check=True, text=True).stdout.split():
            if "libobs.so" in word and word.startswith("/"):
                shutil.copy(word, bin / "libobs.so.1")
        for path in (bin, *bin.iterdir()):
            path.chmod(0o755)
        return bin / pathlib.Path(OBSCTL).name

    def trust(self, user):
        folder = self.folder / str(user) / ".config" / "obs"
        folder.mkdir(parents=True)
        (folder / "trusted").write_text(self.line + "\n")
        for path in (self.folder / str(user), folder.parent, folder, folder / "trusted"):
            os.chown(path, user, user)

    def as_user(self, user, group, *words):
        environment = {**self.environment, "HOME": str(self.folder / str(user)), "LD_LIBRARY_PATH": str(self.program.parent)}
        environment.pop("XDG_STATE_HOME")
        done = subprocess.run([str(self.program), "-w", str(self.shared), *map(str, words)], env=environment, cwd="/",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=300,
                              user=user, group=user, extra_groups=[group], umask=0o077)
        return Run(done)


class Shared(Users):
    def test_members_and_others(self):
        frame = self.path("frame", "bytes")
        frame.chmod(0o644)
        done = self.as_user(ADA, EARTH, "put", frame, "raw/a")
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertEqual(self.as_user(ACCOUNT, SKY, "get", "raw/a").raw, b"bytes")
        self.assertEqual(self.as_user(ACCOUNT, SKY, "tenant", "create", "sky", "--group", SKY).code, 0)
        who = json.loads(self.as_user(ADA, EARTH, "whoami", "--json").out)
        self.assertEqual((who["mode"], who["boundary"], who["subject"]), ("shared", "unix", f"user:{ADA}"))
        self.assertEqual([row["name"] for row in self.as_user(ADA, EARTH, "tenant", "show", "--json").rows()], ["default"])
        sentences = set()
        for words in (("-t", "sky", "ls"), ("-t", "nil", "ls"), ("tenant", "show", "sky"), ("tenant", "show", "nil")):
            refused = self.as_user(ADA, EARTH, *words)
            self.assertEqual((refused.code, refused.out), (4, ""), words)
            sentences.add(refused.err.replace("'sky'", "…").replace("'nil'", "…"))
        self.assertEqual(len(sentences), 1, sentences)
        self.assertEqual(self.as_user(ADA, EARTH, "tenant", "create", "moon", "--group", EARTH).code, 4)

    def test_trust(self):
        os.remove(self.folder / str(EVE) / ".config" / "obs" / "trusted")
        refused = self.as_user(EVE, EARTH, "ls")
        self.assertEqual(refused.code, 4)
        self.assertIn(f"'{self.line}'", refused.err)


class Auditor(Users):
    """A user of the system who may read the log of all tenants, and the data of none."""

    def setUp(self):
        super().setUp()
        frame = self.path("frame", "bytes")
        frame.chmod(0o644)
        self.does(ADA, EARTH, "put", frame, "raw/secret-name")
        self.does(ACCOUNT, SKY, "tenant", "create", "sky", "--group", SKY)
        self.does(ACCOUNT, SKY, "audit", "checkpoint")
        self.key = self.does(ACCOUNT, SKY, "audit", "key").out.strip()

    def does(self, user, group, *words):
        run = self.as_user(user, group, *words)
        self.assertEqual(run.code, 0, f"{words}: {run.out}{run.err}")
        return run

    def audits(self, *words):
        return self.as_user(EVE, SKY, "-t", "sky", "audit", *words)

    def appoint(self, *users):
        """Takes hold when the account opens its workspace the next time."""
        text = (self.shared / "obs.yaml").read_text().split("roles:")[0]
        (self.shared / "obs.yaml").write_text(text + "roles: {auditor: [" + ", ".join(f"'user:{user}'" for user in users) + "]}\n")
        self.does(ACCOUNT, SKY, "whoami")

    def refused(self, code, run, says):
        self.assertEqual(run.code, code, run.out + run.err)
        self.assertIn(says, run.err)

    def test_verifying(self):
        self.refused(4, self.audits("verify", "--key", self.key), "auditors")
        self.appoint(EVE, "nobody-of-this-name", ACCOUNT)
        self.refused(6, self.audits("verify"), "--key")
        self.refused(7, self.audits("verify", "--key", self.key), "no anchor")
        run = self.audits("verify", "--key", self.key, "--unanchored")
        self.assertEqual(run.code, 0, run.err)
        self.assertIn("the tenants' databases were not compared", run.out)
        run = self.audits("verify", "--json")
        report = run.rows()[0]
        self.assertEqual((run.code, report["rows"], report["anchored"]), (0, False, report["records"]), run.err)
        self.assertGreater(report["records"], 2)
        # Others, and members, still see nothing of it.
        self.refused(4, self.as_user(ADA, EARTH, "audit", "verify", "--key", self.key), "auditors")
        for path in ("audit/log", "audit/log/checkpoint", "audit/runs"):
            self.assertEqual(self.system(ADA, EARTH, "cat", self.shared / path), "Permission denied")
        self.appoint()
        self.refused(4, self.audits("verify"), "auditors")
        self.assertEqual(self.system(EVE, SKY, "cat", self.shared / "audit/log/checkpoint"), "Permission denied")

    def system(self, user, group, *words):
        """The end of what the system says, without the library."""
        done = subprocess.run([*map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, user=user, group=group, extra_groups=[group])
        return done.stderr.decode().strip().rsplit(": ", 1)[-1]

    def test_proving(self):
        self.appoint(EVE)
        row = self.does(ACCOUNT, SKY, "audit", "query", "--action", "store.put", "--json").rows()[0]
        self.assertEqual(row["object"], "raw/secret-name")
        self.refused(6, self.audits("prove", row["id"]), "--key")
        self.assertEqual(self.audits("verify", "--key", self.key, "--unanchored").code, 0)
        proof = self.audits("prove", row["id"])
        self.assertEqual(proof.code, 0, proof.err)
        record = self.ok("audit", "check-proof", self.path("proof", proof.raw), "--key", self.key, "--json").rows()[0]
        self.assertEqual((record["id"], record["tenant"], record["subject"]), (row["id"], "default", None))
        self.assertNotIn("secret-name", json.dumps(record))
        self.refused(6, self.audits("prove", row["id"], "--clear"), "another tenant")
        self.refused(3, self.audits("prove", row["id"][:-4] + "0000"), "no audit record")
        # His own, with what opens it.
        own = self.audits("query", "--json").rows()[0]
        self.does(ACCOUNT, SKY, "audit", "checkpoint")
        self.assertEqual(self.audits("prove", own["id"], "--clear").code, 0)

    def test_what_an_auditor_cannot(self):
        self.appoint(EVE)
        self.refused(4, self.as_user(EVE, SKY, "get", "raw/secret-name"), "no access to a tenant 'default'")
        self.refused(3, self.as_user(EVE, SKY, "-t", "sky", "get", "raw/secret-name"), "raw/secret-name")
        self.assertEqual(self.system(EVE, SKY, "cat", self.shared / "tenants/default/tenant.db"), "Permission denied")
        for path in ("audit/log/x", "audit/x"):
            self.assertEqual(self.system(EVE, SKY, "touch", self.shared / path), "Permission denied")
        self.refused(4, self.audits("checkpoint"), "only the account")
        self.assertEqual(self.audits("erase", "--subject", f"user:{ADA}").code, 3)  # not in his own tenant
        rows = self.does(ACCOUNT, SKY, "audit", "query", "--json").rows()
        self.assertIn(f"user:{ADA}", [row["subject"] for row in rows])

    def test_a_log_that_was_set_back_with_all_its_keys(self):
        self.appoint(EVE)
        home = self.folder / str(ACCOUNT) / ".local"
        for name, path in (("audit", self.shared / "audit"), ("local", home)):
            subprocess.run(["cp", "-a", path, self.folder / f"early-{name}"], check=True)
        self.does(ADA, EARTH, "ls")
        self.does(ACCOUNT, SKY, "audit", "checkpoint")
        self.assertEqual(self.audits("verify", "--key", self.key, "--unanchored").code, 0)
        for name, path in (("audit", self.shared / "audit"), ("local", home)):
            shutil.rmtree(path)
            (self.folder / f"early-{name}").rename(path)
        self.refused(7, self.audits("verify"), "the log ends here")
        self.refused(7, self.audits("verify", "--unanchored"), "the log ends here")

    def test_root_takes_nobodys_place(self):
        """Root counts as owner; the log is written with the account's key, and by nobody else."""
        root = {"HOME": str(self.folder / "root"), "XDG_STATE_HOME": str(self.folder / "root-state")}
        (self.folder / "root/.config/obs").mkdir(parents=True)
        (self.folder / "root/.config/obs/trusted").write_text(self.line + "\n")
        self.ok("-w", self.shared, "ls", environment=root)
        self.fails(4, "-w", self.shared, "audit", "checkpoint", says="only the account", environment=root)
        self.assertEqual(list((self.folder / "root-state").rglob("key")), [])
        self.does(ACCOUNT, SKY, "audit", "checkpoint")
        run = self.ok("-w", self.shared, "audit", "verify", "--key", self.key, "--unanchored", "--json", environment=root)
        self.assertTrue(run.rows()[0]["rows"])
        self.ok("-w", self.shared, "audit", "verify", environment=root)

    def test_the_account_goes_on_with_what_root_made(self):
        self.trust(0)
        done = self.as_user(0, 0, "audit", "policy", "reserve_bytes=0", "read=fail-closed")
        self.assertEqual(done.code, 0, done.err)
        done = self.as_user(ACCOUNT, ACCOUNT, "audit", "policy")
        self.assertEqual(done.code, 0, done.err)
        self.assertRegex(done.out, r"(?m)^read +fail-closed$")
        self.assertRegex(done.out, r"(?m)^reserve_bytes +0$")
        done = self.as_user(ACCOUNT, ACCOUNT, "audit", "policy", "read=fail-open")
        self.assertEqual(done.code, 0, done.err)
        for name in ("policy.json", "policy.lock"):
            self.assertEqual((self.shared / "audit" / name).stat().st_uid, ACCOUNT)


class Making(Case):
    def test_usage(self):
        self.fails(2, "init", self.folder / "x", "--group", "0", says="--shared")
        self.fails(3, "init", self.folder / "x", "--shared", "--group", "no-such-group", says="groupadd")
        self.fails(2, "tenant", "create", "sky", "--group", "0", says="personal workspace")


main()
