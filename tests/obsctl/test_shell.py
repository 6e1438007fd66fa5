"""Shell completion, help, man pages, and how fast the command starts."""
import os
import re
import resource
import shutil
import statistics
import subprocess
import time

from support import Case, OBSCTL, SANITIZED, main, skip


class Shell(Case):
    def commands(self):
        return [row["command"] for row in self.ok("help", "--json").rows()]

    def candidates(self, *words):
        return self.ok("__complete", "--", *words).out.splitlines()

    def test_candidates(self):
        self.put("raw/2026/a.fits")
        self.put("raw/b")
        self.put("top")
        self.ok("tenant", "create", "weather")
        self.define()
        for words, expected in (
            (["pu"], ["put", "publish"]),
            (["audit", "q"], ["query"]),
            (["tenant", "s"], ["show", "suspend"]),
            (["get", ""], ["raw/", "top"]),
            (["get", "raw/"], ["raw/2026/", "raw/b"]),
            (["get", "top", ""], []),
            (["put", ""], []),
            (["put", "file", "t"], ["top"]),
            (["put", "--label", "a=b", "file", "t"], ["top"]),
            (["cp", "top", "raw/"], ["raw/2026/", "raw/b"]),
            (["rm", "top", "raw/b", "t"], ["top"]),
            (["labels", "to"], ["top"]),
            (["--json", "stat", "to"], ["top"]),
            (["stat", "--", "to"], ["top"]),
            (["ls", "-t", ""], ["default", "weather"]),
            (["ls", "--tenant", "w"], ["weather"]),
            (["ls", "-t", "weather", ""], []),
            (["tenant", "show", "w"], ["weather"]),
            (["ingest", "-d", ""], ["test.magnitude"]),
            (["completion", ""], ["bash", "zsh", "fish"]),
            (["help", "who"], ["whoami"]),
            (["get", "--ra"], ["--range"]),
            (["ls", "--limit", ""], []),
            (["absent", ""], []),
        ):
            self.assertEqual(sorted(self.candidates(*words)), sorted(expected), words)
        self.assertIn("ingest", self.candidates(""))
        self.assertEqual(len(self.candidates("")), len(set(self.candidates(""))))
        self.assertTrue(all(word.startswith("--") for word in self.candidates("search", "--")))

    def test_candidates_outside(self):
        run = self.run_at(self.folder, ["__complete", "--", "get", ""])
        self.assertEqual((run.code, run.out, run.err), (0, "", ""))

    def test_keys_that_a_shell_cannot_take(self):
        self.put("bad\nkey")
        self.put("bad\u202ekey")
        self.put("bad key")
        self.assertEqual(self.candidates("get", "bad"), ["bad key"])

    def in_bash(self, line):
        script = f'''source <({OBSCTL} completion bash) || exit 9
            COMP_LINE=$1 COMP_POINT=${{#1}}
            words=$1; for c in = :; do words=${{words//$c/ $c }}; done
            read -ra COMP_WORDS <<<"$words"; [[ $1 == *" " ]] && COMP_WORDS+=("")
            COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); compopt() {{ :; }}
            _obsctl && printf '%s\\n' "${{COMPREPLY[@]}}"'''
        path = os.path.dirname(OBSCTL) + ":" + self.environment["PATH"]
        done = subprocess.run(["bash", "-uc", script, "bash", line], cwd=self.workspace, env={**self.environment, "PATH": path},
                              capture_output=True, text=True, timeout=300)
        self.assertEqual((done.returncode, done.stderr), (0, ""), line)
        return done.stdout.split("\n")[:-1]

    def test_bash(self):
        self.put("raw/a b")
        self.put("time:12:30")
        self.assertEqual(self.in_bash("obsctl who"), ["whoami"])
        self.assertEqual(self.in_bash("obsctl audit q"), ["query"])
        self.assertEqual(self.in_bash("obsctl get ra"), ["raw/"])
        self.assertEqual(self.in_bash("obsctl get raw/"), ["raw/a b"])
        self.assertEqual(self.in_bash("obsctl get time:1"), ["12:30"])
        self.assertEqual(self.in_bash("obsctl search --lim"), ["--limit"])

    def test_other_shells(self):
        for shell, check in (("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])):
            script = self.path(f"script.{shell}", self.ok("completion", shell).raw)
            if shutil.which(shell):
                subprocess.run([*check, script], check=True)

    def test_completion_is_quick(self):
        for i in range(100):
            self.put(f"raw/key{i:03}")
        self.limit("completion", 0.050, "__complete", "--", "get", "raw/")

    def test_start_is_quick(self):
        self.limit("obsctl --help", 0.010, "--help")

    def limit(self, what, seconds, *words):
        """Of its own work, which others at the same time do not make more; what it takes on a quiet machine is only shown."""
        if SANITIZED:
            skip("how quick obsctl is", "sanitizers make it slow; the ordinary build runs this test")
        runs, true = [], []
        for _ in range(31):
            true.append(self.clock(["/bin/true"]))
            runs.append(self.clock([OBSCTL, *words]))
        work, whole = (statistics.median(times) * 1e3 for times in zip(*runs))
        print(f"{what}: {work:.1f} ms of work in {whole:.1f} ms, /bin/true {statistics.median(times[1] for times in true) * 1e3:.1f} ms")
        self.assertLess(min(run[0] for run in runs), 3 * seconds)

    def clock(self, words):
        """Seconds of work, and in all."""
        begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(words, cwd=self.workspace, env=self.environment, stdout=subprocess.DEVNULL, check=True)
        whole, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, whole

    def test_help_of_every_command(self):
        for command in self.commands():
            with self.subTest(command):
                asked = self.ok("help", *command.split()).out
                self.assertTrue(asked.startswith(f"obsctl {command} - "), asked)
                self.assertIn(f"usage: obsctl {command}", asked)
                self.assertTrue(self.ok(*command.split(), "--help").out in asked)
                self.assertTrue(self.ok("--help", *command.split()).out in asked)
                self.assertEqual(len(self.ok(*command.split(), "--help", "--json").rows()), 1)
        self.assertIn("audit query", self.ok("help", "audit").out)

    def test_man_pages(self):
        groff = shutil.which("groff")
        if not groff:
            skip("roff of man pages", "there is no groff")
        for command in ["", *self.commands()]:
            with self.subTest(command):
                page = self.ok("man", *command.split()).raw
                done = subprocess.run([groff, "-ww", "-man", "-Tutf8"], input=page, capture_output=True)
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                self.assertIn(b"EXIT STATUS", re.sub(rb".\x08|\x1b\[[0-9;]*m", b"", done.stdout))

    def test_files_of_a_package(self):
        self.ok("__files", self.folder / "share")
        pages = {path.name for path in (self.folder / "share/man/man1").iterdir()}
        self.assertEqual(pages, {"obsctl.1"} | {f"obsctl-{name.replace(' ', '-')}.1" for name in self.commands()})
        self.assertEqual((self.folder / "share/bash-completion/completions/obsctl").read_text(), self.ok("completion", "bash").out)
        self.fails(6 if os.geteuid() else 3, "__files", "/proc/absent")


if __name__ == "__main__":
    main()
