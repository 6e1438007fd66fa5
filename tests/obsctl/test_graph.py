"""obsctl graph: what is drawn is what is there, in SVG and in the terminal."""
import json
import math
import random
import re
import shutil
import struct
import subprocess
import sys
import xml.etree.ElementTree as xml

from support import OBSCTL, SANITIZED, Case, main, skip

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
SCHEMA = {"type": "object", "properties": {name: {"type": kind} for kind, names in (
    ("string", ["object", "date", "band"]), ("number", ["ra", "dec", "mag", "t", "u"])) for name in names}}
HOSTILE = ["`touch pwned`", "<script>alert(1)</script>", "'; system \"touch pwned\"; '", 'a"b\\n', "@x %d $1 ^{up} &amp; &#60;", "Qz00zz",
           "two\nlines\x1b[31m", "\u202emirror", "ünï ￾"]


class Picture:
    """An SVG document, read back."""

    def __init__(self, path):
        self.text = path.read_text("utf-8")
        self.root = xml.fromstring(self.text)
        self.title = self.root.find(SVG + "title").text
        self.desc = self.root.find(SVG + "desc").text
        ids = [element.get("id") for element in self.root.iter() if element.get("id")]
        assert len(ids) == len(set(ids)), "an id stands there twice"

    def texts(self):
        return ["".join(element.itertext()) for element in self.root.iter(SVG + "text")]

    def series(self):
        """Places of the points in pixels by series, without the sample in the key."""
        found = []
        for group in self.root.iter(SVG + "g"):
            if not (group.get("id") or "").startswith("series-"):
                continue
            name = group.find(SVG + "title").text or ""
            if name == "grid":
                continue
            points = [tuple(map(float, re.match(r"translate\(([-\d.]+),([-\d.]+)\)", use.get("transform")).groups()))
                      for use in group.iter(SVG + "use") if use.get(LINK, "").startswith("#gpPt")]
            found.append((name, points[:-1] if name else points))
        return found

    def marks(self, anchor):
        """What stands at the marks of an axis ('end': vertical, 'middle': horizontal), with its place."""
        found = []
        for group in self.root.iter(SVG + "g"):
            text = group.find(SVG + "text")
            if text is None or group.get("text-anchor") != anchor or group.get("font-size") != "12.00":
                continue
            place = tuple(map(float, re.match(r"translate\(([-\d.]+),([-\d.]+)\)", group.get("transform")).groups()))
            found.append(("".join(text.itertext()).strip(), place))
        return found


def line_through(pairs):
    """The straight line through the first and the last: place = a + b * value."""
    (v0, p0), (v1, p1) = pairs[0], pairs[-1]
    b = (p1 - p0) / (v1 - v0)
    return p0 - b * v0, b


def record(samples, encoding, data, channel=b"BHZ", second=0, rate=20, exponent=12, little=False):
    """A record of miniSEED 2."""
    order = "<" if little else ">"
    head = b"000001D " + b"STA  " + b"00" + channel + b"XX"
    head += struct.pack(order + "HHBBBBHHhhBBBBiHH", 2026, 325, 21, second // 60, second % 60, 0, 0, samples, rate, 1, 0, 0, 0, 1, 0, 64, 48)
    head += struct.pack(order + "HHBBBB", 1000, 0, encoding, 0 if little else 1, exponent, 0)
    return (head.ljust(64, b"\0") + data).ljust(1 << exponent, b"\0")


def record3(samples, encoding, data, rate=20.0):
    name = b"FDSN:XX_STA_00_B_H_Z"
    return struct.pack("<2sBBIHHBBBBdIIBBHI", b"MS", 3, 0, 0, 2026, 325, 21, 0, 0, encoding, rate, samples, 0, 1, len(name), 0, len(data)) + name + data


def steim(samples, kinds, little=False):
    """Steim 1 and 2: `kinds` are (two bits of the frame, two of the word or None, how many, bits) to take in turn."""
    order = "<" if little else ">"
    differences = [0] + [b - a for a, b in zip(samples, samples[1:])]
    words, at = [], 0
    while at < len(differences):
        frame, inner, count, bits = kinds[len(words) % len(kinds)]
        part = differences[at:at + count]
        if len(part) < count or any(not -(1 << bits - 1) <= value < 1 << bits - 1 for value in part):
            frame, inner, count, bits = 3, 1, 1, 32  # of Steim 1
            if kinds[0][1] is not None or any(kind[1] is not None for kind in kinds):
                frame, inner, count, bits = 2, 1, 1, 30
            else:
                inner = None
            part = differences[at:at + 1]
        if inner is None:
            word = b"".join(struct.pack(order + {8: "b", 16: "h", 32: "i"}[bits], value) for value in part)
        else:
            number = inner << 30
            for index, value in enumerate(part):
                number |= (value & (1 << bits) - 1) << (count - 1 - index) * bits
            word = struct.pack(order + "I", number)
        words.append((frame, word))
        at += count
    data, first = b"", True
    while words:
        room = 13 if first else 15
        taken, words = words[:room], words[room:]
        frames = [0] * (16 - room) + [kind for kind, _ in taken]
        control = sum(kind << 30 - 2 * index for index, kind in enumerate(frames))
        head = struct.pack(order + "I", control) + (struct.pack(order + "ii", samples[0], samples[-1]) if first else b"")
        data += (head + b"".join(word for _, word in taken)).ljust(64, b"\0")
        first = False
    return data


STEIM1 = [(1, None, 4, 8), (2, None, 2, 16), (3, None, 1, 32)]
STEIM2 = [(1, None, 4, 8), (2, 1, 1, 30), (2, 2, 2, 15), (2, 3, 3, 10), (3, 0, 5, 6), (3, 1, 6, 5), (3, 2, 7, 4)]


class Graph(Case):
    def setUp(self):
        super().setUp()
        self.ok("ingest", "define", "test.graph", self.path("graph.schema.json", json.dumps(SCHEMA)))

    def add(self, *records):
        lines = "".join(json.dumps(record) + "\n" for record in records)
        self.ok("ingest", "-d", "test.graph", self.path("records.ndjson", lines))

    def svg(self, *words):
        if not shutil.which("gnuplot"):
            skip("pictures as SVG", "there is no gnuplot")
        path = self.folder / "picture.svg"
        self.assertEqual(self.ok("graph", *words, "-f", "-o", path).out, "")
        return Picture(path)

    def night(self, count=40):
        self.add(*({"object": "12893", "date": f"2025-11-{1 + i // 4:02}T{6 * (i % 4):02}:30:00Z", "band": "VR"[i % 2],
                    "mag": round(17 + math.sin(i), 3), "ra": (359.5 + i / 40) % 360, "dec": -5 + i / 50} for i in range(count)))

    def test_light_curve(self):
        self.night()
        self.add({"object": "12893", "date": "2025-11-02T00:00:00Z"}, {"object": "other", "date": "2024-01-01", "mag": 3})
        picture = self.svg("light-curve", "object=12893", "--title", "One <night>")
        self.assertEqual((picture.title, picture.root.get("role")), ("One <night>", "img"))
        self.assertIn("40 points; 1 entry was left out, without these values", picture.desc)
        self.assertIn("magnitude, ", picture.desc)
        self.assertIn("reversed", picture.desc)
        self.assertEqual([(name, len(points)) for name, points in picture.series()], [("V", 20), ("R", 20)])
        vertical = [(float(text), place[1]) for text, place in picture.marks("end") if re.fullmatch(r"\d+(\.\d+)?", text)]
        self.assertGreater(len(vertical), 3)
        a, b = line_through(vertical)
        self.assertGreater(b, 0)  # faint is down
        days = [(int(text[-2:]), place[0]) for text, place in picture.marks("middle") if text.startswith("2025-11-")]
        c, d = line_through(days)
        shift = a + b * (17 + math.sin(0)) - picture.series()[0][1][0][1]  # of texts against their marks
        for i in range(40):
            x, y = picture.series()[i % 2][1][i // 2]
            self.assertAlmostEqual(a - shift + b * round(17 + math.sin(i), 3), y, delta=0.1)
            self.assertAlmostEqual(c + d * (1 + i // 4 + (6 * (i % 4) + 0.5) / 24), x, delta=0.1)

    def test_calendar(self):
        self.add(*({"object": "slow", "date": f"{2001 + i}-07-01", "mag": i} for i in range(20)),
                 *({"object": "year", "date": f"2025-{1 + i:02}-15", "mag": i} for i in range(12)),
                 *({"object": "night", "date": f"2025-11-20T2{i}:00:00Z", "mag": i} for i in range(4)))
        marks = {key: [text for text, _ in self.svg("light-curve", f"object={key}").marks("middle")] for key in ("slow", "year", "night")}
        self.assertEqual([text for text in marks["slow"] if text.isdigit()], ["2005", "2010", "2015", "2020"])
        self.assertEqual(marks["year"][:4], ["2025-01", "2025-04", "2025-07", "2025-10"])
        self.assertIn("11-20 20:00", marks["night"])
        self.assertIn("time (UTC), from 2025-11-20", self.svg("light-curve", "object=night").texts())

    def test_points_as_json(self):
        self.night()
        rows = self.ok("graph", "light-curve", "--json").rows()
        self.assertEqual([row["y"] for row in rows], [round(17 + math.sin(i), 3) for i in range(40)])
        self.assertEqual((rows[5]["series"], rows[5]["time"], rows[5]["x"]), ("R", "2025-11-02T06:30:00.000Z", 1762065000))
        self.fails_json(2, "INVALID_ARGUMENT", "graph", "light-curve", "-o", "x.svg")

    def test_hostile(self):
        self.add(*({"date": f"2025-11-{i + 1:02}", "mag": i, "band": text, "object": text} for i, text in enumerate(HOSTILE)))
        for kind in (["light-curve"], ["series", "--y", "mag", "--by", "object"]):
            for title in HOSTILE:
                picture = self.svg(*kind, "--title", title)
                shown = title.replace("\n", "\\x0a").replace("\x1b", "\\x1b").replace("\u202e", "\\u{202e}").replace("\ufffe", "\ufffd")
                self.assertEqual(picture.title, shown)
                self.assertIn(shown, picture.texts())
                self.assertTrue({"`touch pwned`", "<script>alert(1)</script>", HOSTILE[4], "Qz00zz"} <= set(picture.texts()))
                self.assertIsNone(picture.root.find(f".//{SVG}script"))
            self.assertNotIn("\x1b", self.ok("graph", *kind).out)
        self.assertEqual(list(self.folder.rglob("pwned")), [])

    def test_where_it_goes(self):
        self.night()
        self.assertTrue(self.ok("graph", "light-curve").out.startswith("Light curve\n"))
        self.svg("light-curve")
        self.fails(6, "graph", "light-curve", "-o", self.folder / "picture.svg", says="--force")
        self.assertIn("<svg ", self.ok("graph", "light-curve", "-o", "-").out)
        self.assertIn("<svg ", self.ok("graph", "light-curve", "--format", "svg").out)
        self.assertNotIn("<svg ", self.ok("graph", "light-curve", "--format", "text", "-o", self.folder / "a.txt").out)
        self.assertIn("40 points", (self.folder / "a.txt").read_text())

    def test_without_gnuplot(self):
        self.night()
        run = self.obsctl("graph", "light-curve", "-o", self.folder / "a.svg", environment={"PATH": str(self.folder)})
        self.assertIn("apt install gnuplot-nox", run.err)
        self.assertNotEqual(run.code, 0)
        self.assertFalse((self.folder / "a.svg").exists())
        self.ok("graph", "light-curve", environment={"PATH": str(self.folder)})

    def gnuplot(self, script):
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "gnuplot").write_text("#!/bin/sh\n" + script)
        (folder / "gnuplot").chmod(0o755)
        return {"PATH": str(folder), "SECRET": "in the caller's environment", "TMPDIR": str(self.folder / "tmp")}

    def test_gnuplot_goes_wrong(self):
        (self.folder / "tmp").mkdir()
        self.night()
        for script, says in (("echo no font >&2; exit 3", "no font"), ("kill -9 $$", "signal 9"), ("exit 0", "gnuplot failed"),
                             ("/bin/sleep 100", "within 1 s")):
            run = self.fails({"within 1 s": 5}.get(says, 1), "graph", "light-curve", "-o", self.folder / "a.svg", "--timeout", "1",
                             environment=self.gnuplot(script), says=says)
            self.assertEqual(list((self.folder / "tmp").iterdir()), [], run.err)
            self.assertFalse((self.folder / "a.svg").exists())

    def test_gnuplot_is_alone(self):
        (self.folder / "tmp").mkdir()
        self.night()
        out = self.folder / "seen"
        self.obsctl("graph", "light-curve", "--format", "svg", environment=self.gnuplot(f"(/bin/pwd; /usr/bin/env; /bin/ls -a; /bin/ls /proc/self/fd) >{out}; exit 1"))
        seen = out.read_text()
        self.assertIn("obsctl-graph-", seen)
        self.assertNotIn("SECRET", seen)
        self.assertNotIn("HOME=" + self.environment["HOME"] + "\n", seen)
        self.assertRegex(seen, r"\n\.\n\.\.\n")

    def position(self, ra, dec, centre):
        """Tangent plane, by rotating vectors: another way than the command's."""
        a, d, a0, d0 = (math.radians(value) for value in (ra, dec, *centre))
        x, y, z = math.cos(d) * math.cos(a - a0), math.cos(d) * math.sin(a - a0), math.sin(d)
        x, z = x * math.cos(d0) + z * math.sin(d0), -x * math.sin(d0) + z * math.cos(d0)
        return y / x, z / x

    def test_sky(self):
        self.night()
        picture = self.svg("sky", "--cone", "0,-5,2")
        self.assertEqual([(name, len(points)) for name, points in picture.series()], [("12893", 40)])
        points = picture.series()[0][1]
        planes = [self.position((359.5 + i / 40) % 360, -5 + i / 50, (0, -5)) for i in range(40)]
        ax, bx = line_through([(planes[0][0], points[0][0]), (planes[-1][0], points[-1][0])])
        ay, by = line_through([(planes[0][1], points[0][1]), (planes[-1][1], points[-1][1])])
        self.assertLess(bx, 0)  # right ascension grows to the left
        self.assertLess(by, 0)  # pixels grow downwards
        self.assertAlmostEqual(bx, by, delta=abs(bx) / 100)
        for (x, y), (px, py) in zip(planes, points):
            self.assertAlmostEqual(ax + bx * x, px, delta=0.1)
            self.assertAlmostEqual(ay + by * y, py, delta=0.1)
        marks = dict(picture.marks("middle"))
        self.assertLess(marks["00h05m"][0], marks["23h55m"][0])

    def test_whole_sky(self):
        corners = [(0, 0), (170, 0), (190, 0), (0, 60), (90, 45), (270, -45), (0, -90)]
        self.add(*({"object": "all", "ra": ra, "dec": dec} for ra, dec in corners))
        points = self.svg("sky").series()[0][1]
        middle, scale = points[0], (points[0][1] - points[3][1]) / 60  # declination is true along the middle
        for (ra, dec), (x, y) in zip(corners, points):
            half, d = math.radians((ra + 180) % 360 - 180) / 2, math.radians(dec)
            angle = math.acos(math.cos(d) * math.cos(half))
            sinc = math.sin(angle) / angle if angle else 1
            self.assertAlmostEqual(x, middle[0] - scale * math.degrees(2 * math.cos(d) * math.sin(half) / sinc), delta=0.3)
            self.assertAlmostEqual(y, middle[1] - scale * math.degrees(math.sin(d) / sinc), delta=0.3)

    def test_poles(self):
        for pole, sign in (("north", 1), ("south", -1)):
            for ra in range(0, 360, 90):
                self.add({"object": pole, "ra": ra, "dec": sign * 89.5})
            self.add({"object": pole, "ra": 123, "dec": sign * 90})
            picture = self.svg("sky", f"object={pole}", "--cone", f"0,{sign * 90},1")
            self.assertTrue({"00h", "08h", "16h", "%+03dd30m" % (sign * 89)} <= set(picture.texts()), picture.texts())
            self.assertNotIn("0.5", picture.texts())
            points = picture.series()[0][1]
            middle, scale = points[4], abs(points[0][1] - points[4][1])
            self.assertGreater(scale, 50)
            for (x, y), (right, up) in zip(points, ((0, -sign), (-1, 0), (0, sign), (1, 0))):  # 6h is on the left
                self.assertAlmostEqual((x - middle[0]) / scale, right, delta=0.02)
                self.assertAlmostEqual((middle[1] - y) / scale, up, delta=0.02)
        self.assertIn("5 points", self.svg("sky", "object=south").desc)
        self.assertIn("10 points", self.svg("sky", "--cone", "77,-90,180").desc)

    def test_series(self):
        self.add(*({"t": i / 2, "u": -i, "ra": i} for i in range(20)))
        picture = self.svg("series", "--x", "ra", "--y", "t", "--y", "u", "--points")
        self.assertEqual([(name, len(points)) for name, points in picture.series()], [("t", 20), ("u", 20)])
        self.assertIn("across: ra, -0.95 to 19.95", picture.desc)
        self.fails(2, "graph", "series", says="--y")
        self.fails(3, "graph", "series", "--y", "absent", says="nothing to draw")

    def test_ingest(self):
        self.night()
        self.ok("ingest", "-d", "test.graph", self.path("bad.ndjson", '{"mag":"x"}\n' * 3))
        rows = self.ok("graph", "ingest", "--json").rows()
        self.assertEqual((sum(row["accepted"] for row in rows), sum(row["refused"] for row in rows)), (40, 3))
        self.assertIn("refused: ", self.svg("ingest").desc)

    def test_wrong(self):
        for words, says in ((["pie"], "light-curve"), (["seismogram"], "KEY"), (["ingest", "x"], "whole"), (["sky", "--format", "png"], "svg"),
                            (["sky", "-o", "x.svg", "--width", "3"], "width"), (["sky", "--cone", "m51"], "cone")):
            self.fails(2, "graph", *words, says=says)

    def test_completion(self):
        self.put("seis/quake")
        for words, offered in ((["graph", "se"], ["series", "seismogram"]), (["graph", "light"], ["light-curve"]), (["graph", "lineage", "se"], ["seis/"])):
            self.assertEqual(self.ok("__complete", "--", *words).out.split(), offered)

    def test_terminal(self):
        self.night()
        for columns in (40, 80, 200):
            out = self.ok("graph", "series", "--y", "mag", environment={"COLUMNS": str(columns), "LC_ALL": "C.UTF-8", "TERM": "xterm"}).out
            self.assertLessEqual(max(map(len, out.splitlines())), max(columns, 70))
            self.assertRegex(out, "[\u2801-\u28ff]")
        for environment in ({"LC_ALL": "C", "TERM": "xterm"}, {"LC_ALL": "C.UTF-8", "TERM": "dumb"}):
            out = self.ok("graph", "series", "--y", "mag", environment=environment).out
            self.assertTrue(out.isascii())
            self.assertIn("o", out)
        self.add({"date": "2025-11-01", "mag": 1, "band": "x"}, {"date": "2025-11-01", "mag": 2, "band": "y"})
        self.assertIn("+", self.ok("graph", "light-curve", "band=y", "--height", "5", environment={"LC_ALL": "C"}).out)

    def samples(self, key="quake"):
        return [row["y"] for row in self.ok("graph", "seismogram", key, "--json").rows()]

    def test_encodings(self):
        chance = random.Random(5)
        steps = [chance.choice([chance.randint(-7, 7), chance.randint(-400, 400), chance.randint(-1 << 28, 1 << 28)]) for _ in range(150)]
        small = [0]
        for step in steps:
            small.append(max(-(1 << 30), min((1 << 30), small[-1] + (step if abs(step) < 8 or chance.random() < 0.3 else step % 7 - 3))))
        floats = [value / 8 for value in range(-50, 50)]
        for number, (encoding, data, expected, little) in enumerate((
                (1, struct.pack(">100h", *range(-50, 50)), list(range(-50, 50)), False), (3, struct.pack("<100i", *small[:100]), small[:100], True),
                (4, struct.pack(">100f", *floats), floats, False), (5, struct.pack("<100d", *floats), floats, True),
                (10, steim(small, STEIM1), small, False), (10, steim(small, STEIM1, True), small, True), (11, steim(small, STEIM2), small, False))):
            self.put(f"quake{number}", record(len(expected), encoding, data, little=little))
            self.assertEqual(self.samples(f"quake{number}"), expected, f"encoding {encoding}")
            if little == (encoding < 10):
                self.put(f"new{number}", record3(len(expected), encoding, data))
                self.assertEqual(self.samples(f"new{number}"), expected, f"encoding {encoding} in version 3")

    def test_seismogram(self):
        data = struct.pack(">200i", *range(200))
        self.put("quake", record(200, 3, data) + record(200, 3, data, second=10) + record(200, 3, data, second=60) +
                 record(200, 3, data, b"BHN") + record(9, 0, b"some text", b"LOG", rate=0) + record(2, 19, b"", b"BHE"))
        picture = self.svg("seismogram", "quake")
        self.assertEqual([name for name, _ in picture.series()], ["", ""])
        self.assertTrue({"XX.STA.00.BHZ", "XX.STA.00.BHN"} <= set(picture.texts()))
        self.assertIn("1 record is left out, the first at byte 20480: its encoding 19 is not known; 800 points", picture.desc)
        lines = [path.get("d").count("M") for group in picture.root.iter(SVG + "g") if (group.get("id") or "").startswith("series-")
                 for path in group.iter(SVG + "path")]
        self.assertEqual(sum(lines), 3)  # the gap is left open
        self.assertIn("time (UTC), from 2026-11-21", picture.texts())
        rows = self.obsctl("graph", "seismogram", "quake", "--json").rows()
        self.assertEqual((rows[200]["time"], rows[200]["series"]), ("2026-11-21T21:00:10.000Z", "XX.STA.00.BHZ"))
        self.assertEqual((len(rows), rows[-1]["error"]["status"]), (801, "INVALID_ARGUMENT"))  # the points, and that some are missing
        self.assertIn("encoding 19", rows[-1]["error"]["message"])
        self.put("one", record(200, 3, data))
        self.assertEqual(self.svg("seismogram", "one").title, "Seismogram: one, XX.STA.00.BHZ")
        self.put("many", b"".join(record(9, 3, data[:36], b"X%02d" % i, exponent=8) for i in range(18)))
        self.assertIn("more than 16 channels", self.svg("seismogram", "many").desc)

    def test_records_that_lie(self):
        good, small = struct.pack(">100i", *range(100)), list(range(60))
        broken = bytearray(steim(small, STEIM1))
        broken[11] ^= 1  # the last sample
        dateless = bytearray(record(9, 3, good, exponent=9))
        dateless[22:24] = b"\2\0"
        blank = bytearray(record(9, 3, good, exponent=9))
        blank[48:50] = b"\0\7"  # another blockette
        outside = bytearray(record(9, 3, good, exponent=9))
        outside[44:46] = b"\x10\0"
        for bad, says in (
                (record(60000, 3, good, exponent=9), "it says that it has 60000 samples, and holds 112"),
                (record(60000, 11, steim(small, STEIM2), exponent=9), "it says that it has 60000 samples, and holds "),
                (record(61, 10, steim(small, STEIM1), exponent=9), "it says that it has 61 samples, and holds 60"),
                (bytes(outside), "it says that it has 9 samples, and holds 0"), (record(9, 77, good), "its encoding 77 is not known"),
                (record3(1, 3, good, rate=1e300), "its rate of 1e+300 samples a second is impossible"),
                (record3(1, 3, good, rate=-1e300), "its rate of 1e-300 samples a second is impossible"),
                (record3(1, 3, good, rate=math.inf), "its rate of inf samples a second is impossible"),
                (record3(1, 3, good, rate=math.nan), "impossible"), (record3(400, 3, 4 * good, rate=1e-7), "impossible"),
                (record3(2_000_000_000, 3, good), "it says that it has 2000000000 samples, more than the 1048576"), (record3(2_000_000, 3, good), "more than the 1048576 that are read at once"),
                (bytes(dateless), "a record has an impossible date"), (bytes(blank), "a record has no blockette 1000"),
                (record3(1, 3, good)[:-1], "a record of 460 bytes is cut off after 459")):
            self.put("bad", bad)
            self.fails(2, "graph", "seismogram", "bad", says=says)
            self.put("bad", record(100, 3, good) + bad)
            self.assertIn(says, self.ok("graph", "seismogram", "bad").out)
            run = self.obsctl("graph", "seismogram", "bad", "--json")
            self.assertEqual((run.code, [row["y"] for row in run.rows()[:-1]]), (2, list(range(100))))
            self.assertIn(says, run.rows()[-1]["error"]["message"])
        self.put("bad", record(60, 10, bytes(broken)))
        self.assertIn("the last sample of 1 record is not the one that the record names", self.ok("graph", "seismogram", "bad").out)
        self.put("log", record(9, 0, b"some text", rate=0))
        self.fails(3, "graph", "seismogram", "log", says="no samples")

    def test_hostile_samples(self):
        whole = record(150, 11, steim(list(range(150)), STEIM2), exponent=9) + record3(20, 3, b"\1" * 80)
        self.put("text", b"no miniSEED " * 20)
        self.fails(2, "graph", "seismogram", "text", says="not miniSEED")
        self.put("empty", b"")
        self.fails(2, "graph", "seismogram", "empty", says="not miniSEED")
        chance = random.Random(7)
        for number in range(60):
            bad = bytearray(whole)
            for _ in range(chance.randint(1, 12)):
                bad[chance.choice([chance.randrange(len(bad)), chance.randrange(64), 512 + chance.randrange(40)])] = chance.randrange(256)
            self.put(f"bad{number}", bytes(bad[:chance.choice([len(bad), chance.randrange(len(bad))])]))
            run = self.obsctl("graph", "seismogram", f"bad{number}", "--height", "5")
            self.assertIn(run.code, (0, 2, 3), run.err)
            self.assertNotIn("anitizer", run.err)
            self.assertTrue(run.code == 0 or "bad" in run.err, run.err)

    def test_a_million_samples(self):
        count, size = 250, 4000
        values = [int(1000 * math.sin(i / 5000)) for i in range(count * size)]
        values[333333], values[777777] = 9999, -8888
        data = struct.pack(f">{count * size}i", *values)
        self.put("long", b"".join(record(size, 3, data[4 * size * i:4 * size * (i + 1)], second=i * 10 % 3600, rate=400, exponent=14) for i in range(count)))
        picture = self.svg("seismogram", "long")
        self.assertIn("1000000 points, thinned to ", picture.desc)
        self.assertLess(len(picture.text), 200_000)
        path = [path.get("d") for group in picture.root.iter(SVG + "g") if (group.get("id") or "").startswith("series-") for path in group.iter(SVG + "path")]
        heights = [float(y) for y in re.findall(r"[ML][\d.]+,([\d.]+)", " ".join(path))]
        a, b = line_through([(float(text), place[1]) for text, place in picture.marks("end") if re.fullmatch(r"-?\d+", text)])
        self.assertAlmostEqual((min(heights) - a) / b, 9999, delta=300)  # both peaks are there
        self.assertAlmostEqual((max(heights) - a) / b, -8888, delta=300)
        if not SANITIZED:
            child = ("import resource,subprocess,sys;subprocess.run(sys.argv[1:],check=True,stdout=subprocess.DEVNULL);"
                     "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
            words = [OBSCTL, "graph", "seismogram", "long"]
            memory = subprocess.run([sys.executable, "-c", child, *words], cwd=self.workspace, env=self.environment, check=True, capture_output=True)
            self.assertLess(int(memory.stdout), 80_000)  # KiB

    def test_lineage(self):
        names = ["in/a", "in/<b>", "mid/`c`\n\u202e", "out/'d'", "out/e"]
        self.put(names[0])
        self.put(names[1])
        self.put(names[2], b"c", "--from", names[0], "--from", names[1])
        self.put(names[3], b"d", "--from", names[2], "--from", names[0])
        self.put(names[4], b"e", "--from", names[2])
        self.put(names[1], b"another")
        path = self.folder / "lineage.svg"
        self.ok("graph", "lineage", names[2], "-o", path)
        root = xml.parse(path).getroot()
        nodes = [group.find(SVG + "title").text for group in root.iter(SVG + "g") if group.get("class") == "node"]
        escaped = names[2].replace("\n", "\\x0a").replace("\u202e", "\\u{202e}")
        self.assertEqual(sorted(nodes), sorted([*names[:2], escaped, *names[3:]]))
        edges = [path.find(SVG + "title").text for path in root.iter(SVG + "path") if path.get("class") == "edge"]
        self.assertEqual(len(edges), 5)
        self.assertIn(f"{escaped} was made from in/<b>, which has changed since", edges)
        self.assertIn(f"out/'d' was made from {escaped}", edges)
        rows = self.ok("graph", "lineage", names[2], "--json").rows()
        self.assertEqual(sorted((row["key"], row["depth"]) for row in rows),
                         sorted(zip(names, (-1, -1, 0, 1, 1))))
        out = self.ok("graph", "lineage", names[2], environment={"LC_ALL": "C"}).out
        self.assertIn("   <- in/<b>  object  (has changed since)\n", out)
        self.assertIn("   -> out/e  object\n", out)
        self.fails(3, "graph", "lineage", "absent")

    def boxes(self, key):
        """Where the boxes of a lineage stand, and how its arrows lead."""
        path = self.folder / "lineage.svg"
        self.ok("graph", "lineage", key, "-f", "-o", path)
        root = xml.parse(path).getroot()
        places = {}
        for group in root.iter(SVG + "g"):
            if group.get("class") == "node":
                places[group.find(SVG + "title").text] = int(group.find(SVG + "rect").get("x"))
        return places, root

    def test_lineage_leads_to_the_right(self):
        for key, *sources in (("raw",), ("flat",), ("product", "raw", "flat"), ("late",), ("curve", "product", "late"), ("report", "product", "curve")):
            self.put(key, b"x", *(word for source in sources for word in ("--from", source)))
        for key in ("report", "product", "raw"):
            places, _ = self.boxes(key)
            for made, source in (("product", "raw"), ("curve", "product"), ("report", "product"), ("report", "curve")):
                self.assertLess(places[source], places[made], key)
        self.assertEqual(self.boxes("report")[0]["late"], self.boxes("report")[0]["product"])  # near to what was made from it

    def test_a_large_lineage(self):
        names = [f"raw/{number:03}" for number in range(320)]
        for half in (0, 1):
            self.put(f"half{half}", b"x", *(word for name in names[half::2] for word in ("--from", name)))
        self.put("stack", b"x", "--from", "half0", "--from", "half1")
        places, root = self.boxes("stack")
        self.assertEqual(len(places), 300)
        says = "more than 300 in a direction, and the others are not shown: 'obsctl lineage' lists them"
        self.assertIn(says, root.find(SVG + "desc").text)
        out = self.ok("graph", "lineage", "stack").out
        self.assertIn(says, out)
        self.assertEqual(out.count("raw/"), 297)
        self.assertTrue(any(row["more"] for row in self.ok("graph", "lineage", "stack", "--json").rows()))

    def test_lineage_with_a_circle(self):
        self.put("a")
        self.put("b", b"b", "--from", "a")
        self.put("a", b"a", "--from", "b")
        self.assertIn("(see above)", self.ok("graph", "lineage", "a").out)
        self.ok("graph", "lineage", "a", "-o", self.folder / "circle.svg")


if __name__ == "__main__":
    main()
