"""The archive for support: all that helps, and no byte of a secret, of data or of a name."""
import base64
import io
import json
import os
import resource
import signal
import stat
import subprocess
import tarfile
import time

from support import Case, OBSCTL, main

FILES = {"README", "manifest.json", "system.json", "layout.txt", "whoami.json", "tenants.json", "consumers.json", "destinations.json",
         "functions.json", "sources.json", "config.json", "health.json", "metrics.txt", "errors.json", "recent.json", "audit.json"}


def spellings(secret):
    """The bytes of a secret, and what they look like in other clothes: as base64 at each of three places, in hexadecimal, backwards."""
    yield secret
    yield secret.hex().encode()
    yield secret[::-1]
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + secret).rstrip(b"=")
        yield coded[4:-2]


class Bundle(Case):
    def canary(self, where):
        """Never twice the same, so that a find says where it came from. In lower case, as words of ours are."""
        word = f"canary{where}" + "".join(chr(97 + byte % 26) for byte in os.urandom(12))
        self.canaries[where] = word
        return word

    def unpack(self, data):
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            members = archive.getmembers()
            for member in members:
                self.assertTrue(member.isreg() and member.name.startswith("obs-bundle/") and member.mode == 0o600, member)
            return {member.name.removeprefix("obs-bundle/"): archive.extractfile(member).read() for member in members}

    def bundle(self, code=0, **options):
        path = self.folder / "bundle.tar"
        path.unlink(missing_ok=True)
        run = self.obsctl("doctor", "--bundle", path, **options)
        self.assertEqual(run.code, code, run.err)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        return path.read_bytes(), run

    def expect_clean(self, data):
        parts = self.unpack(data)
        for where, word in self.canaries.items():
            for spelling in spellings(word.encode()):
                for name, text in {"(the archive)": data, **parts}.items():
                    self.assertNotIn(spelling.lower(), text.lower(), f"{where} is in {name}")
        return parts

    def private(self, path, text):
        path.write_text(text)
        path.chmod(0o600)
        return path

    def fill(self):
        """Each thing that must stay here, with a word of its own in it; and that the word is where it should be."""
        secret, kept = self.canary("environment"), self.canary("file")
        self.environment["BUNDLE_SECRET"] = secret
        self.private(self.folder / "secret", kept)
        path = self.workspace / "obs.yaml"
        path.write_text("".join(line for line in path.read_text().splitlines(True) if not line.startswith("config:")))
        with path.open("a") as lines:
            lines.write(f"secrets: ['env:BUNDLE_SECRET', 'file:{self.folder}/secret']\n"
                        "config: [file:config.yaml, 'env:NIGHT_']\n"
                        f"destinations: [{{name: {self.canary('destination')}, url: "
                        f"'https://localhost/{self.canary('path')}?night={self.canary('query')}', type: org.example.never}}]\n")
        self.environment["NIGHT_PLACE"] = self.canary("variable")
        (self.workspace / "config.yaml").write_text(
            "gain: 1.5\nshutter: true\npassword: ${secret:env:BUNDLE_SECRET}\nother: ${secret:file:%s/secret}\n"
            "url: 'https://me:%s@example.org/'\ntext: '%s two words'\nlist: [%s]\n# %s\n"
            % (self.folder, self.canary("credentials"), self.canary("setting"), self.canary("list"), self.canary("comment")))
        self.ok("tenant", "create", self.canary("tenant"))
        key, label = f"raw/{self.canary('key')}", self.canary("label")
        self.put(key, self.canary("object").encode(), "--label", f"{self.canary('labelname')}={label}")
        self.fails(6, "put", self.path("x", "1"), key)
        self.fails(3, "get", self.canary("absent"))
        self.ok("publish", self.canary("type") + ".made", "--id", self.canary("event"), "--subject", self.canary("subject"),
                input=json.dumps({"x": self.canary("data")}).encode())
        self.bury(self.canary("consumer"), 2)
        self.define("test." + self.canary("definition"))
        definition = "test." + self.canaries["definition"]
        self.ok("ingest", "--definition", definition,
                self.path("r.ndjson", '{"id":"%s"}\n{"id":"a","mag":1,"note":"%s"}\n' % (self.canary("refused"), self.canary("record"))))
        self.write_function(self.canary("function"))
        folder = self.workspace / "functions" / self.canaries["function"]
        (folder / "logs").mkdir(mode=0o700)
        self.private(folder / "logs" / "output.jsonl", '{"line":"%s"}\n' % self.canary("printed"))
        self.private(folder / self.canary("program"), self.canary("code"))
        token = self.ok("token", "issue", "--subject", "user:" + self.canary("user"), "--scope", "storage.read:/").out.strip()
        self.canaries["token"], self.canaries["signature"] = token, token.split(".")[2]
        self.obsctl("ls", environment={"BEARER_TOKEN": token})
        self.ok("tenant", "suspend", self.canaries["tenant"], "--reason", self.canary("reason"))
        self.keys = [path for path in (self.folder / "state").rglob("*") if path.is_file() and "key" in str(path)]
        self.assertGreaterEqual(len(self.keys), 2)

    def setUp(self):
        super().setUp()
        self.canaries = {}

    def test_no_canary(self):
        self.fill()
        self.assertIn(self.canaries["key"], self.ok("errors", "--json").out + self.ok("audit", "query", "--json").out)
        data, run = self.bundle()
        parts = self.expect_clean(data)
        self.assertEqual(set(parts), FILES)
        for path in self.keys:
            body = path.read_bytes()
            pieces = [body] if b"-----" not in body else [line for line in body.splitlines() if b"-----" not in line]
            for piece in pieces:
                self.assertFalse(len(piece) > 15 and any(piece in text for text in parts.values()), path)
        for part in parts.values():
            self.assertNotIn(str(self.folder).encode(), part)
            self.assertNotIn(os.uname().nodename.encode(), part)
        self.assertEqual(run.err, "")
        names = json.loads(self.obsctl("doctor", "--json", "--bundle", self.folder / "second.tar").out)["names"]
        self.assertIn(self.canaries["consumer"], names.values())

    def test_the_search_finds(self):
        """A canary in a bundle would be seen, in all its spellings."""
        self.canary("one")
        word = self.canaries["one"].encode()
        for text in (word, word.upper(), base64.b64encode(b"user:" + word + b":x"), word.hex().encode(), word[::-1]):
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode="w") as archive:
                info = tarfile.TarInfo("obs-bundle/x")
                info.size, info.mode = len(text), 0o600
                archive.addfile(info, io.BytesIO(text))
            with self.assertRaises(AssertionError, msg=text):
                self.expect_clean(out.getvalue())

    def test_what_is_in_it(self):
        self.fill()
        data, _ = self.bundle()
        parts = self.unpack(data)
        rows = {name.removesuffix(".json"): json.loads(text) for name, text in parts.items() if name.endswith(".json")}
        self.assertEqual({row["file"]: (row["bytes"], row["status"]) for row in rows["manifest"]["files"]},
                         {name: (len(text), "OK") for name, text in parts.items() if name != "manifest.json"})
        self.assertTrue(any("tokens" in text for text in rows["manifest"]["left_out"]))
        settings = {row["setting"]: row.get("value") for row in rows["config"]}
        self.assertEqual([settings[name] for name in ("gain", "shutter", "text", "list", "password")], [1.5, True, "(text)", "(list)", None])
        self.assertEqual([row["secret"][:17] for row in rows["config"] if "secret" in row][0], "env:BUNDLE_SECRET")
        self.assertEqual(len(rows["tenants"]), 2)
        self.assertEqual([row["dead"] for row in rows["consumers"] if row["dead"]], [2])
        self.assertEqual({part["part"] for part in rows["health"]["parts"]} & {"catalog", "audit", "disk"}, {"catalog", "audit", "disk"})
        self.assertIn(("store.put", "ALREADY_EXISTS"), {(row["action"], row["status"]) for row in rows["errors"]})
        self.assertIn("store.get", {row["action"] for row in rows["recent"]})
        self.assertEqual(rows["system"]["libobs"], json.loads(self.ok("version", "--json").out)["version"])
        self.assertEqual(rows["audit"]["problems"], [])
        self.assertEqual([row["state"] for row in rows["functions"]], ["ok"])
        self.assertIn(b"obs_tenant_up{tenant=\"name-", parts["metrics.txt"])
        self.assertIn(b"tenants/name-", parts["layout.txt"])

    def test_one_name_everywhere(self):
        self.ok("tenant", "create", "weather")
        parts = self.unpack(self.bundle()[0])
        name = next(row["name"] for row in json.loads(parts["tenants.json"]) if row["name"] != json.loads(parts["whoami.json"])["tenant"])
        self.assertIn(f'tenant="{name}"'.encode(), parts["metrics.txt"])
        self.assertIn(f"tenants/{name}/tenant.db".encode(), parts["layout.txt"])

    def test_a_workspace_that_cannot_be_opened(self):
        """Then it is wanted most."""
        with (self.workspace / "obs.yaml").open("a") as lines:
            lines.write(f"events: {{{self.canary('wrong')}: 'https://me:{self.canary('login')}@example.org/'}}\n")
        data, run = self.bundle(self.obsctl("doctor").code)
        self.assertIn("obs.yaml", run.err)
        parts = self.expect_clean(data)
        self.assertNotEqual(json.loads(parts["open.json"])["status"], "OK")
        self.assertEqual([row["status"] for row in json.loads(parts["manifest.json"])["files"] if row["file"] == "open.json"],
                         [json.loads(parts["open.json"])["status"]])
        self.assertIn("system.json", parts)

    def test_a_database_that_is_damaged(self):
        self.put("a")
        path = self.workspace / "tenants/default/tenant.db"
        for name in ("tenant.db-wal", "tenant.db-shm"):
            path.with_name(name).unlink(missing_ok=True)
        path.write_bytes(b"canary that is no database" * 400)
        self.canaries["database"] = "canary that is no database"
        data, run = self.bundle(self.obsctl("doctor").code)
        self.assertIn("SQLite", json.loads(self.expect_clean(data)["open.json"])["detail"])
        self.assertIn(str(self.folder), run.err)
        self.assertNotIn(str(self.folder).encode(), data)

    def test_part_that_cannot_be_had(self):
        """A token that allows little: the bundle says what it could not see, and is made."""
        token = self.ok("token", "issue", "--subject", "user:ada", "--scope", "storage.read:/raw").out.strip()
        self.canaries["token"] = token
        data, _ = self.bundle(environment={"BEARER_TOKEN": token})
        parts = self.expect_clean(data)
        status = {row["file"]: row["status"] for row in json.loads(parts["manifest.json"])["files"]}
        self.assertEqual(status["audit.json"], "PERMISSION_DENIED")
        self.assertEqual(json.loads(parts["audit.json"])["status"], "PERMISSION_DENIED")

    def test_never_overwrites(self):
        path = self.path("there", "mine")
        self.fails(6, "doctor", "--bundle", path, says="exists")
        self.assertEqual(path.read_text(), "mine")
        self.fails(2, "doctor", "--bundle", path, "--force")
        link = self.folder / "link"
        link.symlink_to(self.folder / "nowhere")
        self.fails(6, "doctor", "--bundle", link)
        self.assertFalse((self.folder / "nowhere").exists())
        self.fails(2, "doctor", "--bundle", self.folder)
        self.fails(3, "doctor", "--bundle", self.folder / "no" / "folder")

    def test_umask(self):
        self.addCleanup(os.umask, os.umask(0))
        self.bundle()

    def test_full_disk(self):
        """A file may not grow beyond 4 KiB: as with a full disk nothing is left."""
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        other = self.folder / "empty"
        other.mkdir()
        run = self.run_at(other, ["doctor", "--bundle", "b.tar"], preexec_fn=limit)
        self.assertNotEqual(run.code, 0)
        self.assertIn("b.tar", run.err)
        self.assertEqual(list(other.iterdir()), [])
        with open("/dev/full", "wb") as full:
            self.assertNotEqual(self.obsctl("doctor", "--bundle", "-", stdout=full).code, 0)

    def test_interrupted(self):
        """Whenever it is ended there is a whole archive or none."""
        other = self.folder / "empty"
        other.mkdir()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            for step in range(6):
                process = subprocess.Popen([OBSCTL, "doctor", "--bundle", other / "b.tar"], cwd=self.workspace, env=self.environment,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(step * 0.004)  # any moment is right
                process.send_signal(number)
                process.wait(300)
                for path in other.iterdir():
                    self.assertEqual(path.name, "b.tar")
                    self.assertIn("manifest.json", self.unpack(path.read_bytes()))
                    path.unlink()

    def test_standard_output(self):
        run = self.ok("doctor", "--bundle", "-")
        self.assertEqual(set(self.unpack(run.raw)), FILES)

    def test_its_size(self):
        """The size does not grow with the data."""
        for number in range(30):
            self.put(f"raw/{number}")
        first = len(self.bundle()[0])
        for number in range(30, 60):
            self.put(f"raw/{number}", b"x" * 10000)
        self.assertLess(len(self.bundle()[0]), first + 60000)


main()
