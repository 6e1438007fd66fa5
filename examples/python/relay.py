"""The relay: an edge site with a workspace of its own, and the observatory around us. Cut off or killed, it goes on where it was."""

import obs

obs.init("roof")
with obs.open("roof") as roof, obs.open() as observatory:
    with roof.unit() as unit:
        unit.put("raw/1.fits", b"frame")
        unit.publish("org.example.frame.stored", subject="raw/1.fits")

    for _ in range(2):  # the second time there is nothing to do
        done = roof.relay(observatory, site="roof")
        print(f"{done.objects} objects, {done.events} events")

    for name, value in observatory.store.head("raw/1.fits").labels.items():
        print(f"raw/1.fits: {name}={value}")
