"""What the tests of destinations share: servers, lines of obs.yaml, what became of the events."""
import json
import subprocess
import time

from hook import Hook
from support import Case

QUICK = {"retry": "30ms", "retry_most": "30ms", "suspend": {"after": 2, "for": "30ms"}}
OPEN = {"allow": ["private", "plain"]}
MINE = "org.libobs.destination."


def certificates(folder):
    """ca.pem, and of 127.0.0.1 and of somebody else a certificate."""
    subprocess.run(["sh", "-ec", """
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem \
            -addext keyUsage=critical,keyCertSign
        openssl ecparam -genkey -name prime256v1 -out key.pem
        for host in 'cert IP:127.0.0.1' 'wrong DNS:elsewhere.example'; do set -- $host
        openssl req -new -key key.pem -subj /CN=test -out csr.pem; printf 'subjectAltName=%s\n' $2 >ext
        openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out $1.pem; done
        chmod 600 *.pem"""], cwd=folder, check=True, capture_output=True)


class Destinations(Case):
    def hook(self, *arguments, **options):
        hook = Hook(*arguments, **options)
        self.addCleanup(hook.close)
        return hook

    def lines(self, **lines):
        """Replaces the lines of obs.yaml that are about destinations; JSON is YAML."""
        path = self.workspace / "obs.yaml"
        if not hasattr(self, "before"):
            self.before = path.read_text()
        path.write_text(self.before + "".join(f"{name}: {json.dumps(value)}\n" for name, value in lines.items()))

    def to(self, hook, **settings):
        settings = {"name": "alerts", "url": hook if isinstance(hook, str) else hook.url, **OPEN, **QUICK, **settings}
        self.lines(destinations=[{name: value for name, value in settings.items() if value is not None}])

    def publish(self, *ids, **options):
        for one in ids:
            words = [word for name, value in options.items() for word in (f"--{name}", value)]
            self.ok("publish", "org.example.x", "--id", one, *words)

    def once(self, **options):
        return self.ok("journal", "run", "--once", "--json", **options).rows()[0]["delivered"]

    def row(self, name="alerts"):
        return next(row for row in self.ok("journal", "ls", "-d", "--json").rows() if row["destination"] == name)

    def dead(self):
        return self.ok("journal", "dead", "to.alerts", "--json").rows()

    def told(self):
        """What was told on the bus, in its order."""
        rows = self.ok("subscribe", "told", "--type", MINE + "*", "--wait", "0").rows()
        return [(row["type"][len(MINE):], row["subject"], row["data"]) for row in rows]

    def until_quiet(self, hook, wanted, **options):
        end = time.monotonic() + 60
        while len(set(hook.ids())) < wanted:
            self.assertLess(time.monotonic(), end, hook.ids())
            self.once(**options)
