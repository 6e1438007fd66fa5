"""The parts of the measurement: each runs programs of this folder and gives rows."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from table import Row

SOURCE = Path(__file__).resolve().parent.parent


class Failed(Exception):
    """A program could not measure."""


class Bench:
    """Where the programs are, a folder for this run, and what is told beside the rows."""

    def __init__(self, folder, long=False):
        self.folder = folder
        self.long = long
        own = os.environ.get("TMPDIR")
        self.scratch = Path(own) / f"obs-bench-{os.getpid()}" if own else folder / "scratch"
        self.bin = folder.parent / "bin"
        self.notes = []
        self.context = {}
        self.describe()
        self.clean()
        self.scratch.mkdir(parents=True)
        os.environ["XDG_STATE_HOME"] = str(self.scratch / "state")

    def describe(self):
        """What the figures depend on most."""
        kind = subprocess.run(["stat", "-f", "-c", "%T", self.scratch.parent], stdout=subprocess.PIPE, text=True).stdout.strip()
        cores, load = os.cpu_count(), os.getloadavg()[0]
        self.context["machine"] = {"processors": cores, "file_system": kind, "load": round(load, 2)}
        self.notes.append(f"{cores} processors, {kind}; load before the run {load:.1f}")
        if load > cores / 2:
            self.notes.append("Others use this machine: least steady is what has many threads.")

    def clean(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def run(self, program, *arguments, timeout=180, shows=False):
        """The JSON lines that a program prints; `shows`: it says on standard error how far it is."""
        path = self.folder / program
        if not path.exists():
            raise Failed(f"{program} could not be built")
        # Those in C are linked with the library of the build, and so is the function that one of them runs: an isolated function
        # sees the library of its runner only.
        environment = {name: value for name, value in os.environ.items()
                       if name != "LD_LIBRARY_PATH" or not program.startswith("bench_")}
        done = subprocess.run([path, *map(str, arguments)], stdout=subprocess.PIPE, stderr=None if shows else subprocess.PIPE,
                              text=True, timeout=timeout, env=environment)
        if done.returncode:
            raise Failed(f"{program}: {(done.stderr or '').strip() or f'ended with {done.returncode}'}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def part(self, name):
        """A folder for one part, gone when it is done."""
        return tempfile.TemporaryDirectory(prefix=f"{name}-", dir=self.scratch)

    def workspace(self):
        """A workspace with `bench/four`, an object of 4 KiB."""
        path = self.scratch / "plain"
        if not path.exists():
            self.obsctl("init", path)
            content = self.scratch / "four"
            content.write_bytes(bytes(4096))
            self.obsctl("-w", path, "put", content, "bench/four")
        return path

    def obsctl(self, *arguments):
        done = subprocess.run([self.bin / "obsctl", *map(str, arguments)], capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise Failed(f"obsctl {' '.join(map(str, arguments))}: {done.stderr.strip()}")


def named(lines):
    return {line["figure"]: line for line in lines}


def calmest(measure, yardstick):
    """Of three passes the one in which the machine was disturbed least: chosen by the yardstick, never by what is ours."""
    return min((measure() for _ in range(3)), key=yardstick)


def calm(times):
    """The lower quartile in microseconds, of ours as of the yardstick: others on the machine only ever add."""
    return statistics.quantiles(times, n=4)[0] / 1000


def ingest(bench):
    figures = named(bench.run("bench_ingest", bench.scratch))
    disk, stream, file = figures["disk"], figures["stream"], figures["file"]
    bench.context["disk"] = disk
    bench.notes.append(f"fdatasync of one page here: p50 {disk['p50_ms']:.3f} ms, p99 {disk['p99_ms']:.3f} ms")
    if disk["p50_ms"] < 0.02:
        bench.notes.append("Nothing can have been written in this time: figures of durability mean nothing here.")
    return [
        Row("stream record, one writer, durable, p50", stream["ours_ms"], "ms", stream["fdatasync_ms"], "fdatasync",
            1.3 * stream["fdatasync_ms"] + 0.2, "1.3 × + 0.2 ms"),
        Row("batch file of 4 KiB, one writer, durable, p50", file["ours_ms"], "ms", file["bare_ms"], "create+fsync+fdatasync",
            1.5 * file["bare_ms"], "1.5 ×"),
    ]


def threads(bench):
    figure = named(bench.run("bench_threads", bench.scratch))["threads"]
    bench.notes.append(f"64 threads, processor time of a record: ours {figure['ours_cpu_us']:.0f} µs, bare loop "
                       f"{figure['bare_cpu_us']:.0f} µs")
    return [Row(f"64 threads, records ({figure['tables']:.0f} rows and the index each)", figure["ours_per_s"], "/s",
                figure["bare_per_s"], "bare loop", figure["ours_per_s"] / figure["ratio"] * 0.8, "0.8 ×", least=True)]


def processes(bench):
    rows = []
    for count in (8, 32):
        figures = named(bench.run("bench_processes", bench.scratch, count))
        ours, bare = figures["ours"], figures["bare"]
        rows += [
            Row(f"{count} processes, one tenant: the slowest of the mean", ours["least_of_mean"], "", bare["least_of_mean"],
                "SQLite's own waiting", 0.5, "", least=True),
            Row(f"{count} processes, one tenant: longest wait", ours["longest_ms"], "ms", bare["longest_ms"],
                "SQLite's own waiting", 1000, ""),
        ]
        bench.context[f"processes_{count}"] = {"ours_per_s": ours["per_s"], "bare_per_s": bare["per_s"]}
    return rows + processes_at_once(bench)


def processes_at_once(bench):
    """64 short programs that end at the same moment, each with one audited record; and 64 that never pause."""
    at_once = named(bench.run("bench_processes", bench.scratch, 64, "at-once"))
    on = named(bench.run("bench_processes", bench.scratch, 64))
    bench.context["processes_64"] = {"ours_per_s": on["ours"]["per_s"], "bare_per_s": on["bare"]["per_s"]}
    told = ", ".join(f"{name} {on[side]['per_s']:,.0f}/s (the slowest {on[side]['least_of_mean']:.3f} of the mean)"
                     for name, side in (("ours", "ours"), ("SQLite FULL", "bare")))
    bench.notes.append(f"64 processes that never pause, all together: {told}")
    ours, bare = at_once["ours"]["per_s"], at_once["bare"]["per_s"]
    return [Row("64 processes, an audited record each at once, until all are durable", ours, "/s", bare, "SQLite FULL",
                2 * bare, "2 ×", least=True)]


class Asked:
    """A program that measures one round for each line it gets."""

    def __init__(self, arguments):
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise Failed(f"{self.process.args[0]} ended")
        return [float(number) for number in answer.split()]

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


def asked_programs(bench):
    """For each language a program that measures C and itself in turns, in one process; and C alone, so that nothing is hidden by
    measuring it in the processes of others."""
    workspace = str(bench.workspace())
    programs = {"C alone": Asked([bench.folder / "bench_get", workspace])}
    if subprocess.run([sys.executable, "-c", "import obs"], capture_output=True).returncode == 0:
        library = str(bench.folder / "libbench_get_round.so")
        programs["Python"] = Asked([sys.executable, SOURCE / "bench" / "get.py", workspace, library])
    else:
        bench.notes.append("not measured: Python, whose binding cannot be imported")
    if (bench.folder / "get_go").exists():
        programs["Go"] = Asked([bench.folder / "get_go", workspace])
    else:
        bench.notes.append("not measured: Go, whose binding could not be built")
    return programs


# What is asked, how it is called there, beside what, and how far it may be from that, in microseconds.
CALLS = [
    ("Python", "get", "store.get", "C", 1.0),
    ("Python", "into", "store.readinto", "C", 1.0),
    ("Go", "view background", "View, background context", "C", 0.3),
    ("Go", "into background", "GetInto, background context", "C", 0.3),
    ("Go", "get background", "Get, background context", "C + copy in Go", 0.3),
    ("Go", "view cancel", "View, cancellable context", "C", 0.8),
    ("Go", "into cancel", "GetInto, cancellable context", "C", 0.8),
    ("Go", "get cancel", "Get, cancellable context", "C + copy in Go", 0.8),
]
ALONE = [("C alone", "get"), ("C alone", "into")]
GET_TURNS = 200


def take_turns(programs, where):
    """What each program answers, turn by turn, so that a disturbed moment hits all of them."""
    calls = [call for call in CALLS if call[0] in programs] + ALONE
    turns = {call: [] for call in calls}
    for _ in range(GET_TURNS):
        for call in calls:
            turns[call].append(programs[call[0]].ask(f"{where} {call[1]}"))
    return {call: [calm(side) for side in zip(*times)] for call, times in turns.items()}


def get(bench):
    programs = asked_programs(bench)
    rows, alone = [], {}
    for where in ("mem", "file"):
        turns = take_turns(programs, where)
        for call in ALONE:
            alone[f"{where} {call[1]}"] = turns.pop(call)[0]
        for (language, _, name, yardstick, more), (base, own) in turns.items():
            rows.append(Row(f"get 4 KiB from {where}: by {language}, {name}", own, "µs", base, yardstick, base + more,
                            f"+ {more} µs"))
    for program in programs.values():
        program.close()
    bench.context["C alone"] = alone
    bench.notes.append("C in a program of its own: " + ", ".join(f"{call} {time:.2f} µs" for call, time in alone.items()))
    return rows


def event(bench):
    has_peer = (bench.folder / "event_go").exists()

    def measure():
        return named(bench.run("bench_event") + bench.run("bench_cesql")), named(bench.run("event_go")) if has_peer else {}

    def of_peer(both, figure):
        return both[1].get(figure, {}).get("p50_ns", 0) / 1000

    both = calmest(measure, lambda both: of_peer(both, "event encode") + of_peer(both, "event decode"))
    rows = []
    for figure, limit in (("event encode", 1.0), ("event decode", 2.0)):
        ours = both[0][figure]
        rows.append(Row(f"CloudEvent JSON of {ours['bytes']} bytes, {figure.split()[1]}", ours["p50_ns"] / 1000, "µs",
                        of_peer(both, figure), "Go SDK" if has_peer else "", limit, ""))
    for figure, what, limit in (("filter event", "in memory", 0.5), ("filter json", "as JSON, on the bus", 1.0)):
        rows.append(Row(f"CloudEvents SQL, an event {what}", both[0][figure]["p50_ns"] / 1000, "µs",
                        of_peer(both, "filter event"), "Go SDK, in memory" if has_peer else "", limit, ""))
    return rows


def token_peers(bench):
    """golang-jwt and PyJWT on tokens that say the same, where they can be run."""
    peers = bench.run("token_go") if (bench.folder / "token_go").exists() else []
    if subprocess.run([sys.executable, "-c", "import jwt, cryptography"], capture_output=True).returncode == 0:
        done = subprocess.run([sys.executable, SOURCE / "bench" / "peers" / "token_python.py"], capture_output=True, text=True,
                              timeout=180)
        peers += [json.loads(line) for line in done.stdout.splitlines()]
    for peer in ("golang-jwt", "PyJWT"):
        rates = ", ".join(f"{line['figure']} {line['per_s']:,}/s" for line in peers if line["by"] == peer)
        bench.notes.append(f"verifying a token with {peer}: {rates}" if rates else f"not measured: {peer}, which is not there")
    bench.context["token_peers"] = peers


def token(bench):
    figures = calmest(lambda: named(bench.run("bench_token")), lambda pass_: -pass_["RS256"]["bare_per_s"])
    token_peers(bench)
    rows = []
    for name, part in (("RS256", 0.65), ("ES256", 0.85), ("EdDSA", 0.85)):
        figure = figures[name]
        rows.append(Row(f"token of {figure['bytes']} bytes by {name}: form, signature, claims", figure["ours_per_s"], "/s",
                        figure["bare_per_s"], "bare EVP", figure["bare_per_s"] * part, f"{part} ×", least=True))
    rows.append(Row("token that is known already", figures["ES256"]["known_per_s"], "/s", 0, "", 1_000_000, "", least=True))
    return rows


def audit(bench):
    """Processor time of one core, for a proof wall time as well: its p99 is somebody else's turn where others use the machine."""

    def measure():
        where = bench.scratch / "audit"
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir()
        return named(bench.run("bench_audit", where)) | named(bench.run("bench_query", where))

    figures = calmest(measure, lambda pass_: -pass_["verify"]["bare_per_s"])
    verify, proof, query = figures["verify"], figures["proof"], figures["audit_query"]
    bench.notes.append(f"the proof of a record, p99 by the clock on the wall: {proof['p99_ns'] / 1e6:.2f} ms")
    return [
        Row(f"audit log of {verify['records']:,} records: verify", verify["per_s"], "/s", verify["bare_per_s"],
            "hashing alone", 500_000, "", least=True),
        Row("audit log: the proof of a record, p50", proof["p50_ns"] / 1e6, "ms", 0, "", 1.0, ""),
        Row("audit log: the proof of a record, p99 of processor time", proof["p99_cpu_ns"] / 1e6, "ms", 0, "", 1.0, ""),
        Row("audit query of 1,000 rows, each checked against the log: a row", query["row_us"], "µs", 0, "", 5, ""),
    ]


def config_python(bench):
    """dynaconf, and the Python binding beside it."""
    has_own = subprocess.run([sys.executable, "-c", "import obs"], capture_output=True).returncode == 0
    arguments = []
    if has_own:
        arguments = [bench.scratch / "config_python"]
        bench.obsctl("init", *arguments)
    done = subprocess.run([sys.executable, SOURCE / "bench" / "peers" / "config_python.py", *arguments], capture_output=True,
                          text=True, timeout=180)
    if done.returncode:
        bench.notes.append("not measured: dynaconf, which is not there")
        return []
    figure = json.loads(done.stdout)
    bench.notes.append(f"dynaconf: {figure['dynaconf_get_ns']:,.0f} ns by get(), {figure['dynaconf_attribute_ns']:,.0f} ns by "
                       "attributes")
    if not has_own:
        return []
    peer = figure["dynaconf_attribute_ns"]
    return [Row("setting by name in Python", figure["obs_get_ns"], "ns", peer, "dynaconf, by attributes", peer, "1 ×"),
            Row("setting by handle in Python", figure["obs_setting_ns"], "ns", peer, "dynaconf, by attributes", peer, "1 ×")]


def config(bench):
    """Processor time of the 64 readers, so that others on the machine do not count; the peers have one reader each."""
    has_peer = (bench.folder / "config_go").exists()

    def measure():
        return named(bench.run("bench_config", "lookup", bench.scratch))["config_lookup"]

    lookup = calmest(measure, lambda figure: figure["handle_ns"])
    peers = named(bench.run("config_go"))["config_peers"] if has_peer else {"koanf_ns": 0, "viper_ns": 0}
    valid = named(bench.run("bench_config", "validate", bench.scratch))["config_validate"]
    if has_peer:
        bench.notes.append(f"viper behind a lock, as it is used where settings change: {peers['viper_ns']:.0f} ns by name")
    rows = [
        Row("setting by name, 64 readers and a writer", lookup["name_ns"], "ns", peers["koanf_ns"],
            "koanf, nothing changes" if has_peer else "", 50, ""),
        Row("setting by handle, 64 readers and a writer", lookup["handle_ns"], "ns", 0, "", 10, ""),
        *config_python(bench),
        Row("100 values against a schema", valid["p50_us"], "µs", 0, "", 20, ""),
    ]
    for source in ("file", "store"):
        figure = named(bench.run("bench_config", "processes", bench.scratch, source))[f"config_{source}"]
        rows.append(Row(f"a change of a {source} until 100 processes have it, p99", figure["p99_ms"], "ms", 0, "", 5000, ""))
    return rows


def programs(bench):
    workspace = bench.workspace()
    obsctl, opened, nothing = str(bench.bin / "obsctl"), str(bench.folder / "bench_open"), "/bin/true"
    arguments = [50, obsctl, "--help", "--", opened, workspace, "--", nothing]
    figures = calmest(lambda: named(bench.run("bench_spawn", *arguments)), lambda pass_: pass_[nothing]["wall_ms"])
    start = figures[nothing]["wall_ms"]
    return [
        Row("obsctl --help, whole process", figures[obsctl]["wall_ms"], "ms", start, "/bin/true", 10, ""),
        Row("open+get+close of a C program, whole process", figures[opened]["wall_ms"], "ms", start, "/bin/true", 15, ""),
    ]
