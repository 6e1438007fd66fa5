"""A page of HTML in one file, of text that others wrote: nothing in it can run or ask for anything, whatever the text is.

What is not made by `element()` is escaped when it becomes part of the page, so that forgetting it is not possible; characters
that control a terminal, reorder text or are not seen are shown by their numbers. Pictures are data of an <img>, in which a
browser runs nothing and loads nothing; and the page's own policy forbids the rest.
"""

from __future__ import annotations

import base64
import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
VOID = {"meta", "img"}
NAME = re.compile(r"[a-z][a-z0-9-]*", re.ASCII | re.IGNORECASE)


class Html(str):
    """What may stand in the page as it is. Only element() and joined() make it."""

    __slots__ = ()


def visible(text: str) -> str:
    """Line ends stay; other controls, and what reorders or hides text, are written out."""
    return "".join(c if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else f"\\u{{{ord(c):x}}}" for c in text)


def escaped(part: Any) -> Html:
    if isinstance(part, tuple):
        return joined(part)
    return part if isinstance(part, Html) else Html(html.escape(visible(str(part))))


def joined(parts: Iterable[Any]) -> Html:
    return Html("".join(escaped(part) for part in parts if part is not None))


def element(tag: str, *parts: Any, **attributes: Any) -> Html:
    """<tag attributes>parts</tag>. A trailing '_' of a name is left out, others become '-'; None leaves an attribute out."""
    words = [tag]
    for name, value in attributes.items():
        written = name.rstrip("_").replace("_", "-")
        if not NAME.fullmatch(written) or written.lower().startswith("on") or written in ("src", "href") and not harmless(str(value)):
            raise ValueError(f"no attribute of this page: {name}={value!r}")
        if value is not None:
            words.append(f'{written}="{html.escape(visible(str(value)))}"')
    begin = Html(f"<{' '.join(words)}>")
    return begin if tag in VOID else Html(f"{begin}{joined(parts)}</{tag}>")


def harmless(url: str) -> bool:
    return bool(re.fullmatch(r"#[\w-]+|data:image/(svg\+xml|png);base64,[A-Za-z0-9+/=]+", url, re.ASCII))


# --- parts of a page -------------------------------------------------------------------------------------------------


def number(value: float | int | None, digits: int = 0) -> str:
    """With thin blanks between thousands; what is not there is a dash."""
    return "–" if value is None else f"{value:,.{digits}f}".replace(",", "\u202f")


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[int] = ()) -> Html:
    """Columns in `right` are numbers. On a narrow screen it is moved by itself, not the page."""
    sides = [{"class_": "number"} if column in right else {} for column in range(len(heads))]
    head = element("tr", *(element("th", text, scope="col", **side) for text, side in zip(heads, sides)))
    body = [element("tr", element("th", row[0], scope="row"), *(element("td", text, **side) for text, side in zip(row[1:], sides[1:])))
            for row in rows]
    if not body:
        return element("p", caption, ": none.", class_="none")
    made = element("table", element("caption", caption), element("thead", head), element("tbody", *body))
    return element("div", made, class_="scroll", role="region", tabindex="0", aria_label=caption)


def picture(content: bytes, alt: str, caption: Any, wide: bool = False) -> Html:
    """SVG inside an <img>: a browser runs no script of it and follows no address in it."""
    source = "data:image/svg+xml;base64," + base64.b64encode(content).decode()
    plate = element("div", element("img", src=source, alt=alt), class_="plate", tabindex="0", role="group", aria_label=alt)
    return element("figure", plate, element("figcaption", caption), class_="wide" if wide else None)


def verdict(good: bool, text: Any) -> Html:
    """Not by colour alone."""
    return element("span", "✓ " if good else "✗ ", text, class_="good" if good else "bad")


def tiles(facts: Iterable[tuple[Any, str]]) -> Html:
    return element("dl", *(element("div", element("dt", name), element("dd", fact)) for fact, name in facts), class_="tiles")


def timeline(times: Sequence[float], marks: Sequence[tuple[float, str]], alt: str) -> Html:
    """Points along seconds, with marks at some of them: the marks stand below each other, as they come."""
    end = max([*times, *(at for at, _ in marks), 1e-9])
    left, width, line = 12, 676, 20
    across = [left + width * at / end for at in times]
    height = 60 + line * len(marks)
    parts = [element("title", alt), element("line", x1=left, x2=left + width, y1=24, y2=24, class_="axis")]
    parts += [element("circle", cx=f"{x:.1f}", cy=24, r=4) for x in across]
    for row, (at, text) in enumerate(marks):
        x, y = left + width * at / end, 56 + line * row
        turned = x > left + width / 2
        parts.append(element("line", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=12, y2=y, class_="mark"))
        parts.append(element("text", f"{at:.1f} s: {text}", x=f"{x + (-6 if turned else 6):.1f}", y=y,
                             text_anchor="end" if turned else "start"))
    drawn = element("svg", *parts, role="img", aria_label=alt, viewBox=f"0 0 700 {height}", class_="timeline")
    return element("div", drawn, class_="scroll", role="region", tabindex="0", aria_label=alt)


def section(name: str, title: str, *parts: Any) -> Html:
    return element("section", element("h2", title, id=f"{name}-title"), *parts, id=name, aria_labelledby=f"{name}-title")


def page(title: str, lead: Any, sections: Sequence[tuple[str, str, Sequence[Any]]], foot: Any) -> str:
    contents = element("nav", element("ol", *(element("li", element("a", heading, href=f"#{name}")) for name, heading, _ in sections)),
                       aria_label="Contents")
    head = element("head", element("meta", charset="utf-8"), element("meta", http_equiv="Content-Security-Policy", content=POLICY),
                   element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                   element("meta", name="color-scheme", content="light dark"), element("meta", name="referrer", content="no-referrer"),
                   element("title", title), element("style", Html(STYLE)))
    main = element("main", *(section(name, heading, *parts) for name, heading, parts in sections))
    body = element("body", element("header", element("h1", title), lead), contents, main, element("footer", foot))
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"


STYLE = """
:root { color-scheme: light dark; --paper: #fcfbf8; --ink: #1c2230; --soft: #555d6e; --line: #d9d6cd; --plate: #fff;
  --accent: #1f4e8c; --good: #17683a; --bad: #a8201a; --stripe: #f3f1ea; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #10141d; --ink: #e6e8ee; --soft: #a7afbf; --line: #313847; --plate: #f4f3ef; --accent: #8fbcf5; --good: #74d19b;
    --bad: #ff9b8f; --stripe: #171d29; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem clamp(1rem, 4vw, 3rem) 4rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; overflow-wrap: break-word; }
h1, h2, h3 { font-family: Charter, "Bitstream Charter", Georgia, "Noto Serif", "DejaVu Serif", serif; line-height: 1.2;
  font-weight: 600; text-wrap: balance; }
h1 { font-size: clamp(1.9rem, 5vw, 2.8rem); margin: .5rem 0 .75rem; }
h2 { font-size: 1.5rem; margin: 3.2rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.1rem; margin: 1.75rem 0 .5rem; }
p, ul, ol { max-width: 42rem; margin: .6rem 0; }
a { color: var(--accent); text-underline-offset: .15em; }
a:focus-visible, .scroll:focus-visible, .plate:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
code, pre, kbd { font: .875em/1.5 ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace; }
pre { margin: .75rem 0; padding: .8rem 1rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--stripe);
  white-space: pre-wrap; overflow-wrap: anywhere; }
nav ol { columns: 17rem; padding-left: 1.4rem; max-width: none; }
nav a { text-decoration: none; } nav a:hover { text-decoration: underline; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.25rem, 1fr)); gap: .75rem; margin: 1.25rem 0; }
.tiles div { display: flex; flex-direction: column-reverse; justify-content: flex-end; border: 1px solid var(--line);
  border-radius: .5rem; padding: .7rem .9rem; }
.tiles dd { margin: 0; font-size: 1.5rem; font-weight: 600; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tiles dt { color: var(--soft); font-size: .875rem; line-height: 1.35; }
.scroll { overflow-x: auto; margin: 1rem 0; background: linear-gradient(to right, var(--paper) 30%, transparent) 0 0 / 3rem 100% local,
  linear-gradient(to left, var(--paper) 30%, transparent) 100% 0 / 3rem 100% local, linear-gradient(to right, var(--line), transparent)
  0 0 / .9rem 100% scroll, linear-gradient(to left, var(--line), transparent) 100% 0 / .9rem 100% scroll; background-repeat: no-repeat; }
table { border-collapse: collapse; min-width: min(100%, 32rem); font-size: .925rem; font-variant-numeric: tabular-nums lining-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .35rem; font-size: .9rem; }
th, td { padding: .35rem .9rem .35rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th:last-child, td:last-child { padding-right: 0; }
thead th { font-weight: 600; border-bottom: 2px solid var(--soft); white-space: nowrap; }
tbody th { font-weight: 500; }
.number { text-align: right; white-space: nowrap; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1.25rem; margin: 1rem 0;
  align-items: start; }
figure { margin: 0; } figure.wide { grid-column: 1 / -1; }
.plate { overflow-x: auto; background: var(--plate); border: 1px solid var(--line); border-radius: .4rem; padding: .4rem; }
.plate img { display: block; width: 100%; height: auto; }
figcaption { color: var(--soft); font-size: .9rem; padding-top: .4rem; }
.timeline { display: block; width: 100%; max-width: 44rem; min-width: 34rem; height: auto; font-size: 13px; }
.timeline text { fill: var(--ink); } .timeline circle { fill: var(--accent); fill-opacity: .45; }
.timeline .axis { stroke: var(--line); stroke-width: 2; } .timeline .mark { stroke: var(--soft); stroke-dasharray: 3 3; }
td .good, td .bad { white-space: nowrap; } .good { color: var(--good); font-weight: 600; } .bad { color: var(--bad); font-weight: 700; }
.soft, .none, footer { color: var(--soft); } .ill { overflow-wrap: anywhere; }
footer { margin-top: 4rem; border-top: 1px solid var(--line); padding-top: 1rem; font-size: .9rem; }
@media (max-width: 40rem) { .plate img { width: 34rem; } th, td { padding-right: .65rem; } .tiles { grid-template-columns: repeat(2, 1fr); } }
@media print {
  :root { --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --plate: #fff; --accent: #000; --good: #000; --bad: #000; --stripe: #fff; }
  body { max-width: none; padding: 0; font-size: 10pt; } nav { display: none; }
  h2 { break-after: avoid; margin-top: 1.5rem; } figure, tr, .tiles div { break-inside: avoid; } .scroll { overflow: visible; background: none; }
  .figures { grid-template-columns: 1fr 1fr; } }
"""
