"""Tokens at the command line: issued, checked, kept and used, and never seen where they do not belong."""
import json
import os
import pty
import subprocess

from support import Case, OBSCTL, main


class Token(Case):
    def issue(self, *words):
        return self.ok("token", "issue", *words).out.strip()

    def private(self, name, text):
        path = self.path(name, text)
        path.chmod(0o600)
        return path

    def test_issued_and_verified(self):
        token = self.issue("--subject", "function:photometry", "--scope", "storage.read:/raw", "--lifetime", "3600")
        claims = self.ok("token", "verify", self.private("token", token + "\n")).rows()[0]
        self.assertEqual((claims["sub"], claims["scope"], claims["tenant"]), ("function:photometry", "storage.read:/raw", "default"))
        self.assertEqual(claims["exp"] - claims["iat"], 3600)
        self.assertEqual(self.ok("token", "verify", "-", input=token.encode()).rows()[0], claims)
        row = self.ok("token", "issue", "--json").rows()[0]
        self.assertEqual(row["token"].count("."), 2)
        changed = token[:-5] + ("A" if token[-5] != "A" else "B") + token[-4:]
        refused = self.fails(4, "token", "verify", "-", input=changed.encode())
        self.assertNotIn(changed[-20:], refused.err)
        self.fails(4, "token", "verify", "--algorithms", "RS256", "-", input=token.encode())
        self.fails(2, "token", "verify", "--algorithms", "none", "-", input=token.encode())
        self.fails(2, "token", "verify", "-", input=b"", says="no token")
        keys = self.path("keys", self.ok("token", "keys").out)
        self.ok("token", "rotate")
        self.ok("token", "verify", "--keys", keys, "-", input=token.encode())
        self.fails(4, "token", "verify", "--issuer", "https://idp.example", "-", input=token.encode())

    def test_what_an_owner_hands_on_stands_once(self):
        claims = self.ok("token", "verify", "-", input=self.issue().encode()).rows()[0]
        scopes = claims["scope"].split(" ")
        self.assertIn("tenant.read", scopes)  # of all three roles
        self.assertEqual(len(scopes), len(set(scopes)), scopes)

    def test_login(self):
        self.put("raw/a")
        self.put("secret/a")
        token = self.private("token", self.issue("--subject", "user:ada", "--scope", "storage.read:/raw"))
        self.assertEqual(self.ok("login", "--token-file", token).out, "")
        who = json.loads(self.ok("whoami", "--json").out)
        self.assertEqual((who["subject"], who["token"]["scope"]), ("user:ada", "storage.read:/raw"))
        self.assertNotIn("eyJ", self.ok("whoami").out)
        self.ok("get", "raw/a")
        there, absent = self.fails(4, "get", "secret/a").err, self.fails(4, "get", "secret/b").err
        self.assertEqual(there, absent)
        self.fails(4, "token", "issue", "--scope", "storage.read:/", says="more than it may do itself")
        self.ok("logout")
        self.ok("get", "secret/a")
        trail = self.ok("audit", "query", "--json").out
        self.assertNotIn("eyJ", trail)
        classes = {(row["action"], row["class"]) for row in map(json.loads, trail.splitlines())}
        for expected in (("token.issue", "grant"), ("token.login", "login"), ("token.logout", "login"), ("store.get", "refusal")):
            self.assertIn(expected, classes)
        self.fails(4, "login", input=b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.")
        self.fails(3, "login", "--token-file", self.folder / "absent")

    def test_environment(self):
        token = self.issue("--subject", "user:ada", "--scope", "storage.read:/raw")
        for environment in ({"BEARER_TOKEN": token}, {"BEARER_TOKEN_FILE": str(self.private("token", token))}):
            who = json.loads(self.ok("whoami", "--json", environment=environment).out)
            self.assertEqual(who["subject"], "user:ada")
        open_to_others = self.path("open", token)
        open_to_others.chmod(0o644)
        self.fails(4, "ls", environment={"BEARER_TOKEN_FILE": str(open_to_others)}, says="chmod go=")

    def test_revoked(self):
        self.put("raw/a")
        token, other = self.issue("--subject", "function:a"), self.issue("--subject", "function:b")
        identity = self.ok("token", "verify", "-", input=token.encode()).rows()[0]["jti"]
        listed = [row["object"].split()[0] for row in self.ok("audit", "query", "--action", "token.issue", "--json").rows()]
        self.assertIn(identity, listed)
        self.ok("get", "raw/a", environment={"BEARER_TOKEN": token})
        self.ok("token", "revoke", identity)
        self.fails(4, "token", "verify", "-", input=token.encode(), says="was revoked")
        self.fails(4, "get", "raw/a", environment={"BEARER_TOKEN": token}, says="was revoked")
        self.ok("get", "raw/a", environment={"BEARER_TOKEN": other})
        self.ok("token", "revoke", "--subject", "function:b")
        self.fails(4, "get", "raw/a", environment={"BEARER_TOKEN": other}, says="was revoked")
        self.ok("get", "raw/a", environment={"BEARER_TOKEN": self.issue("--subject", "function:b")})
        for words in ((), (identity, "--subject", "function:a"), ("no-id",)):
            self.fails(2, "token", "revoke", *words)
        records = [row["object"] for row in self.ok("audit", "query", "--action", "token.revoke", "--json").rows() if row["class"] == "grant"]
        self.assertEqual(records, [identity, "function:b"])

    def test_never_an_argument(self):
        self.assertNotIn("eyJ", self.fails(2, "login", "--token", "eyJhbGciOiJub25lIn0.e30.", says="--token").err)
        for command in ("login", "token issue", "token verify"):
            self.assertNotIn("--token ", self.ok("help", *command.split()).out.replace("there is no option --token", ""))

    def test_a_terminal_is_warned(self):
        master, slave = pty.openpty()
        done = subprocess.run([OBSCTL, "token", "issue"], cwd=self.workspace, env=self.environment, stdout=slave,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=300)
        os.close(slave)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"redirect it to a file", done.stderr)
        self.assertNotIn(b"eyJ", done.stderr)
        os.close(master)


main()
