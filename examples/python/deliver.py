"""Deliveries: obs.yaml names a web server. What it does not take now is kept, in its order, and tried again."""

import obs

with obs.open() as client:
    client.bus.publish("org.example.frame.stored", subject="raw/1.fits", data={"exposure": 30})
    print("delivered", client.journal.run(once=True))  # a service leaves `once` out: it goes on until it is ended
    for to in client.journal:
        print(f"{to['destination']}: {to['state']}, {to['waiting']} waiting")
