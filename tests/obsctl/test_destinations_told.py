"""Who is told when events cannot leave: administrators, by event and by mail."""
import email
import email.policy
import json
import time

from destinations import MINE, OPEN, QUICK, Destinations, certificates
from hook import Mail
from support import main


class Told(Destinations):
    def test_administrators_are_told_once(self):
        """By a webhook, over several processes and a kill in between."""
        hook, told = self.hook(), self.hook()
        hook.say = 500
        self.lines(destinations=[{"name": "alerts", "url": hook.url, **OPEN, **QUICK}], administrators=[{"url": told.url, **OPEN, **QUICK}])
        self.publish("1", "2")
        self.once()
        runs = [self.start("journal", "run") for _ in range(3)]
        self.wait_for("probed", lambda: len(hook.taken) > 12)
        runs[0].kill()
        for run in runs[1:]:
            run.terminate()
        for run in runs:
            run.wait(60)
        self.once()
        self.assertEqual([headers["ce-type"] for headers, _ in told.taken], [MINE + "suspended"])
        self.assertEqual(json.loads(told.taken[0][1])["destination"], "alerts")
        hook.say = 204
        self.until_quiet(hook, 2)
        self.wait_for("recovered", lambda: self.once() is not None and len(told.taken) == 2)
        self.once()
        self.assertEqual([headers["ce-type"] for headers, _ in told.taken], [MINE + "suspended", MINE + "recovered"])

    def mail(self, **options):
        certificates(self.folder)
        mail = Mail(**{"certificate": (self.folder / "cert.pem", self.folder / "key.pem"), **options})
        self.addCleanup(mail.server.shutdown)
        return mail

    def mail_lines(self, mail, **smtp):
        hook = self.hook()
        hook.say = 500
        self.lines(destinations=[{"name": "alerts", "url": hook.url, **OPEN, **QUICK}],
                   administrators=[{"url": "mailto:night@example.org", **QUICK}],
                   smtp={"url": f"smtp://127.0.0.1:{mail.port}", "from": "obs@example.org", "ca": str(self.folder / "ca.pem"), **smtp})
        return hook

    def test_mail(self):
        mail = self.mail(password="pässword")
        hook = self.mail_lines(mail, user="obs", password="${secret:env:SMTP_PASSWORD}")
        secret = {"SMTP_PASSWORD": "pässword"}
        self.publish("1")
        for _ in range(6):
            self.once(environment=secret)
            time.sleep(0.04)
        self.assertEqual(len(mail.mails), 1, self.row(self.administrator())["last_error"])
        (to,), text = mail.mails[0]
        read = email.message_from_bytes(text, policy=email.policy.default)
        body = read.get_content()
        self.assertIn("<night@example.org>", to)
        self.assertTrue(read["Subject"].startswith("libobs: destination 'alerts' is suspended after 2 failures"), read["Subject"])
        self.assertEqual((read["To"], read["From"], read["Auto-Submitted"]), ("night@example.org", "obs@example.org", "auto-generated"))
        self.assertIn("obsctl journal resume to.alerts", body)
        for word in ("oldest", "waiting", "last_error", "HTTP 500"):
            self.assertIn(word, body)
        self.assertNotIn("AUTH", " ".join(mail.clear))
        hook.say = 204
        self.until_quiet(hook, 1, environment=secret)
        self.wait_for("told", lambda: self.once(environment=secret) is not None and len(mail.mails) == 2)
        subject = email.message_from_bytes(mail.mails[1][1], policy=email.policy.default)["Subject"]
        self.assertEqual(subject, "libobs: destination 'alerts' takes events again")

    def administrator(self):
        return next(row["destination"] for row in self.ok("journal", "ls", "-d", "--json").rows()
                    if row["destination"].startswith("administrator."))

    def test_mail_is_not_sent_in_clear(self):
        mail = self.mail(certificate=None, password="x")
        self.mail_lines(mail, user="obs", password="${secret:env:SMTP_PASSWORD}")
        self.publish("1")
        for _ in range(6):
            self.once(environment={"SMTP_PASSWORD": "x"})
            time.sleep(0.04)
        self.assertEqual(mail.mails, [])
        self.assertNotIn("AUTH", " ".join(mail.lines))
        self.assertIn("STARTTLS", self.row(self.administrator())["last_error"])

    def test_mail_that_is_refused(self):
        mail = self.mail(refuse="550 no such user")
        self.mail_lines(mail)
        self.publish("1")
        for _ in range(4):
            self.once()
            time.sleep(0.04)
        self.assertEqual(mail.mails, [])
        self.assertIn("refuses the mail", self.row(self.administrator())["last_error"])


if __name__ == "__main__":
    main()
