"""A number by its name, as bench/bench_config.c looks it up: in dynaconf, and through the Python binding where it is there.

    config_python.py [WORKSPACE]      WORKSPACE is a new one, whose configuration is written
"""

import json
import sys
import tempfile
import time
from pathlib import Path

from dynaconf import Dynaconf

BATCH = 1000
TURNS = 50
NAME = "group5.value7"
VALUES = {f"group{group}": {f"value{i}": group * 10 + i + 0.5 for i in range(10)} for group in range(10)}


def dynaconf_ways():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps(VALUES))
        settings = Dynaconf(settings_files=[path], environments=False, envvar_prefix="BENCH")
        settings.get(NAME)  # it reads its files at the first look
    return {"dynaconf_get": lambda: settings.get(NAME), "dynaconf_attribute": lambda: settings.group5.value7}


def own_ways(workspace):
    import obs

    (Path(workspace) / "config.yaml").write_text(json.dumps(VALUES))
    config = obs.open(workspace, tenant="default").config
    setting = config.setting(NAME, float)
    return {"obs_get": lambda: config.get(NAME, float), "obs_setting": lambda: setting.value}


def measure(look):
    begin = time.perf_counter_ns()
    for _ in range(BATCH):
        look()
    return (time.perf_counter_ns() - begin) / BATCH


def main():
    ways = dynaconf_ways()
    if sys.argv[1:]:
        ways |= own_ways(sys.argv[1])
    if any(look() != 57.5 for look in ways.values()):
        sys.exit("a wrong value")
    turns = [{name: measure(look) for name, look in ways.items()} for _ in range(TURNS)]
    print(json.dumps({"figure": "config_python"} | {f"{name}_ns": sorted(turn[name] for turn in turns)[TURNS // 4]
                                                    for name in ways}))


if __name__ == "__main__":
    main()
