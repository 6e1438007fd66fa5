"""Verifying the token of bench_token with PyJWT: the same claims, policy and algorithms. Prints one JSON line for each."""

import json
import statistics
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

TURNS = 9


def measure(algorithm, private, count):
    now = int(time.time())
    text = jwt.encode({
        "iss": "https://login.example.org/realms/night", "aud": ["obs:night", "account"], "sub": "user:ada",
        "exp": now + 3600, "iat": now, "nbf": now, "jti": "01936f5c-1f5e-7a3c-9b1e-5d0c2f6a8e47", "client_id": "obsctl",
        "tenant": "default", "scope": "storage.read:/raw storage.create:/products event.publish:/org.example catalog.read",
    }, private, algorithm)
    public = private.public_key()
    rates = []
    for _ in range(TURNS):
        start = time.process_time()
        for _ in range(count):
            jwt.decode(text, public, [algorithm], issuer="https://login.example.org/realms/night", audience="obs:night",
                       leeway=60, options={"require": ["exp"]})
        rates.append(count / (time.process_time() - start))
    print(json.dumps({"figure": algorithm, "by": "PyJWT", "bytes": len(text), "per_s": round(statistics.median(rates))}))


measure("RS256", rsa.generate_private_key(65537, 2048), 1000)
measure("ES256", ec.generate_private_key(ec.SECP256R1()), 500)
measure("EdDSA", ed25519.Ed25519PrivateKey.generate(), 300)
