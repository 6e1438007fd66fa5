"""Configuration from the command line: reading, changing, explaining, refusing, watching, signing."""
import json
import signal
import subprocess

from support import Case, main

DOCUMENT = """# settings of the night
ccd:
  gain: 1.5   # e/ADU
  exposure: 30s
sites: [La Palma, Paranal]
archive:
  password: ${secret:env:ARCHIVE_PASSWORD}
"""
SCHEMA = {"type": "object", "properties": {"ccd": {"type": "object", "properties": {"gain": {"type": "number", "maximum": 10}}}}}


class Config(Case):
    def setUp(self):
        super().setUp()
        self.settings = self.workspace / "config.yaml"
        self.settings.write_text(DOCUMENT)
        (self.workspace / "config.schema.json").write_text(json.dumps(SCHEMA))
        with open(self.workspace / "obs.yaml", "a", encoding="utf-8") as local:
            local.write("schema: file:config.schema.json\nsecrets: ['env:ARCHIVE_PASSWORD']\nlocked: [safety]\n")

    def layers(self, text):
        local = (self.workspace / "obs.yaml").read_text().replace("config: file:config.yaml", f"config: {text} #")
        (self.workspace / "obs.yaml").write_text(local)

    def test_get(self):
        self.assertEqual(self.ok("config", "get", "ccd.gain").out, "1.5\n")
        self.assertEqual(self.ok("config", "get", "ccd.exposure").out, "30s\n")
        self.assertEqual(self.ok("config", "get", "ccd", "--json").rows(), [{"name": "ccd", "value": {"gain": 1.5, "exposure": "30s"}}])
        self.assertEqual(self.ok("config", "get", "sites.1").out, "Paranal\n")
        self.fails(3, "config", "get", "ccd.gian", says="ccd.gain")

    def test_set_keeps_comments(self):
        self.ok("config", "set", "ccd.gain", "1.7")
        self.ok("config", "unset", "ccd.exposure")
        self.assertEqual(self.settings.read_text(), DOCUMENT.replace("1.5", "1.7").replace("  exposure: 30s\n", ""))
        row = self.ok("audit", "query", "--action", "config.set", "--json").rows()[0]
        self.assertEqual((row["class"], row["status"]), ("config", "OK"))
        self.assertIn("1.5", row["object"])
        self.assertIn("1.7", row["object"])

    def test_a_value_that_does_not_fit_changes_nothing(self):
        self.fails(1, "config", "set", "ccd.gain", "31.4", says="config.yaml:3:9: 'ccd.gain'")
        self.fails(1, "config", "set", "ccd.gain", "31.4", "--dry-run", says="config.yaml:3:9: 'ccd.gain'")
        self.ok("config", "set", "ccd.gain", "2", "--dry-run")
        self.assertEqual(self.settings.read_text(), DOCUMENT)

    def test_if_match(self):
        etag = self.ok("config", "explain", "ccd.gain", "--json").rows()[0]["etag"]
        self.ok("config", "set", "ccd.gain", "1.7", "--if-match", etag)
        self.fails(6, "config", "set", "ccd.gain", "1.8", "--if-match", etag)
        self.assertEqual(self.ok("config", "get", "ccd.gain").out, "1.7\n")

    def test_explain_says_the_line_and_what_is_overridden(self):
        self.layers("[file:config.yaml, 'env:NIGHT_']")
        self.environment["NIGHT_CCD__GAIN"] = "1.9"
        row = self.ok("config", "explain", "ccd.gain", "--json").rows()[0]
        self.assertEqual((row["value"], row["layer"]), (1.9, "env:NIGHT_"))
        self.assertEqual(row["overrides"][0]["place"], "config.yaml:3:9")
        self.environment["NIGHT_SAFETY__DOME"] = "open"
        self.fails(1, "config", "get", "safety.dome", says="NIGHT_SAFETY__DOME")

    def test_a_secret_is_shown_by_name_only(self):
        self.environment["ARCHIVE_PASSWORD"] = "correct-horse-battery"
        for words in (["get"], ["get", "archive.password"], ["explain"], ["sources"], ["get", "--json"], ["explain", "--json"]):
            run = self.ok("config", *words)
            self.assertNotIn("correct-horse", run.out + run.err, words)
        self.assertIn("env:ARCHIVE_PASSWORD", self.ok("config", "get", "archive.password").out)

    def test_a_secret_that_obs_yaml_does_not_name(self):
        self.settings.write_text(DOCUMENT + "other: ${secret:env:HOME}\n")
        self.fails(4, "config", "get", "ccd.gain", says="config.yaml:8:8")

    def test_validate(self):
        self.ok("config", "validate", self.path("good.yaml", "ccd: {gain: 9}\n"))
        self.fails(1, "config", "validate", self.path("bad.yaml", "ccd: {gain: 11}\n"), says="bad.yaml:1:13")
        self.fails(2, "config", "validate", self.path("twice.yaml", "ccd: 1\nccd: 2\n"), says="twice.yaml:2:1")

    def test_watch(self):
        process = self.start("config", "watch", "ccd.gain", stdout=subprocess.PIPE, text=True)
        with process.stdout as lines:
            self.assertEqual(lines.readline(), "1.5\n")
            self.ok("config", "set", "ccd.gain", "1.7")
            self.assertEqual(lines.readline(), "1.7\n")
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=300)

    def test_a_signed_layer_takes_its_key_only_and_never_goes_back(self):
        signed = {}
        for version in (1, 2):
            run = self.ok("config", "sign", self.path(f"v{version}.yaml", f"version: {version}\nccd: {{gain: {version}}}\n"), "--json")
            signed[version] = run.rows()[0]
        self.assertEqual(self.ok("config", "sign", "--key", self.folder / "v1.yaml").out.strip(), signed[1]["key"].strip())
        self.layers("[{url: 'file:signed.yaml', key: '%s'}]" % signed[1]["key"].strip())
        target = self.workspace / "signed.yaml"
        for version, gain in ((2, "2\n"), (1, "2\n")):
            target.write_text(signed[version]["document"])
            self.assertEqual(self.ok("config", "get", "ccd.gain").out, gain)
        self.assertEqual(self.ok("config", "sources", "--json").rows()[0]["state"], "refused")
        target.write_text(signed[2]["document"].replace("gain: 2", "gain: 3"))
        self.assertEqual(self.ok("config", "get", "ccd.gain").out, "2\n")
        self.fails(6, "config", "set", "ccd.gain", "4")


if __name__ == "__main__":
    main()
