"""The parts of the measurement that are about the observatory's night: events, functions, many tenants, a large catalog."""

import shutil
import subprocess
import sys

from parts import Failed, calmest, named
from table import Row

ENTRIES = 1_000_000
ENTRY_BYTES = 1200  # on the disk, with the tables of the yardstick
NODES = 20_000
QUERY = "side=left depth<0.5"
CONE = "cone=202.47,47.2,0.5"
WAITING, EVENTS = 10_000, 25_000


def deliver(bench):
    with bench.part("deliver") as folder:
        figure = named(bench.run("bench_bus", folder))["deliver"]
    bench.context["deliver"] = figure
    bench.notes.append(f"publish until the handler in another process has it: p50 {figure['whole_p50_us']:.0f} µs, of which "
                       f"{figure['publish_p50_us']:.0f} µs are the commit; a bare commit of SQLite {figure['commit_p50_us']:.0f} µs")
    return [
        Row("publish to handler in another process, above the commit, p50", figure["above_p50_us"], "µs",
            figure["wake_p50_us"], "bare wake-up", 100, ""),
        Row("publish to handler in another process, above the commit, p99", figure["above_p99_us"], "µs",
            figure["wake_p99_us"], "bare wake-up", 1000, ""),
    ]


def function(bench):
    with bench.part("function") as folder:
        call = calmest(lambda: one_call(bench, folder), lambda figure: figure["commit_ms"])
        rate = named(bench.run("bench_function", folder, "rate", WAITING, shows=True))["rate"]
        kill = named(bench.run("bench_function", folder, "kill", EVENTS, shows=True, timeout=900))["kill"]
    bench.context["function_call"], bench.context["function_kill"] = call, kill
    bench.notes.append(f"durable function call: p99 {call['p99_ms']:.2f} ms; a publish alone {call['publish_ms']:.2f} ms, a put of "
                       f"the same product alone {call['put_ms']:.2f} ms, a bare commit of SQLite {call['commit_ms']:.2f} ms")
    bench.notes.append(f"functions, warm: {rate['runner_us']:.0f} µs of the runner's processor time each")
    bench.notes.append(f"{kill['events']:,} functions with {kill['kills']} kills: {kill['per_s']:,.0f}/s, new starts included")
    alone = call["publish_ms"] + call["put_ms"]
    return [
        Row("durable function call, event to product acknowledged, warm, p50", call["p50_ms"], "ms", 2 * call["commit_ms"],
            "two bare commits", 2 * call["commit_ms"] + 0.3, "+ 0.3 ms"),
        Row("the same beside a publish and a put without a function, p50", call["p50_ms"], "ms", alone, "publish + put",
            alone + 0.3, "+ 0.3 ms"),
        Row(f"functions a second, warm, {rate['workers']} workers", rate["per_s"], "/s", 0, "", 2000, "", least=True),
        Row(f"{kill['events']:,} functions, {kill['kills']} kills: lost or made twice", kill["lost"] + kill["twice"], "", 0, "",
            0, ""),
    ]


def one_call(bench, folder):
    """Each time in a new workspace."""
    shutil.rmtree(f"{folder}/functions-call", ignore_errors=True)
    return named(bench.run("bench_function", folder, "call"))["call"]


def mixed(bench):
    seconds = 600 if bench.long else 30
    with bench.part("mixed") as folder:
        figures = named(bench.run("bench_mixed", folder, seconds, shows=True, timeout=seconds + 180))
    whole = figures["mixed"]
    bench.context["mixed"] = figures
    kinds = ", ".join(f"{name.split()[1]} {line['p50_ms']:.2f}/{line['p99_ms']:.1f}" for name, line in figures.items()
                      if " " in name)
    bench.notes.append(f"mixed load, ms, p50/p99: {kinds}")
    bench.notes.append(f"mixed load, memory: {whole['first_mib']:.1f} MiB after {seconds / 10:.0f} s, {whole['half_mib']:.1f} after "
                       f"{seconds / 2:.0f} s, {whole['last_mib']:.1f} at the end")
    return [
        Row(f"mixed load, 250 requests/s for {seconds} s, p99", whole["p99_ms"], "ms", 0, "", 200, ""),
        Row("mixed load, memory at the end", whole["last_mib"], "MiB", whole["half_mib"], "at half time",
            1.1 * whole["half_mib"] if bench.long else whole["half_mib"] + 8,
            "1.1 ×" if bench.long else "+ 8 MiB: caches still fill"),
        Row("mixed load, open files at the end", whole["last_files"], "", whole["half_files"], "at half time",
            whole["half_files"] + 8, "+ 8"),
    ]


def flood(bench):
    rows = []
    for what, quota in (("one tenant floods", ()), ("one tenant floods above its quota", (600,))):
        with bench.part("flood") as folder:
            figure = named(bench.run("bench_flood", folder, 20 if bench.long else 6, *quota, shows=True, timeout=300))["flood"]
        bench.context[what] = figure
        bench.notes.append(f"{what}: {figure['flood_per_s']:,.0f} events/s, {figure['refused_per_s']:,.0f} refused; neighbours' "
                           f"p50 {figure['beside_p50_ms']:.2f} ms, alone {figure['alone_p50_ms']:.2f} ms")
        rows.append(Row(f"{what}: the neighbours' p99", figure["beside_p99_ms"], "ms", figure["alone_p99_ms"], "alone",
                        1.5 * figure["alone_p99_ms"], "1.5 ×"))
    return rows


def entries_for(bench):
    """As many as there are to be, or as the disk has room for, with as much left."""
    free = shutil.disk_usage(bench.scratch).free
    room = int(free / 2 / ENTRY_BYTES) // 100_000 * 100_000
    if room < 100_000:
        raise Failed(f"a catalog to search needs {200_000 * ENTRY_BYTES / 1e6:.0f} MB free: set TMPDIR to another disk")
    return min(ENTRIES, room)


def catalog(bench):
    """A workspace with a million entries, and two trees of 20,000 that were made from one another; made once a run."""
    path = bench.scratch / "catalog"
    if not path.exists():
        bench.entries = entries_for(bench)
        print(f"bench: making a workspace with {bench.entries:,} entries, about a minute", file=sys.stderr, flush=True)
        bench.obsctl("init", path)
        tenant = path / "tenants" / "default"
        for program, count in (("bench_search", bench.entries), ("bench_lineage", NODES)):
            done = subprocess.run([bench.folder / program, tenant, "fill", str(count)], capture_output=True, text=True,
                                  timeout=600)
            if done.returncode:
                shutil.rmtree(path, ignore_errors=True)
                raise Failed(done.stderr.strip())
    return path


def search_row(bench, query, yardstick, goal):
    path = catalog(bench)
    obsctl, tables = str(bench.bin / "obsctl"), str(bench.folder / "bench_search")
    arguments = [17, obsctl, "-w", path, "search", "-n", "100", query, "--",
                 tables, path / "tenants" / "default", "tables", query]
    figures = calmest(lambda: named(bench.run("bench_spawn", *arguments)), lambda pass_: pass_[tables]["wall_ms"])
    bench.notes.append(f"search '{query}': {figures[obsctl]['used_ms']:.1f} ms of processor time")
    return Row(f"search '{query}' over {bench.entries:,} entries, whole process", figures[obsctl]["wall_ms"], "ms",
               figures[tables]["wall_ms"], yardstick, goal, "")


def lineage_rows(bench):
    tenant = catalog(bench) / "tenants" / "default"
    figures = calmest(lambda: named(bench.run("bench_lineage", tenant, "ask", NODES)),
                      lambda pass_: sum(line["bare_ms"] for line in pass_.values()))
    bench.notes.append("lineage, processor time: " + ", ".join(f"{line['used_ms']:.0f} ms" for line in figures.values()))
    return [Row(f"lineage of {NODES:,} nodes among {bench.entries:,} entries, {way}", figures[f"lineage {name}"]["p50_ms"], "ms",
                figures[f"lineage {name}"]["bare_ms"], "recursive SQL", 100, "")
            for name, way in (("up", "what it was made from"), ("down", "what was made from it"))]


def search(bench):
    return [search_row(bench, QUERY, "label and value tables", 30), search_row(bench, CONE, "SQLite R*Tree", 50),
            *lineage_rows(bench)]
