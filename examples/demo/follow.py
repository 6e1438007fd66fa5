"""follow.py TENANT SETTING VALUE: prints the setting now and when it changes, until it is VALUE."""

from __future__ import annotations

import sys

import obs


def main(tenant: str, name: str, value: str) -> None:
    with obs.open(tenant=tenant, program="follow.py/1.0") as client:
        version = None
        seen = None
        while seen != float(value):
            if version is not None:
                client.config.wait(version, call=obs.Call(timeout=300))
            now = client.config.snapshot()
            seen, version = now[name], now.version
            print(f"Python sees {name} = {seen:g}", flush=True)


main(*sys.argv[1:])
