"""The amplitudes of a miniSEED file, and a picture of its traces.

Each file makes one product, also one that obspy cannot read: the product says why it is empty.
"""

from __future__ import annotations

import io
import json
import warnings
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import numpy as np
import obspy

import obs

COLUMNS, HEIGHT = 600, 80  # of the picture of one trace
MOST = 12  # traces of one picture


def amplitudes(trace: Any) -> dict[str, Any]:
    """One trace in numbers; a log of text has none."""
    about = {"id": trace.id, "start": str(trace.stats.starttime), "end": str(trace.stats.endtime),
             "rate": float(trace.stats.sampling_rate), "samples": int(trace.stats.npts)}
    data = trace.data
    if data.dtype.kind not in "iuf":
        return about | {"why": "text, no samples"}
    data = data.astype(float)
    data = data[np.isfinite(data)]
    if not data.size:
        return about | {"why": "no finite sample"}
    return about | {"min": float(data.min()), "max": float(data.max()), "mean": float(data.mean()),
                    "rms": float(np.sqrt(np.mean(np.square(data))))}


def envelope(data: Any) -> str:
    """The least and the greatest sample of each column, as the points of a polygon."""
    data = np.nan_to_num(data.astype(float))
    parts = np.array_split(data, min(COLUMNS, data.size))
    low, high = (np.array([pick(part) for part in parts]) for pick in (np.min, np.max))
    bottom, top = low.min(), high.max()
    scale = (HEIGHT - 10) / (top - bottom) if top > bottom else 0.0
    x = np.linspace(0, COLUMNS, len(parts))
    there = [f"{a:.1f},{HEIGHT - 5 - (b - bottom) * scale:.1f}" for a, b in zip(x, high)]
    back = [f"{a:.1f},{HEIGHT - 5 - (b - bottom) * scale:.1f}" for a, b in zip(x[::-1], low[::-1])]
    return " ".join(there + back)


def caption(trace: Any) -> str:
    seconds = float(trace.stats.endtime - trace.stats.starttime)
    return f"{trace.id}  {trace.stats.starttime}, {seconds:g} s, from {np.nanmin(trace.data):g} to {np.nanmax(trace.data):g}"


def plot(name: str, traces: list[Any]) -> str:
    shown = [trace for trace in traces if trace.data.dtype.kind in "iuf" and trace.data.size][:MOST]
    rows = "".join(
        f'<g transform="translate(0,{20 + row * (HEIGHT + 16)})"><text y="8" font-family="sans-serif" font-size="10">'
        f'{escape(caption(trace))}</text><polygon transform="translate(0,8)" '
        f'points="{envelope(trace.data)}" fill="#247" stroke="#247" stroke-width="0.6"/></g>'
        for row, trace in enumerate(shown)
    )
    height = 24 + len(shown) * (HEIGHT + 16)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {COLUMNS} {height}" width="{COLUMNS}">'
        f'<title>{escape(name)}</title>'
        f'<rect width="{COLUMNS}" height="{height}" fill="#fff"/>'
        f'<text x="2" y="12" font-family="sans-serif" font-size="12">{escape(name)}</text>{rows}</svg>\n'
    )


def read(content: bytes) -> tuple[list[Any], str]:
    """The traces of a file, or why there are none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the files of the archive have every fault there is
            return list(obspy.read(io.BytesIO(content), format="MSEED")), ""
    except Exception as error:  # what obspy cannot read has no traces; it is no failure of ours
        return [], f"obspy cannot read it: {type(error).__name__}"


@obs.function_main
def handle(call: obs.FunctionCall) -> None:
    key = call.event.subject or ""
    name = key.removeprefix("raw/mseed.record/")
    traces, why = read(bytes(call.get(key)))
    product: dict[str, Any] = {"file": key, "traces": [amplitudes(trace) for trace in traces]} | ({"why": why} if why else {})
    if traces:
        file = quote(f"{name}.svg", safe="")
        (call.folder / file).write_text(plot(name, traces))
        call.put_file(f"products/seismogram/{name}.svg", file, content_type="image/svg+xml",
                      labels={"product": "seismogram.picture"})
    made = f"products/seismogram/{name}.json"
    call.put(made, json.dumps(product, separators=(",", ":"), allow_nan=False).encode(), content_type="application/json",
             labels={"product": "seismogram"}, values={"traces": len(traces)})
    call.publish("org.example.seismogram.made", subject=made, data={"traces": len(traces)})
