"""Getting 4 KiB through the Python binding and, in turns, in C in the same process; answers nanoseconds of C and of Python.

    get.py WORKSPACE LIBRARY      reads lines as bench_get does; LIBRARY is that of get_round.c
"""

import ctypes
import gc
import sys
import time

import obs

ROUND_NS = 1_000_000
BATCH = 20
KEY = "bench/four"


def take_round(store, into):
    data = bytearray(4096)
    get, readinto = store.get, store.readinto
    begin = now = time.perf_counter_ns()
    calls = 0
    while now < begin + ROUND_NS:
        if into:
            for _ in range(BATCH):
                readinto(KEY, data)
        else:
            for _ in range(BATCH):
                get(KEY)
        calls += BATCH
        now = time.perf_counter_ns()
    return (now - begin) / calls


def main():
    workspace, library = sys.argv[1:]
    c = ctypes.CDLL(library)
    c.bench_get_round.restype = ctypes.c_double
    c.bench_get_open(workspace.encode())
    with obs.open(workspace, tenant="default", program="bench/1") as client:
        stores = {"mem": client.open_store("mem:bench"), "file": client.store}
        gc.disable()
        for line in sys.stdin:
            where, call = line.split()
            print(c.bench_get_round(where == "file", call == "into"), take_round(stores[where], call == "into"), flush=True)


main()
