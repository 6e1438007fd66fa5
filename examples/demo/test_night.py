"""The page of the demonstration: nothing in it can run or ask for anything, whatever others wrote; and what looks for that finds it."""

from __future__ import annotations

import base64
import html.parser
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

DEMO = Path(__file__).parent
sys.path.insert(0, str(DEMO))

import night
import page
import places

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><circle r="1" onclick="alert(2)"/></svg>'
ALLOWED = {"html", "head", "meta", "title", "style", "body", "header", "nav", "ol", "li", "a", "main", "section", "h1", "h2", "h3", "p", "dl", "div",
           "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "img", "figcaption", "span", "code", "pre", "footer", "svg",
           "line", "circle", "text"}
ADDRESSES = {"href", "src", "srcset", "action", "formaction", "data", "poster", "background", "xlink:href", "ping", "cite"}


class Reader(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice: {attrs}"
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in page.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)


def wrong_in(text: str) -> list[str]:
    """All that this page must not have."""
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert not reader.open, f"never closed: {reader.open}"
    wrong = [f"<{tag}>" for tag, _ in reader.tags if tag not in ALLOWED]
    ids = Counter(attributes["id"] for _, attributes in reader.tags if "id" in attributes)
    wrong += [f"id {name} {times} times" for name, times in ids.items() if times > 1]
    for tag, attributes in reader.tags:
        wrong += [f"{tag} {name}" for name in attributes if name.startswith("on") or name == "style"]
        wrong += [f"{tag} {name}={value[:40]}" for name, value in attributes.items() if name in ADDRESSES
                  and not (value.startswith("data:image/svg+xml;base64,") or value[:1] == "#" and value[1:] in ids)]
        wrong += [f"{tag} without {name}" for name in ("alt",) if tag == "img" and not attributes.get(name)]
        wrong += [f"{tag} {name}={value}" for name, value in attributes.items() if name in ("aria-labelledby",) and value not in ids]
    policy = [attributes["content"] for tag, attributes in reader.tags if attributes.get("http-equiv") == "Content-Security-Policy"]
    if policy != [page.POLICY] or "default-src 'none'" not in page.POLICY:
        wrong.append(f"policy {policy}")
    wrong += [f"U+{ord(c):04X}" for c in set(text) if c != "\n" and page.visible(c) != c]
    wrong += re.findall(r"@import|url\(|expression\(", "".join(re.findall(r"<style>(.*?)</style>", text, re.DOTALL)))
    return wrong


def a_page(text: Any) -> str:
    parts = [page.table(text, (text, text), [(text, text)], right=(1,)), page.picture(SVG, text, text), page.tiles([(text, text)]),
             page.timeline([0.0, 1.0], [(0.5, text)], text), page.verdict(False, text), page.element("pre", text, title=text)]
    return page.page(text, page.element("p", text), [("one", text, parts)], text)


def test_text_of_others_stays_text() -> None:
    made = a_page(places.ILL)
    assert wrong_in(made) == []
    reader = Reader()
    reader.feed(made)
    assert sum("<script>alert(1)</script>" in text for text in reader.texts) >= 10
    assert "<script" not in made and "\x1b" not in made and "\u202e" not in made
    assert "\\u{1b}[31m" in made and "\\u{202e}txt.exe" in made


def test_a_picture_is_data() -> None:
    made = page.picture(SVG, "alt", "caption")
    assert "script" not in made.replace(base64.b64encode(SVG).decode(), "")
    assert base64.b64encode(SVG).decode() in made


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://example.org/", "//example.org", "data:text/html;base64,AAAA", " #a", "#a b",
                                 "data:image/svg+xml;base64,A\" onload=\"x"])
def test_an_address_outside_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="no attribute"):
        page.element("a", "text", href=url)
    with pytest.raises(ValueError, match="no attribute"):
        page.element("img", src=url, alt="alt")


@pytest.mark.parametrize("name", ["onclick", "onLoad", "a b", 'x="y', "x>"])
def test_an_attribute_that_runs_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no attribute"):
        page.element("p", "text", **{name: "alert(1)"})


@pytest.mark.parametrize("harm", ["<script>1</script>", '<p onclick="x">a</p>', '<img src="https://example.org/a.png" alt="a">', '<p id="one">a</p>',
                                  '<a href="javascript:x">a</a>', "<iframe></iframe>", "\u202e", '<img src="data:image/svg+xml;base64,AA==">'])
def test_what_looks_for_harm_finds_it(harm: str) -> None:
    assert wrong_in(a_page("text")) == []
    assert wrong_in(a_page(page.Html(harm)))


def test_numbers() -> None:
    assert [page.number(value) for value in (None, 0, 1234567, 1.6)] == ["–", "0", "1\u202f234\u202f567", "2"]


@pytest.mark.parametrize(("name", "content", "found"), [
    ("a.txt", "fine\n", []), ("a.txt", "\x1b[31m\n", ["U+001B"]), ("a.txt", "a\u202eb\u200b", ["U+200B", "U+202E"]), ("a.json", '{"a":"\\u001b"}\n', []),
    ("a.svg", '<svg xmlns="http://www.w3.org/2000/svg"><text>&lt;script&gt;</text></svg>', []),
    ("a.svg", SVG.decode(), ["<script>", "circle onclick"]),
    ("a.svg", '<svg xmlns:x="http://www.w3.org/1999/xlink"><a x:href="javascript:alert(1)"/></svg>', ["a {http://www.w3.org/1999/xlink}href"]),
])
def test_what_a_terminal_or_browser_obeys(tmp_path: Path, name: str, content: str, found: list[str]) -> None:
    path = tmp_path / name
    path.write_text(content)
    assert places.harmful(path) == found


def workspace(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small one, in which all that others may write means ill."""
    made = folder / "night"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    monkeypatch.setenv("OBS_WORKSPACE", str(made))

    def run(*words: str, given: bytes = b"") -> None:
        subprocess.run(["obsctl", *words], check=True, input=given, stdout=subprocess.DEVNULL)

    run("init", str(made))
    for tenant in night.TENANTS:
        run("tenant", "create", tenant)
    definition = folder / "definition.json"
    definition.write_text('{"type":"object","properties":{"a":{"pattern":"^x$","type":"string"}}}')
    run("ingest", "define", "-t", "roof", "ill", str(definition))
    lines = folder / "lines.ndjson"
    lines.write_text(f'{{"a":{json.dumps(places.ILL)}}}\n')
    run("ingest", "-t", "roof", "-q", "-d", "ill", str(lines))
    run("put", "-t", "roof", "-", "raw/a", "-l", f"camera={places.ILL}", given=b"a\n")
    run("audit", "checkpoint")
    return made


SMALL = [section for section in night.SECTIONS if section[0] not in ("pictures", "hostile")]  # these two need gnuplot, and the demonstration's data


def test_of_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = workspace(tmp_path, monkeypatch)
    monkeypatch.setattr(night, "SECTIONS", SMALL)
    text = night.made(night.Night(tmp_path, made))
    assert wrong_in(text) == []
    assert "does not match the pattern" in text
    assert "&lt;script&gt;alert(1)" in text


def test_of_parts_that_were_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What parts of the demonstration leave is text of others, too: reasons of a web server, names of functions."""
    made, ill = workspace(tmp_path, monkeypatch), places.ILL
    told = {"type": ill, "since": ill, "failures": 3, "message": ill, "command": ill, "last_error": ill}
    kept: dict[str, Any] = {
        "kills": {"kills": [{"function": ill, "victim": ill, "moment": ill}]},
        "oracles": [{"name": ill, "oracle": ill, "tolerance": 1e-9, "products": 1, "compared": 2, "largest": 0.0, "skipped": {}, "wrong": [ill]}],
        "webhook": {"events": 2, "deliveries": 3, "again": 1, "lost": 0, "twice": 0, "silence_s": 1.0, "begin": 0.0, "times": [0.0, 1.0, 2.0],
                    "told": [told], "mails": [{"at": 1.0, "to": [ill], "subject": ill, "text": ill}]},
        "edge": {"kills": 2, "compared": {ill: {"site": 1, "observatory": 1, "lost": 0, "twice": 0}}},
        "setting": {"setting": ill, "from": 1, "to": 2, "function": ill, "lag_ms": 3.0, "before": 1, "after": 1, "stars": [2, 1], "lineage": ill,
                    "again": {"new": ill, "old": ill}},
        "parts": [{"part": ill, "files": 1, "items": 2, "seconds": 0.5, "rate": 4}],
    }
    for name, content in kept.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    (tmp_path / "verdict").write_text(ill)
    monkeypatch.setattr(night, "SECTIONS", SMALL)
    text = night.made(night.Night(tmp_path, made))
    assert wrong_in(text) == []
    assert text.count("&lt;script&gt;alert(1)") >= 15
