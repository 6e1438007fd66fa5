import obs

with obs.open() as client:
    frame = client.store.get("raw/ccd-0421.fits")  # its bytes, not a copy
    with client.unit() as unit:  # durable together, or not at all
        unit.put("products/0421.json", b'{"mag":17.3}', labels={"night": "2026-11-20"}, values={"mag": 17.3})
        unit.publish("org.example.product.created", subject="products/0421.json")
    print("measured", len(frame), "bytes")
