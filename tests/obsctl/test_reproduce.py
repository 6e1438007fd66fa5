"""obsctl reproduce: what it says, and what it ends with."""
import shutil

from support import Case, main


class Reproduce(Case):
    def setUp(self):
        super().setUp()
        self.write_function("maker", '{"limit": 3, "name": "a"}')
        self.ok("publish", "org.example.maker", "--id", "e1")
        self.ok("function", "run", "--once")

    def test_identical(self):
        run = self.ok("reproduce", "products/maker")
        self.assertEqual((run.out, run.err), ("products/maker: identical\n", ""))
        row, = self.ok("reproduce", "products/maker", "--json").rows()
        self.assertEqual((row["verdict"], row["made"], row["differs"]), ("identical", row["now"], []))
        self.assertEqual(row["event"]["id"], "e1")

    def test_it_differs(self):
        self.write_function("maker", '{"limit": 4, "name": "a"}')
        run = self.obsctl("reproduce", "products/maker", "--present-code")
        self.assertEqual((run.code, run.err), (1, ""))
        self.assertRegex(run.out, r"^products/maker: differs\n  code: [0-9a-f]{64} -> [0-9a-f]{64}\n  bytes: 25 of [0-9a-f]{12} -> "
                                  r"25 of [0-9a-f]{12}, the first that differs is number 10, counted from 0\n  member limit: 3 -> 4\n$")
        self.write_function("maker")
        run = self.obsctl("reproduce", "products/maker", "--present-code")
        self.assertEqual((run.code, run.out.split("\n")[0]), (1, "products/maker: differs: it is not made any more"))

    def test_it_cannot_be(self):
        self.write_function("maker", "other")
        run = self.obsctl("reproduce", "products/maker")
        self.assertEqual((run.code, run.err), (6, ""))
        self.assertRegex(run.out, "^products/maker: cannot be reproduced: .*--present-code.*\n  code: ")
        shutil.rmtree(self.workspace / "functions" / "maker")
        run = self.obsctl("reproduce", "products/maker", "--json")
        self.assertEqual((run.code, run.err, run.rows()[0]["verdict"]), (6, "", "impossible"))
        self.assertIn("there is no function 'maker'", run.rows()[0]["reason"])
        self.put("mine")
        run = self.obsctl("reproduce", "mine")
        self.assertEqual((run.code, run.out), (6, "mine: cannot be reproduced: 'mine' was not made by a function\n"))
        self.fails(3, "reproduce", "absent")


main()
