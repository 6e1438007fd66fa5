"""put and get: streams, atomic files, ranges, interruption, memory."""
import os
import signal
import subprocess

from support import Case, SANITIZED, main, skip


class Transfer(Case):
    def left(self):
        """What is in the folder besides what the test made."""
        return sorted(path.name for path in self.target.iterdir())

    def setUp(self):
        super().setUp()
        self.target = self.folder / "target"
        self.target.mkdir()

    def test_standard_input(self):
        content = bytes(range(256)) * 5000
        self.ok("put", "-", "a", input=content)
        self.assertEqual(self.ok("get", "a").raw, content)
        self.assertEqual(self.ok("get", "a", "-").raw, content)
        self.ok("put", "-", "empty", input=b"")
        self.assertEqual(self.ok("get", "empty").raw, b"")

    def test_get_to_file(self):
        self.put("a", b"new")
        path = self.target / "a"
        self.ok("get", "a", path)
        self.assertEqual(path.read_bytes(), b"new")
        self.assertEqual(path.stat().st_mode & 0o777, 0o666 & ~self.mask())
        path.write_bytes(b"mine")
        self.fails(6, "get", "a", path, says="--force")
        self.assertEqual(path.read_bytes(), b"mine")
        self.ok("get", "a", path, "--force")
        self.assertEqual(path.read_bytes(), b"new")
        self.assertEqual(self.left(), ["a"])

    def mask(self):
        mask = os.umask(0)
        os.umask(mask)
        return mask

    def test_get_to_places(self):
        self.put("a", b"new")
        self.fails(2, "get", "a", self.target, says="is a folder")
        self.fails(3, "get", "a", self.target / "absent" / "a")
        self.ok("get", "a", "/dev/null", "--force")
        self.assertTrue(os.path.exists("/dev/null") and not os.path.isfile("/dev/null"))
        link = self.target / "link"
        link.symlink_to("elsewhere")
        self.assertEqual(self.obsctl("get", "a", link).code, 6)
        self.ok("get", "a", "name", "--json")
        self.fails_json(2, "INVALID_ARGUMENT", "get", "a")

    def test_failed_get_leaves_nothing(self):
        self.put("a", b"x" * 100000)
        self.fails(3, "get", "absent", self.target / "a")
        self.fails(2, "get", "a", self.target / "a", "--range", "100000-")
        before = (self.workspace / "store" / "a").stat()
        with open(self.workspace / "store" / "a", "r+b") as body:
            body.seek(70000)
            body.write(b"y")
        os.utime(self.workspace / "store" / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
        self.fails(7, "get", "a", self.target / "a")
        self.assertEqual(self.left(), [])

    def test_ranges(self):
        content = bytes(i % 251 for i in range(3 << 20))
        self.put("a", content)
        for text, begin, end in (("0-0", 0, 1), ("5-9", 5, 10), (f"{len(content) - 1}-", -1, None), ("1048570-1048580", 1048570, 1048581),
                                 ("2097152-99999999", 2097152, None)):
            self.assertEqual(self.ok("get", "a", "--range", text).raw, content[begin:end], text)
        for text in ("", "-", "-5", "5", "9-5", "a-b", "1-2x", "-1--2", "99999999999999999999-"):
            self.fails(2, "get", "a", f"--range={text}", says="--range")
        self.fails(2, "get", "a", "--range", "3145728-", says="3145728 bytes")

    def test_interrupted_get(self):
        self.ok("put", self.sparse(1 << 28), "big")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            for path in (self.target / "big", "/dev/stdout"):
                process = self.start("get", "big", path, "-q", stdout=subprocess.PIPE)
                self.wait_for("reads the object", lambda: process.poll() is not None
                              or any("big" in path for path in self.open_files(process).values()))
                process.send_signal(number)
                code = process.wait(300) if path != "/dev/stdout" else (process.communicate(), process.returncode)[1]
                self.assertIn(code, (-number, 0) if path != "/dev/stdout" else (-number,))
                if code:
                    self.assertEqual(self.left(), [])
                for name in self.left():
                    (self.target / name).unlink()

    def sparse(self, size):
        path = self.path("sparse")
        with open(path, "r+b") as file:
            file.truncate(size)
        return path

    def test_interrupted_put(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start("put", "-", "half", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            process.stdin.write(b"x" * 3000000)
            process.stdin.flush()
            self.wait_for("reads", lambda: self.unread(process.stdin) == 0)
            process.send_signal(number)
            self.assertEqual(process.wait(300), -number)
            self.assertIn(b"interrupted", process.stderr.read())
        self.fails(3, "stat", "half")
        self.assertEqual(self.ok("workspace", "check", "--json").rows()[-1]["problems"], 0)

    def unread(self, stream):
        import array
        import fcntl
        import termios
        size = array.array("i", [0])
        fcntl.ioctl(stream, termios.FIONREAD, size)
        return size[0]

    def test_interrupted_wait(self):
        process = self.start("subscribe", "w", "--json", stdout=subprocess.PIPE)
        self.ok("publish", "org.example.x")
        self.assertIn(b"org.example.x", process.stdout.readline())
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(300), -signal.SIGINT)
        self.assertIn(b"CANCELLED", process.stdout.read())

    def peak(self, pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

    def peak_of_put(self, size):
        process = self.start("put", "-", f"big{size}", stdin=subprocess.PIPE)
        for _ in range(size >> 20):
            process.stdin.write(bytes(1 << 20))
        process.stdin.flush()
        self.wait_for("reads", lambda: self.unread(process.stdin) == 0)
        peak = self.peak(process.pid)
        process.stdin.close()
        self.assertEqual(process.wait(300), 0, process.stderr.read())
        return peak

    def peak_of_get(self, size):
        process = self.start("get", f"big{size}", stdout=subprocess.PIPE)
        left = size - (2 << 20)
        while left > 0:
            left -= len(process.stdout.read(min(left, 1 << 20)))
        peak = self.peak(process.pid)
        self.assertEqual(len(process.stdout.read()), 2 << 20)
        self.assertEqual(process.wait(300), 0)
        return peak

    def test_constant_memory(self):
        if SANITIZED:
            skip("memory of obsctl", "sanitizers keep freed memory; the ordinary build runs this test")
        peaks = [run(size << 20) for size in (8, 1024) for run in (self.peak_of_put, self.peak_of_get)]
        print(f"peak memory: put 8 MiB {peaks[0]} kB, get {peaks[1]} kB; put 1 GiB {peaks[2]} kB, get {peaks[3]} kB")
        self.assertLess(max(peaks[2:]), max(peaks[:2]) + 4096)


if __name__ == "__main__":
    main()
