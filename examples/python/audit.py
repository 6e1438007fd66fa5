"""The audit trail: who did it, that nobody changed the answer, and a proof for somebody who has nothing but a key."""

import obs

with obs.open() as client:
    client.store.put("raw/a", b"bytes")
    record = next(client.audit.query(object="raw/a", action="store.put", limit=1))
    print("found it")

    client.audit.checkpoint()  # the library does this by itself within ten seconds
    report = client.audit.verify()  # every record, hash and signature, and what was told outside
    print("verified:", "see the report" if report["problems"] else "no problems")

    proof, key = client.audit.prove(record["id"], clear=True), client.audit.key

# What a stranger does with the proof, without the workspace.
print("proved:", obs.check_proof(proof, key)["object"], "was put")
