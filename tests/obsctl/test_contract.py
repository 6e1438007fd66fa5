"""Every command in every outcome: the exit code, one JSON object a line with --json, a sentence on stderr without."""
import json
import os

from support import Case, main

# What each command needs to succeed, to miss what it looks for, and to be used wrongly. {file} is a file that is there.
NO_WORKSPACE = None  # the only thing that cannot be found is the workspace
COMMANDS = {
    "put": (["{file}", "new"], ["{folder}/absent", "new"], ["{file}"]),
    "get": (["seen", "{folder}/copy"], ["absent", "{folder}/copy2"], []),
    "ls": ([], NO_WORKSPACE, ["a", "b"]),
    "stat": (["seen"], ["absent"], []),
    "rm": (["gone"], ["absent"], []),
    "cp": (["seen", "copy"], ["absent", "copy"], ["seen"]),
    "adopt": (["seen"], ["absent"], []),
    "labels": (["seen", "a=b"], ["absent"], ["seen", "nolabel"]),
    "search": (["night=2026-11-20", "--cone", "13h29m,+47d12m,0.5d", "--time", "2026-11-20/2026-11-21"], NO_WORKSPACE, ["--cone", "m51"]),
    "lineage": (["made", "--down"], ["absent"], ["seen", "--up", "--down"]),
    "why": (["made"], ["absent"], []),
    "reproduce": (["products/again"], ["absent"], []),
    "ingest": (["-p", "in/", "{file}"], ["{folder}/absent"], []),
    "graph": (["lineage", "seen"], ["seismogram", "absent"], ["pie"]),
    "ingest log": ([], NO_WORKSPACE, ["--limit", "many"]),
    "ingest define": (["test.new", "{schema}"], ["test.new", "{folder}/absent"], ["test.new"]),
    "ingest definitions": ([], NO_WORKSPACE, ["x"]),
    "publish": (["org.example.x", "--data", "{{}}"], NO_WORKSPACE, []),
    "subscribe": (["watcher", "--wait", "0", "--filter", "EXISTS id"], NO_WORKSPACE, ["watcher", "--filter", "type ="]),
    "relay": (["{roof}", "{night}"], NO_WORKSPACE, ["{roof}"]),
    "journal ls": ([], NO_WORKSPACE, ["x"]),
    "journal run": (["--once"], ["absent", "--once"], ["a", "b"]),
    "journal dead": ([], NO_WORKSPACE, ["a", "b"]),
    "journal replay": (["watcher", "1"], ["absent", "--all"], ["watcher"]),
    "journal discard": (["watcher", "--all"], ["absent", "--all"], ["watcher", "1", "--all"]),
    "journal pause": (["watcher", "--for", "60"], ["absent"], ["watcher", "--for", "0"]),
    "journal resume": (["watcher"], ["absent"], []),
    "journal rm": (["watcher"], ["absent"], []),
    "function new": (["look", "--python"], NO_WORKSPACE, ["look"]),
    "function run": (["--once", "nothing"], ["absent", "--once"], ["--twice"]),
    "function list": ([], NO_WORKSPACE, ["x"]),
    "function logs": (["nothing"], ["absent"], []),
    "function replay": (["event-1", "nothing"], ["absent"], []),
    "audit query": ([], NO_WORKSPACE, ["--since", "yesterday"]),
    "audit verify": ([], NO_WORKSPACE, ["x"]),
    "audit prove": (["{record}"], ["absent"], []),
    "audit check-proof": (["{proof}", "--key", "{key}"], ["{folder}/absent", "--key", "{key}"], ["{proof}"]),
    "audit checkpoint": ([], NO_WORKSPACE, ["x"]),
    "audit key": ([], NO_WORKSPACE, ["x"]),
    "audit policy": (["read=fail-open"], NO_WORKSPACE, ["read=sometimes"]),
    "audit seal": ([], NO_WORKSPACE, ["x"]),
    "audit erase": (["--subject", "{me}"], ["--subject", "user:absent"], []),
    "config set": (["ccd.gain", "1.7"], NO_WORKSPACE, ["ccd.gain"]),
    "config unset": (["ccd.gone"], NO_WORKSPACE, []),
    "config sign": (["{settings}"], ["{folder}/absent"], []),
    "config get": (["ccd.gain"], ["ccd.absent"], ["a", "b"]),
    "config explain": ([], ["ccd.absent"], ["a", "b"]),
    "config sources": ([], NO_WORKSPACE, ["x"]),
    "config validate": (["{settings}"], ["{folder}/absent"], []),
    "config watch": (["--count", "1"], ["ccd.absent"], ["--count", "0"]),
    "tenant create": (["weather"], NO_WORKSPACE, ["Not A Name"]),
    "tenant show": ([], ["absent"], ["a", "b"]),
    "tenant modify": (["weather", "--bytes", "1G"], ["absent", "--bytes", "1G"], ["weather"]),
    "tenant suspend": (["weather", "--reason", "the bill"], ["absent"], []),
    "tenant resume": (["weather"], ["absent"], []),
    "tenant export": (["weather", "{folder}/exported"], ["absent", "{folder}/none"], ["weather"]),
    "tenant delete": (["weather", "--yes", "weather"], ["absent", "--yes", "absent"], ["weather"]),
    "ingest stats": ([], NO_WORKSPACE, ["--by", "moon"]),
    "du": ([], NO_WORKSPACE, ["--depth", "0"]),
    "workspace check": ([], NO_WORKSPACE, ["x"]),
    "metrics": ([], NO_WORKSPACE, ["x"]),
    "top": (["--once"], NO_WORKSPACE, ["--interval", "0"]),
    "errors": ([], NO_WORKSPACE, ["--since", "lately"]),
    "doctor": (["--bundle", "{folder}/bundle.tar"], NO_WORKSPACE, ["--bundle", "{file}", "--force"]),
    "whoami": ([], NO_WORKSPACE, ["x"]),
    "logout": ([], NO_WORKSPACE, ["x"]),
    "token issue": ([], NO_WORKSPACE, ["--lifetime", "0"]),
    "token keys": ([], NO_WORKSPACE, ["x"]),
    "token rotate": ([], NO_WORKSPACE, ["x"]),
    "token revoke": (["--subject", "function:nobody"], NO_WORKSPACE, []),
}
WITHOUT_WORKSPACE = {"completion": (["bash"], ["tcsh"]), "man": (["put"], ["absent"]), "help": (["put"], ["absent"]),
                     "version": ([], ["x"])}
ANYWHERE = {"audit check-proof", "relay"}  # with files, or workspaces, of its own


class Contract(Case):
    def setUp(self):
        super().setUp()
        self.put("seen", b"x\n", "--label", "night=2026-11-20")
        self.put("made", b"y\n", "--from", "seen")
        self.put("gone")
        self.put("gone2")
        self.names = {"file": self.path("file", "x\n"), "folder": self.folder, "schema": self.path("schema.json", '{"type":"object"}'),
                      "settings": self.path("settings.yaml", "version: 1\n"), "roof": self.folder / "roof", "night": self.workspace}
        self.ok("init", self.names["roof"])
        with (self.names["roof"] / "obs.yaml").open("a") as config:
            config.write("site: roof\n")
        self.bury("watcher", 2)
        self.write_function("nothing")
        self.write_function("again", "{}")
        self.ok("publish", "org.example.nothing", "--id", "event-1")
        self.ok("publish", "org.example.again")
        self.ok("function", "run", "again", "--once")
        self.ok("audit", "checkpoint")
        record = self.ok("audit", "query", "--json", "-n1").rows()[0]["id"]
        self.names.update(record=record, me=self.ok("whoami", "--json").rows()[0]["subject"], key=self.ok("audit", "key").out.strip(),
                          proof=self.path("proof", self.ok("audit", "prove", record).out))
        with (self.workspace / "obs.yaml").open("a") as lines:
            lines.write("destinations: [{name: hook, url: 'https://localhost/', type: org.example.never}]\n")
        (self.workspace / "config.yaml").write_text("ccd:\n  gain: 1.5\n  gone: 1\n  gone2: 1\n")

    def fill(self, words):
        return [word.format(**self.names) for word in words]

    def test_every_command_is_here(self):
        listed = {row["command"] for row in self.ok("help", "--json").rows()}
        self.assertEqual(listed, set(COMMANDS) | set(WITHOUT_WORKSPACE) | {"init", "login", "token verify"})

    def test_success(self):
        for name, (words, _, _) in COMMANDS.items():
            with self.subTest(name):
                self.assertEqual(self.ok(*name.split(), *self.fill(words)).err, "")

    def test_success_json(self):
        for name, (words, _, _) in COMMANDS.items():
            with self.subTest(name):
                run = self.ok(*name.split(), *self.fill(words), "--json")
                self.assertEqual(run.err, "")
                self.assertFalse([row for row in run.rows() if "error" in row])

    def test_not_found(self):
        for name, (_, words, _) in COMMANDS.items():
            with self.subTest(name):
                if words is not None:
                    out = self.fails(3, *name.split(), *self.fill(words)).out
                    self.assertRegex(out, r"^0 accepted, 0 refused in \d+\.\d\d s\n$" if name == "ingest" else r"^$")
                    self.fails_json(3, "NOT_FOUND", *name.split(), *self.fill(words))

    def test_no_workspace(self):
        for name, (words, _, _) in COMMANDS.items():
            if name in ANYWHERE:
                continue
            with self.subTest(name):
                run = self.run_at(self.folder, [*name.split(), *self.fill(words), "--json"])
                self.assertEqual((run.code, run.error()["status"]), (3, "NO_WORKSPACE"), run.out + run.err)
                self.assertIn("obsctl init", run.error()["message"])

    def test_wrong_workspace(self):
        self.fails(3, "ls", "-w", self.folder / "absent", says="absent")
        self.fails(3, "ls", "-t", "absent", says="tenant create absent")

    def test_usage(self):
        for name, (_, _, words) in COMMANDS.items():
            with self.subTest(name):
                self.assertEqual(self.fails(2, *name.split(), *self.fill(words)).out, "")
                self.fails_json(2, "INVALID_ARGUMENT", *name.split(), *self.fill(words))

    def test_unknown_option_of_every_command(self):
        for name in [*COMMANDS, *WITHOUT_WORKSPACE]:
            with self.subTest(name):
                self.fails(2, *name.split(), "--no-such-thing", says="--no-such-thing")
                self.fails_json(2, "INVALID_ARGUMENT", *name.split(), "--no-such-thing")

    def test_without_workspace(self):
        for name, (good, bad) in WITHOUT_WORKSPACE.items():
            with self.subTest(name):
                run = self.run_at(self.folder, [name, *good, "--json"])
                self.assertEqual((run.code, run.err, len(run.rows())), (0, "", 1), run.out + run.err)
                self.fails(2, name, *bad)
                self.fails_json(2, "INVALID_ARGUMENT", name, *bad)

    def test_init(self):
        run = self.run_at(self.folder, ["init", "second", "--json"])
        self.assertEqual((run.code, run.rows()), (0, [{"workspace": "second"}]))
        self.fails_json(6, "ALREADY_EXISTS", "init", self.workspace)
        self.fails(6, "init", self.workspace, says="not empty")
        self.fails_json(2, "INVALID_ARGUMENT", "init")

    def test_conflict(self):
        self.put("raw/a")
        self.fails_json(6, "ALREADY_EXISTS", "put", self.names["file"], "raw/a")
        self.fails(6, "put", self.names["file"], "seen", "--if-match", '"other"')
        self.fails(6, "put", self.names["file"], "seen", "--if-none-match", "*")
        self.fails(6, "rm", "raw/a", says="raw/a")

    def test_integrity(self):
        with open(self.workspace / "store" / "seen", "r+b") as body:
            body.write(b"y")
        (self.workspace / "store" / "seen").touch()
        stat = json.loads(self.ok("stat", "seen", "--json").out)
        self.assertTrue(stat["changed_outside"], "another tool changed it")
        self.ok("adopt", "seen")
        self.assertEqual(self.ok("get", "seen").out, "y\n")

    def test_damage(self):
        path = self.workspace / "store" / "seen"
        before = path.stat()
        with open(path, "r+b") as body:
            body.write(b"z")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.fails(7, "get", "seen", says="workspace check")
        self.fails_json(7, "DATA_LOSS", "get", "seen", self.folder / "damaged")
        self.assertFalse((self.folder / "damaged").exists())
        self.fails_json(7, "DATA_LOSS", "workspace", "check")

    def test_several_arguments(self):
        run = self.fails(3, "rm", "absent", "gone", "other", says="absent")
        self.assertIn("other", run.err)
        self.fails(3, "stat", "gone")
        run = self.obsctl("rm", "gone2", "absent", "--json")
        self.assertEqual(run.code, 3)
        self.assertEqual([list(row) for row in run.rows()], [["deleted"], ["error"]])
        self.assertEqual(run.error()["object"], "absent")

    def test_unknown_names_point_to_known_ones(self):
        self.fails(2, "serach", says="did you mean 'search'?")
        self.fails(2, "put", "--lable=x=y", says="did you mean '--label'?")
        self.fails(2, "audit", says="'obsctl audit query'")
        self.fails(2, "audit", "qeury", says="'obsctl audit query'")
        self.fails(2, "zzzzzzzz", says="obsctl help")

    def test_where_options_stand(self):
        for words in (["--json", "ls", "seen"], ["ls", "--json", "seen"], ["ls", "seen", "--json"],
                      ["-w", self.workspace, "--json", "ls", "seen"]):
            self.assertEqual(self.ok(*words).rows()[0]["key"], "seen")
        self.assertIn("seen", self.ok("ls", "-rl").out)
        self.assertEqual(len(self.ok("ls", "-n1", "--json").rows()), 1)
        self.fails(2, "ls", "--long=yes", says="takes no value")
        self.fails(2, "ls", "--limit", says="needs a value")
        self.fails(2, "ls", "--timeout", "soon", says="soon")

    def test_dashes(self):
        for key in ("--json", "-x"):
            self.ok("put", "-", "--", key, input=b"bytes\n")
        self.assertEqual(self.ok("get", "--", "--json").out, "bytes\n")
        self.ok("rm", "--", "-x", "--json")
        self.assertEqual(self.fails(3, "stat", "--", "--json").out, "")

    def test_more_arguments_than_fit(self):
        self.fails(2, "ls", *["--label=a=b"] * 3)
        self.fails(2, "put", self.names["file"], "k", *["-l", "a=b"] * 300, says="256")

    def test_no_command(self):
        run = self.fails(2, says="obsctl help")
        self.assertIn("usage:", run.err)
        self.fails_json(2, "INVALID_ARGUMENT")


if __name__ == "__main__":
    main()
