"""What obsctl finds in observations, and how it is asked for."""
from support import Case, main

CARDS = ("SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0", "OBJECT  = 'M 51    '",
         "RA      =             202.4696", "DEC     =              47.1952", "DATE-OBS= '2026-11-20T21:15:03'", "END")
FRAME = "".join(card.ljust(80) for card in CARDS).ljust(2880).encode()


class Sky(Case):
    def setUp(self):
        super().setUp()
        self.ok("put", self.path("a.fits", FRAME), "a")
        self.ok("put", "-", "stream", input=FRAME)
        self.ok("put", self.path("a.fits", FRAME), "off", "--no-index")
        self.ok("ingest", "--no-index", self.path("b.fits", FRAME))

    def keys(self, *words):
        return self.ok("search", "-k", *words).out.split()

    def test_search(self):
        self.assertEqual(self.keys("--cone", "13h29m,+47d12m,0.5d", "--time", "2026-11-20/2026-11-21"), ["a", "stream"])
        self.assertEqual(self.keys("--cone", "13 29 52.7, +47 11 43, 10s", "key=a"), ["a"])
        self.assertEqual(self.keys("--cone", "13h29m,-47d12m,0.5d"), [])
        self.assertEqual(self.keys("--time", "2026-11-21/"), [])
        self.assertEqual(self.keys("--time", "2026-11-20"), ["a", "stream"])
        self.assertEqual(self.keys('object="M 51"'), ["a", "stream"])

    def test_rows(self):
        row = self.ok("search", "key=a", "--cone", "202.4696,47.2952,1", "--json").rows()[0]
        self.assertAlmostEqual(row["distance"], 0.1, 8)
        self.assertEqual((row["values"]["format"], row["values"]["start"]), ("fits", "2026-11-20T21:15:03.000000Z"))
        self.assertEqual(self.ok("search", "key=off", "--json").rows()[0]["values"], {})
        self.assertEqual(self.ok("search", "key=raw/b.fits", "--json").rows()[0]["values"], {})
        out = self.ok("search", "--cone", "202.4696,47.2952,1").out.splitlines()
        self.assertEqual(out[0].split(), ["KEY", "DISTANCE", "TYPE", "SIZE", "LABELS"])

    def test_wrong(self):
        for words, says in ((["--cone", "m51"], "cone=202.47,+47.2,0.5"), (["--cone", "1,2,0"], "radius"), (["--cone", 'a"b\\,1,2'], "ascension"),
                            (["--time", "tonight"], "FROM/TO"), (["--time", "2026-11-21/2026-11-20"], "earlier")):
            self.fails(2, "search", *words, says=says)
            self.fails_json(2, "INVALID_ARGUMENT", "search", *words)

    def test_bad_header(self):
        self.ok("put", self.path("bad.fits", FRAME[:100]), "bad", "--type", "image/fits")
        self.assertIn("no fits", self.ok("search", "key=bad", "--json").rows()[0]["values"]["index"])
        self.assertEqual(self.ok("get", "bad").raw, FRAME[:100])


if __name__ == "__main__":
    main()
