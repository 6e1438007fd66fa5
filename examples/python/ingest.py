"""Ingestion: records are checked against their definition, and each leaves a line in the log."""

import obs

STAR = {
    "type": "object",
    "required": ["name", "mag"],
    "properties": {"name": {"type": "string"}, "mag": {"type": "number", "maximum": 30}},
}

with obs.open() as client:
    client.ingest.define("example.star", STAR)
    stars = [{"name": "Vega", "mag": 0.03}, {"name": "Deneb"}, {"name": "Altair", "mag": 0.76}]
    accepted, refused = client.ingest.records("example.star", stars, origin="stars.txt")
    print(f"{accepted} accepted, {refused} refused")

    for line in client.ingest.log(result="refused"):  # line["reason"] says why
        print(line["origin"], "was refused")
