"""The stars of a frame: where they stand and how bright they are.

Each frame makes one product, also one without a picture or without stars: the product says why it is empty.
"""

from __future__ import annotations

import io
import json
import math
import warnings
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import numpy as np
from astropy.io import fits
from astropy.stats import sigma_clipped_stats
from photutils.aperture import CircularAperture, aperture_photometry
from photutils.detection import DAOStarFinder

import obs

THRESHOLD = 5.0  # in standard deviations of the background, unless photometry.threshold says otherwise
WIDTH = 4.0  # of a star: full width at half maximum, in pixels
RADIUS = 5.0  # of the aperture, in pixels
LEAST = 32  # pixels on a side: less is no picture of the sky


def picture(content: bytes) -> tuple[Any, str]:
    """The first picture of two dimensions, or why there is none."""
    try:
        with warnings.catch_warnings(), fits.open(io.BytesIO(content)) as units:
            warnings.simplefilter("ignore")  # frames of the archive bend the standard
            for unit in units:
                if not unit.is_image or unit.header.get("NAXIS") != 2 or unit.data is None:
                    continue
                if min(unit.data.shape) >= LEAST:
                    return np.array(unit.data, dtype=float), ""
    except Exception as error:  # what astropy cannot read has no stars; it is no failure of ours
        return None, f"astropy cannot read it: {type(error).__name__}"
    return None, f"no picture of at least {LEAST} x {LEAST} pixels"


def measure(image: Any, threshold: float) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pixels without a value do not count
        mean, median, deviation = sigma_clipped_stats(image, sigma=3.0)
    background = {"mean": float(mean), "median": float(median), "deviation": float(deviation)}
    if not math.isfinite(deviation) or deviation <= 0:
        return {"why": "a background without noise", "stars": []}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no star at all is a warning there
        found = DAOStarFinder(fwhm=WIDTH, threshold=threshold * deviation)(image - median)
    if found is None:
        return {"why": "no stars above the threshold", "background": background, "stars": []}
    columns = found.colnames
    x, y = (name if name in columns else name.replace("_", "") for name in ("x_centroid", "y_centroid"))
    places = np.transpose((found[x], found[y]))
    fluxes = aperture_photometry(image - median, CircularAperture(places, r=RADIUS))["aperture_sum"]
    stars = [{"x": float(at[0]), "y": float(at[1]), "flux": float(flux)}
             for at, flux in zip(places, fluxes) if math.isfinite(flux)]  # not over pixels without a value
    return {"background": background, "stars": sorted(stars, key=lambda star: (-star["flux"], star["x"], star["y"]))}


def plot(name: str, shape: tuple[int, ...], stars: list[dict[str, float]]) -> str:
    """A chart of the stars: the brighter, the larger."""
    height, width = shape
    brightest = max((star["flux"] for star in stars), default=1.0)
    sizes = (1 + 4 * math.sqrt(max(star["flux"], 0) / brightest) for star in stars)
    circles = "".join(
        f'<circle cx="{star["x"]:.2f}" cy="{height - star["y"]:.2f}" r="{size:.2f}"/>' for star, size in zip(stars, sizes)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -20 {width} {height + 20}" width="{min(width, 600)}">'
        f'<title>{escape(name)}</title><rect y="-20" width="{width}" height="{height + 20}" fill="#fff"/>'
        f'<text x="4" y="-6" font-family="sans-serif" font-size="12">{escape(name)}: {len(stars)} stars</text>'
        f'<rect width="{width}" height="{height}" fill="#102"/><g fill="#ffd" fill-opacity="0.8">{circles}</g></svg>\n'
    )


@obs.function_main
def handle(call: obs.FunctionCall) -> None:
    key = call.event.subject or ""
    name = key.removeprefix("raw/fits/")
    threshold = call.config.value("photometry.threshold", float, THRESHOLD)
    image, why = picture(bytes(call.get(key)))
    product: dict[str, Any] = {"frame": key, "threshold": threshold, "radius": RADIUS, "width": WIDTH}
    product |= {"why": why, "stars": []} if image is None else measure(image, threshold)
    if image is not None:
        product["shape"] = list(image.shape)
        file = quote(f"{name}.svg", safe="")
        (call.folder / file).write_text(plot(name, image.shape, product["stars"]))
        call.put_file(f"products/photometry/{name}.svg", file, content_type="image/svg+xml",
                      labels={"product": "photometry.picture"})
    made = f"products/photometry/{name}.json"
    call.put(made, json.dumps(product, separators=(",", ":"), allow_nan=False).encode(), content_type="application/json",
             labels={"product": "photometry"}, values={"stars": len(product["stars"]), "threshold": threshold})
    call.publish("org.example.photometry.made", subject=made, data={"stars": len(product["stars"])})
