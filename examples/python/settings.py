"""Settings: read in a loop, changed in one place, told where they come from."""

import json

import obs

with obs.open() as client:
    config = client.config
    gain = config.setting("ccd.gain", float, default=1.5, minimum=0.1, maximum=10)
    print(f"gain {gain.value}")
    config.set("ccd.gain", 1.7)
    print(f"gain {gain.value}")  # other processes see it within a second
    try:
        config.set("ccd.gain", 70)
    except obs.RefusedError:
        print(f"refused, still {gain.value}")
    ccd = config.snapshot()["ccd"]  # a mapping, as it is at this moment
    print("ccd is", json.dumps(dict(ccd), separators=(",", ":")))
