"""test_go.py WRITE_LOG: a log that libobs wrote, verified by Go's packages for signed notes and transparency logs and by Tessera's
fsck. Both accept it, and refuse it with anything altered. Nothing is fetched: what is not here is skipped, by name."""

import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# For a sound log, and for an altered one: fsck may wait for ever for a bundle that does not fit its tile. No answer is a refusal.
SOUND, ALTERED = 60, 6


def built(folder, module, package):
    """The program of a Go module, or None."""
    program = folder / module
    environment = {**os.environ, "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
    try:
        result = subprocess.run(["go", "build", "-o", program, package], cwd=HERE / module, env=environment, capture_output=True,
                                text=True, timeout=300, check=False)
    except FileNotFoundError:
        print(f"SKIPPED audit log by {module}: there is no Go")
        return None
    if result.returncode:
        print(f"SKIPPED audit log by {module}: its Go modules are not here")
        print(result.stderr)
        return None
    return program


def accepted(command, word, patience):
    """Whether it ends well, and says so: fsck ends with 0 in any case."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=patience, check=False)
    except subprocess.TimeoutExpired:
        return False
    return result.returncode == 0 and word in result.stdout + result.stderr


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)


def alterations(log, other):
    """Pairs of a name and what alters a copy of the log."""
    generator = random.Random(20261121)
    for name in ("checkpoint", "tile/entries/000", "tile/entries/261.p/184", "tile/0/100", "tile/0/261.p/184", "tile/1/000",
                 "tile/1/001.p/5", "tile/2/000.p/1"):
        at = generator.randrange((log / name).stat().st_size)
        yield f"a bit of {name} at {at}", lambda copy, name=name, at=at: flip(copy / name, at)
    yield "a bundle removed", lambda copy: (copy / "tile/entries/007").unlink()
    yield "a tile removed", lambda copy: (copy / "tile/0/007").unlink()
    yield "bundles exchanged", lambda copy: shutil.copy(copy / "tile/entries/008", copy / "tile/entries/009")
    yield "another log's checkpoint", lambda copy: shutil.copy(other, copy / "checkpoint")


def check(name, command_for, folder, log, word):
    assert accepted(command_for(log), word, SOUND), f"{name} refuses a sound log"
    count = 0
    for what, alter in alterations(log, folder / "other" / "older.5"):
        copy = folder / "copy"
        shutil.copytree(log, copy)
        alter(copy)
        assert not accepted(command_for(copy), word, ALTERED), f"{name} accepts {what}"
        shutil.rmtree(copy)
        count += 1
    print(f"{name}: accepts the log, refuses {count} altered ones")


def unseal(folder):
    """A log that was sealed, unpacked as docs/on-disk.md says, and its key; None without zstd."""
    if not shutil.which("zstd"):
        print("SKIPPED sealed audit log by Go: there is no zstd")
        return None
    (folder / "sealed").mkdir()
    subprocess.run([sys.argv[1], folder / "sealed", "seal"], check=True, timeout=300)
    log = folder / "sealed/work/audit/log"
    assert len(list(log.rglob("*.zst"))) == 261
    subprocess.run(["find", log, "-name", "*.zst", "-exec", "zstd", "-dq", "--rm", "{}", "+"], check=True, timeout=60)
    return log, folder / "sealed/state/audit/key.pub"


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for log in ("one", "other"):
            (folder / log).mkdir()
            subprocess.run([sys.argv[1], folder / log], check=True, timeout=300)
        log = folder / "one/work/audit/log"
        key = folder / "one/state/audit/key.pub"
        older = [folder / f"one/older.{i}" for i in range(1, 6)]
        unsealed = unseal(folder)
        verify = built(folder, "go", ".")
        if verify:
            check("Go", lambda copy: [verify, copy, key, *older], folder, log, "67000 records")
            if unsealed:
                assert accepted([verify, *unsealed], "67001 records", SOUND), "Go refuses what was sealed"
            # A log that does not go on from what was kept elsewhere: one of the other's checkpoints has another key and root.
            assert not accepted([verify, log, key, folder / "other/older.2"], "", SOUND), "Go accepts another history"
        fsck = built(folder, "fsck", "github.com/transparency-dev/tessera/cmd/fsck")
        if fsck:
            check("fsck", lambda copy: [fsck, "--ui=false", f"--storage_url=file://{copy}/", f"--public_key={key}"], folder, log,
                  "Successfully fsck'd log with size 67000")
            if unsealed:
                copy, key = unsealed
                assert accepted([fsck, "--ui=false", f"--storage_url=file://{copy}/", f"--public_key={key}"],
                                "Successfully fsck'd log with size 67001", SOUND), "fsck refuses what was sealed"


main()
