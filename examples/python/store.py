"""Objects: write once, read back, read a part, list."""

import obs

with obs.open() as client:
    store = client.store
    stat = store.put("raw/m13.txt", b"globular cluster\n", content_type="text/plain", labels={"night": "2026-11-20"})
    print("stored", stat.size, "bytes")

    word = store.get("raw/m13.txt", length=8)  # any part of it, checked
    print("the first word is", bytes(word).decode())

    try:
        store.put("raw/m13.txt", b"something else", if_none_match="*")  # only if there is none yet
    except FileExistsError:
        print("it is there already")

    for stat in store.list("raw/"):
        print(stat.key, *(f"{name}={value}" for name, value in store.head(stat.key).labels.items()))
