"""A token for somebody else: what it allows and what not, and how another program checks it."""

import obs

with obs.open() as client:
    token = client.token.issue(
        subject="function:photometry", scope=["storage.read:/raw", "storage.create:/products"], lifetime=600
    )

    # A service would be handed the token with a request; it never has more rights than the token.
    with client.acting_as(token=token) as bearer:
        print(f"{bearer.subject} in tenant {bearer.tenant}")
        bearer.store.put("products/a.txt", b"a\n")
        print("made products/a.txt")
        for key, what in {"raw/a.txt": "write", "products/a.txt": "replace"}.items():
            try:
                bearer.store.put(key, b"b\n")
            except PermissionError:
                print(f"may not {what} {key}")

    # The algorithms are always the checker's choice, never the token's.
    if client.token.verify(token, algorithms=["EdDSA"])["sub"] == "function:photometry":
        print("it holds")
    try:
        client.token.verify(token, algorithms=["RS256"])
    except obs.UnauthenticatedError:
        print("not with RS256")
