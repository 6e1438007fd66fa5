"""Looks for secrets where they do not belong: core dumps of clients that use them, arguments and environments of processes, logs,
errors, the audit trail and all files of the workspace; raw, in base64 of both alphabets, hexadecimal and URL-encoded.

    leak.py FOLDER_OF_PROGRAMS

Whatever is searched holds a canary, in each of these forms, which the same search must find there.
"""

from __future__ import annotations

import base64
import os
import re
import resource
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

PATTERN = Path("/proc/sys/kernel/core_pattern")


def forms(secret: bytes) -> dict[str, bytes]:
    """How a secret may be written. Base64 has three, by where in its groups the secret begins; their ends are left out."""
    found = {"raw": secret, "hex": secret.hex().encode(), "HEX": secret.hex().upper().encode(),
             "url": "".join(f"%{byte:02X}" for byte in secret).encode(),
             "quoted": urllib.parse.quote_from_bytes(secret, safe="").encode()}
    for lead in range(3):
        text = base64.b64encode(b"\0" * lead + secret)
        inner = text[4 if lead else 0:len(text) - 4]
        found[f"base64+{lead}"] = inner
        found[f"base64url+{lead}"] = inner.translate(bytes.maketrans(b"+/", b"-_"))
    return found


TOKEN = re.compile(rb"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{43,}")


def scan(data: bytes, wanted: dict[str, bytes]) -> list[tuple[str, str, int]]:
    """Where each secret stands, in which form; and whatever looks like a token."""
    found = [(name, form, data.index(text)) for name, secret in wanted.items() for form, text in forms(secret).items() if text in data]
    return found + [("a token", match[0].decode(), match.start()) for match in TOKEN.finditer(data)]


class Canary:
    """A secret that is to be found: as text with all its forms, and a token that nobody issued."""

    def __init__(self) -> None:
        self.secret = f"canary-{secrets.token_hex(16)}".encode()
        parts = [base64.urlsafe_b64encode(text).rstrip(b"=") for text in (b'{"alg":"EdDSA"}', b'{"iss":"canary"}', secrets.token_bytes(64))]
        self.token = b".".join(parts)
        self.head = b".".join(parts[:2]).decode() + "."
        self.text = b"\n".join([*forms(self.secret).values(), self.token])

    def missing(self, data: bytes) -> set[str]:
        """The forms that the search does not find."""
        found = {what for _, what, _ in scan(data, {"the canary": self.secret})}
        return {*forms(self.secret), self.token.decode()} - found


class Search:
    """The secrets, and where each was found."""

    def __init__(self) -> None:
        self.secrets: dict[str, bytes] = {}
        self.wrong: list[str] = []
        self.canary = Canary()
        self.searched = 0
        assert self.canary.missing(b"") == {*forms(b""), self.canary.token.decode()}, "the search finds what is not there"

    def add(self, name: str, secret: bytes) -> None:
        assert len(secret) >= 16, name
        self.secrets[name] = secret

    def add_token(self, name: str, token: bytes) -> None:
        """What makes a token valid is its signature, as text and as bytes."""
        signature = token.rsplit(b".", 1)[1]
        self.add(name, token)
        self.add(f"the signature of {name}", signature)
        self.add(f"the bytes of the signature of {name}", base64.urlsafe_b64decode(signature + b"=" * (-len(signature) % 4)))

    def look(self, where: str, data: bytes) -> None:
        """In something that holds the canary: else there is nothing to be found in it, or the search does not find it."""
        missing = self.canary.missing(data)
        assert not missing, f"{where} ({len(data)} bytes) lacks the canary: {missing}"
        self.look_only(where, data)

    def look_only(self, where: str, data: bytes) -> None:
        """In what the library wrote itself. The caller makes sure that it is not empty."""
        self.searched += 1
        for name, form, at in scan(data, self.secrets):
            if not form.startswith(self.canary.head):  # a buffer that was read into in pieces has its beginning, too
                self.wrong.append(f"{where}: {name}, {form if name != 'a token' else 'raw'}, at {at}")


def allow_dumps() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def dump_of(folder: Path) -> bytes:
    cores = [path for path in folder.iterdir() if path.name.startswith("core")]
    assert len(cores) == 1, f"one dump was expected, there are {cores}"
    data = cores[0].read_bytes()
    cores[0].unlink()
    return data


class Night:
    """A workspace full of secrets."""

    def __init__(self, programs: Path, work: Path) -> None:
        self.programs, self.work, self.place = programs, work, work / "night"
        self.search = Search()
        # Every process has the canary in its environment, and so has every child.
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(work / "home"), "OBS_TEST_CANARY": self.search.canary.text.decode()}
        self.dumps = work / "dumps"
        for folder in (work / "home", self.dumps):
            folder.mkdir()
        self.ctl("init", str(self.place))
        self.password, self.key = secrets.token_hex(24), secrets.token_hex(24)
        (work / "password").write_text(self.password)
        (work / "password").chmod(0o600)
        with (self.place / "obs.yaml").open("a") as file:
            file.write(f"secrets: ['file:{work}/password', 'env:MPC_KEY']\n")
        (self.place / "config.yaml").write_text(
            f"mpc: {{password: '${{secret:file:{work}/password}}', key: '${{secret:env:MPC_KEY}}'}}\n")
        scope = "storage.read:/ storage.create:/products event.subscribe event.publish:/"
        self.token = self.ctl("token", "issue", "--subject", "function:a", "--scope", scope).strip()
        self.other = self.ctl("token", "issue", "--subject", "function:b", "--scope", scope).strip()
        (work / "token").write_bytes(self.other)
        (work / "token").chmod(0o600)
        self.search.add("the password", self.password.encode())
        self.search.add("the key from the environment", self.key.encode())
        self.search.add_token("the token from the environment", self.token)
        self.search.add_token("the token from a file", self.other)
        self.add_issuer()

    def ctl(self, *words: str) -> bytes:
        return subprocess.run([self.programs / "obsctl", "-w", str(self.place), *words] if words[0] != "init"
                              else [self.programs / "obsctl", *words], env=self.environment, check=True, stdout=subprocess.PIPE).stdout

    def add_issuer(self) -> None:
        """The private keys, as PEM has them (PKCS #8) and without their wrapping."""
        keys = list((self.work / "home").rglob("key-*.pem"))
        assert keys, "the issuer has no key"
        for path in keys:
            text = re.sub(rb"-----[^-]*-----|\s", b"", path.read_bytes())
            self.search.add("the issuer's key", base64.b64decode(text)[-32:])

    def add_state(self) -> None:
        """The keys that were made by using the workspace: of the audit log, of signed documents, of the last known good one."""
        state = next((self.work / "home/.local/state/obs").iterdir())
        for name in ("audit/key", "config/signing-key"):
            self.search.add(f"the key {name}", base64.b64decode(state.joinpath(name).read_text().strip().split("+", 4)[4])[1:])
        self.search.add("the key config/key", state.joinpath("config/key").read_bytes())

    def put_canary(self) -> None:
        """Where the files are searched: as an object, and as its name."""
        (self.work / "canary").write_bytes(self.search.canary.text)
        self.ctl("put", str(self.work / "canary"), "raw/" + self.search.canary.secret.decode())


def check_c(night: Night, subject: str, environment: dict[str, str]) -> None:
    ours, theirs = os.pipe()

    def prepare() -> None:
        os.dup2(theirs, 3)
        allow_dumps()

    done = subprocess.run([night.programs / "secrets", night.place], input=night.search.canary.text, cwd=night.dumps,
                          env={**night.environment, **environment, "MPC_KEY": night.key}, capture_output=True,
                          preexec_fn=prepare, pass_fds=(3, theirs) if theirs != 3 else (3,), timeout=600)
    os.close(theirs)
    issued = os.read(ours, 65536)
    os.close(ours)
    assert done.returncode == -signal.SIGABRT, done.stderr.decode()
    assert issued.count(b".") == 2, "no token was issued"
    assert f"the bearer is {subject}".encode() in done.stderr and b"48 and 48 bytes" in done.stderr, done.stderr.decode()
    night.search.add_token("the issued token", issued)
    night.add_state()
    dump = dump_of(night.dumps)
    assert f"products/{subject}".encode() in dump
    night.search.look("core dump of a C program", dump)
    night.search.look("environment and arguments of its child", done.stdout)
    assert b"PATH=" in done.stdout
    night.search.look_only("its logs and errors", done.stderr)
    assert (b"log: auth: no newer token" in done.stderr or subject == "function:a") and b"put elsewhere: the token of" in done.stderr, done.stderr.decode()
    print(f"C: {len(dump)} bytes of dump, {len(done.stderr)} of logs and errors")


PYTHON = """
import logging, os, subprocess, sys, obs
canary = sys.stdin.read()
logging.basicConfig(level=logging.DEBUG, format="log: %(message)s")
obs.bridge_logging()
bearer, owner = obs.open(sys.argv[1]), obs.open(sys.argv[1], token="-")
if len(sys.argv) > 2:
    print(bearer.subject, owner.config.get("mpc.key", obs.Secret), flush=True)
    sys.exit(subprocess.run(["sh", "-c", sys.argv[2]], check=False).returncode)
token = owner.token.issue(subject="function:c", scope="storage.read:/raw")
assert owner.token.verify(token, algorithms=["EdDSA"])["sub"] == "function:c"
narrow = bearer.acting_as(token=token)
password = owner.config.get("mpc.password", obs.Secret)
print(bearer.subject, repr(token), str(token), repr(password), f"{password}", vars(owner) if hasattr(owner, "__dict__") else "")
for refused in (lambda: narrow.store.put("raw/x", b"x"), lambda: owner.token.verify(token, algorithms="RS256")):
    try:
        refused()
    except obs.Error as error:
        print(repr(error), error)
owner.audit.checkpoint()
sys.stdout.flush()
os.abort()
"""

GO = """
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	obs "github.com/libobs/libobs/bindings/go"
)

func need[T any](value T, err error) T {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	return value
}

func main() {
	ctx := context.Background()
	canary := need(io.ReadAll(os.Stdin))
	bearer := need(obs.Open(ctx, &obs.OpenOptions{Workspace: os.Args[1]}))
	nobody := need(obs.NewSecret([]byte("-")))
	owner := need(obs.Open(ctx, &obs.OpenOptions{Workspace: os.Args[1], Token: nobody}))
	if len(os.Args) > 2 {
		fmt.Println(bearer.Subject(), need(owner.Config().Secret("mpc.key")))
		child := exec.Command("sh", "-c", os.Args[2])
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		fmt.Fprint(os.Stderr, need("", child.Run()))
		return
	}
	token := need(owner.IssueToken(ctx, obs.TokenOptions{Scope: []string{"storage.read:/raw"}}))
	password := need(owner.Config().Secret("mpc.password"))
	fmt.Println(bearer.Subject(), token, password, fmt.Sprintf("%v %+v %#v %s %q", token, token, token, password, password))
	_, err := bearer.Store().Put(ctx, "raw/x", []byte("x"), nil)
	fmt.Println(err)
	syscall.Kill(os.Getpid(), syscall.SIGABRT)
	fmt.Println(len(canary))
	select {}
}
"""


# What a child has, and what the system shows of its parent.
LOOK = "tr '\\0' '\\n' </proc/self/environ; cat /proc/self/cmdline /proc/$PPID/cmdline; tr '\\0' '\\n' </proc/$PPID/environ"


def check_children(night: Night, name: str, words: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run([*words, str(night.place), LOOK], input=b"", cwd=night.dumps, capture_output=True, timeout=600,
                          env={**night.environment, **environment, "BEARER_TOKEN": night.token.decode(), "MPC_KEY": night.key})
    assert done.returncode == 0 and b"function:a" in done.stdout, (done.stdout.decode(), done.stderr.decode())
    assert done.stdout.count(b"OBS_TEST_CANARY=") == 2 and str(night.place).encode() in done.stdout, done.stdout.decode()
    night.search.look(f"environment and arguments of {name} and its child", done.stdout)


def check_language(night: Night, name: str, words: list[str], environment: dict[str, str]) -> None:
    """With a token from a file: what a program's own language copied from its environment is beyond a library."""
    done = subprocess.run([*words, str(night.place)], input=night.search.canary.text, cwd=night.dumps, capture_output=True, timeout=600,
                          env={**night.environment, **environment, "BEARER_TOKEN_FILE": str(night.work / "token")},
                          preexec_fn=allow_dumps)
    assert done.returncode == -signal.SIGABRT, (done.returncode, done.stdout.decode(), done.stderr.decode())
    assert b"function:b" in done.stdout and b" does not allow store.put" in done.stdout, done.stdout.decode()
    dump = dump_of(night.dumps)
    night.search.look(f"core dump of {name}", dump)
    night.search.look_only(f"what {name} prints", done.stdout + done.stderr)
    print(f"{name}: {len(dump)} bytes of dump")
    check_children(night, name, words, environment)


def check_python(night: Night) -> None:
    words = [os.environ.get("OBS_TEST_PYTHON", str(night.programs.parent / "tools/bin/python"))]
    environment = {name: os.environ[name] for name in ("PYTHONPATH", "LD_LIBRARY_PATH") if name in os.environ}
    found = Path(words[0]).exists() and subprocess.run([*words, "-c", "import obs; obs.Tokens"], env={**night.environment, **environment},
                                                       stderr=subprocess.DEVNULL, check=False).returncode == 0
    if not found:
        print("SKIPPED secrets in Python: its binding is not built beside this build; `./dev build` does that")
        return
    program = night.work / "secrets.py"
    program.write_text(PYTHON)
    check_language(night, "Python", [*words, str(program)], environment)


def check_go(night: Night) -> None:
    go, source = shutil.which("go"), Path(__file__).resolve().parents[2] / "bindings/go"
    if not go or subprocess.run(["pkg-config", "--exists", "obs"], check=False).returncode != 0:
        print("SKIPPED secrets in Go: the library is not installed where pkg-config finds it; `./dev test --all` installs it")
        return
    folder = night.work / "go"
    folder.mkdir()
    (folder / "main.go").write_text(GO)
    (folder / "go.mod").write_text(f"module leak\n\ngo 1.24\n\nrequire github.com/libobs/libobs/bindings/go v0.0.0\n\n"
                                   f"replace github.com/libobs/libobs/bindings/go => {source}\n")
    subprocess.run([go, "build", "-o", "leak", "."], cwd=folder, check=True, env={**os.environ, "GOFLAGS": "-mod=mod"})
    # Go takes SIGABRT itself; with this it dies of it, and leaves a dump.
    libraries = subprocess.run(["pkg-config", "--variable=libdir", "obs"], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
    check_language(night, "Go", [str(folder / "leak")], {"GOTRACEBACK": "crash", "LD_LIBRARY_PATH": libraries})


def wait_for(what: str, condition) -> None:
    end = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.01)


def check_obsctl(night: Night) -> None:
    words = [night.programs / "obsctl", "-w", night.place, "subscribe", "watcher"]
    saying = night.work / "saying"
    with saying.open("wb") as out:
        run = subprocess.Popen(words, cwd=night.dumps, env={**night.environment, "BEARER_TOKEN": night.token.decode(), "MPC_KEY": night.key}, stdout=out, stderr=out, preexec_fn=allow_dumps)
    night.ctl("publish", "org.example.frame")
    wait_for("the event", lambda: b"org.example.frame" in saying.read_bytes())
    arguments = Path(f"/proc/{run.pid}/cmdline").read_bytes()
    assert b"watcher" in arguments
    night.search.look_only("arguments of obsctl", arguments)
    environment = Path(f"/proc/{run.pid}/environ").read_bytes()
    run.send_signal(signal.SIGABRT)
    assert run.wait(300) == -signal.SIGABRT
    dump = dump_of(night.dumps)
    # What the configuration may take from the environment stays there until it is asked for: obsctl never does.
    key = night.search.secrets.pop("the key from the environment")
    night.search.look("environment of obsctl", environment)
    night.search.look("core dump of obsctl", dump)
    night.search.secrets["the key from the environment"] = key
    said = saying.read_bytes()
    assert b"org.example.frame" in said
    night.search.look_only("what obsctl prints", said)
    print(f"obsctl: {len(dump)} bytes of dump")


def check_files(night: Night) -> None:
    night.put_canary()
    trail = night.ctl("audit", "query", "--json")
    # All that was done with secrets is in there, and the canary as the name of an object.
    for part in (b"token.issue", b"token.verify", b"token.login", b"config.secret", b'"class":"refusal"', b"function:a", b"function:b"):
        assert part in trail, f"the audit trail lacks {part!r}"
    assert night.search.canary.secret in trail
    night.search.look_only("the audit trail", trail)
    files = {path: path.read_bytes() for path in night.place.rglob("*") if path.is_file()}
    assert any(path.name == "tenant.db" for path in files) and any("audit/log" in str(path) for path in files)
    assert any(not night.search.canary.missing(data) for data in files.values()), "the object that was planted is not found"
    for path, data in files.items():
        night.search.look_only(str(path.relative_to(night.work)), data)
    print(f"{len(files)} files of the workspace")


def skips(programs: Path) -> bool:
    """Whether there can be no dump here, and then says so."""
    pattern = PATTERN.read_text().strip()
    limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
    libraries = subprocess.run(["ldd", programs / "secrets"], stdout=subprocess.PIPE, check=True).stdout
    if b"libasan" in libraries or b"libtsan" in libraries:
        print("SKIPPED dumps under a sanitizer: they hold its shadow memory; the ordinary build runs this test")
    elif pattern.startswith("|") or "/" in pattern or (limit != resource.RLIM_INFINITY and os.geteuid() != 0):
        print("SKIPPED secrets in core dumps: this system takes dumps away; where they stay in the folder of the process it is tested")
    else:
        return False
    return True


def main() -> int:
    if skips(Path(sys.argv[1]).resolve()):
        return 0
    with tempfile.TemporaryDirectory(prefix="obs-leak-") as folder:
        night = Night(Path(sys.argv[1]).resolve(), Path(folder))
        check_c(night, "function:a", {"BEARER_TOKEN": night.token.decode()})
        check_c(night, "function:b", {"BEARER_TOKEN_FILE": str(night.work / "token")})
        check_obsctl(night)
        check_python(night)
        check_go(night)
        check_files(night)
        assert night.search.searched > 20, "little was searched"
        print(f"{night.search.searched} places, {len(night.search.secrets)} secrets in {len(forms(b''))} forms")
        for line in night.search.wrong:
            print("FOUND", line)
        return 1 if night.search.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
