"""Events: published durably, delivered until they are acknowledged."""

import obs

with obs.open() as client:
    for number in (1, 2):
        client.bus.publish("org.example.frame.stored", subject=f"raw/{number}.fits", data={"exposure": 30 * number})

    with client.bus.subscribe("watcher", type="org.example.*") as subscription:  # its place is kept under its name
        while delivery := subscription.next(timeout=0.1):
            print(delivery.event.type, delivery.event.subject)
            subscription.acknowledge(delivery)
    print("no more")
