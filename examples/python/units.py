"""Units: several changes that become durable together, or not at all."""

import obs

with obs.open() as client:
    with client.unit() as unit:
        unit.put("products/m13.json", b'{"mag":5.8}', values={"mag": 5.8})
        unit.publish("org.example.product.created", subject="products/m13.json")
    assert client.store.exists("products/m13.json")
    print("both became visible together")

    try:
        with client.unit() as unit:
            unit.put("products/m92.json", b'{"mag":6.4}')
            raise RuntimeError("the measurement failed")
    except RuntimeError:
        assert not client.store.exists("products/m92.json")
        print("nothing of the second unit happened")
