"""The catalog: what is stored is found by its labels and values."""

import obs

with obs.open() as client:
    for name, magnitude in (("m13", 5.8), ("m92", 6.4), ("ngc6229", 9.4)):
        client.store.put(f"products/{name}.json", b"{}", labels={"class": "globular"}, values={"mag": magnitude})

    for entry in client.catalog.search("class=globular mag<7"):
        print(entry["key"])
