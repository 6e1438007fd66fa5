"""Rows as tables of other libraries, which are imported when they are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

_UNITS = {"ra": "deg", "dec": "deg", "distance": "deg", "radius": "deg", "exposure": "s", "size": "byte"}


def _flat(value: Any) -> Any:
    """Lists and objects as JSON: a cell holds one thing."""
    return json.dumps(value) if isinstance(value, (list, dict)) else value


def columns_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Columns of the same length, with None where a row has nothing.

    Fields, then values under their names, then labels: one whose name is taken already is `label.NAME`.
    """
    seen = list(rows)
    fields: dict[str, None] = {}
    values: dict[str, None] = {}
    labels: dict[str, None] = {}
    for row in seen:
        fields.update(dict.fromkeys(name for name in row if name not in ("values", "labels")))
        values.update(dict.fromkeys(row.get("values") or {}))
        labels.update(dict.fromkeys(row.get("labels") or {}))
    columns: dict[str, list[Any]] = {name: [_flat(row.get(name)) for row in seen] for name in fields}
    for group, kind, names in (("values", "value", values), ("labels", "label", labels)):
        for name in names:
            column = name if name not in columns else f"{kind}.{name}"
            columns[column] = [_flat((row.get(group) or {}).get(name)) for row in seen]
    return columns


def to_frame(rows: Iterable[Mapping[str, Any]]) -> Any:
    try:
        import pandas  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError:
        raise ImportError("to_frame() needs pandas: pip install pandas") from None
    return pandas.DataFrame(columns_of(rows))


def to_table(rows: Iterable[Mapping[str, Any]]) -> Any:
    try:
        from astropy.table import MaskedColumn, Table  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError:
        raise ImportError("to_table() needs astropy: pip install astropy") from None
    table = Table()
    for name, cells in columns_of(rows).items():
        kinds = {type(cell) for cell in cells if cell is not None}
        numeric = bool(kinds) and kinds <= {int, float}
        filler: Any = 0 if numeric else False if kinds == {bool} else ""
        if not numeric and kinds != {bool}:
            cells = [cell if cell is None else str(cell) for cell in cells]
        data = [filler if cell is None else cell for cell in cells]
        missing = [cell is None for cell in cells]
        table[name] = MaskedColumn(data, mask=missing, unit=_UNITS.get(name) if numeric else None)
    return table
