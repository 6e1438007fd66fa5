"""A function: it makes a product of each frame that is stored, and tells the others.

python3 functions.py --event frame-stored.json   what it would make of one event
obsctl function new look --python                a folder for one of your own; 'obsctl function run' runs it
"""

import obs


@obs.function_main
def on_frame(call: obs.FunctionCall) -> None:
    # call.get(call.event.subject) would read the frame, as an input of what is put.
    key = f"products/{call.event.id}.txt"
    call.put(key, f"a look at {call.event.subject}\n".encode())
    call.publish("org.example.product.made", subject=key)
