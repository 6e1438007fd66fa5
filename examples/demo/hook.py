"""What the demonstration sends events to: a web server as somebody else would run it, and a post office.

    hook.py serve FOLDER [--dies-after N]     https, with FOLDER/server.pem; what it took stands in deliveries.ndjson
    hook.py mail FOLDER                       SMTP; what it took stands in mails.ndjson

The web server checks each signature as Standard Webhooks has it, with the secret in FOLDER/secret, and knows an event that
comes again by its `webhook-id`. With --dies-after it ends without an answer after it has noted the N-th delivery, which is the
worst moment: the sender cannot know. It listens on the port in FOLDER/serve.port, or takes one and writes it there.
"""

from __future__ import annotations

import argparse
import base64
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import os
import random
import socketserver
import ssl
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

TOO_OLD = 300  # seconds; a delivery that somebody recorded is not believed for ever


def note(path: Path, row: dict[str, Any]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def is_signed(secret: bytes, headers: Any, body: bytes) -> bool:
    """Whether one of the signatures is over id, time and body, and the time is now."""
    message, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "0")
    if not stamp.isdigit() or abs(time.time() - int(stamp)) > TOO_OLD:
        return False
    content = b".".join([message.encode(), stamp.encode(), body])
    wanted = "v1," + base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(wanted, one) for one in headers.get("webhook-signature", "").split(" "))


class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: ClassVar[Path]
    secret: ClassVar[bytes]
    dies_after: ClassVar[int]
    seen: ClassVar[set[str]]
    taken: ClassVar[int]
    lock: ClassVar[threading.Lock] = threading.Lock()

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_OPTIONS(self) -> None:
        self.answer(200, WebHook_Allowed_Origin=self.headers.get("WebHook-Request-Origin", "*"))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not is_signed(self.secret, self.headers, body):
            note(self.folder / "unsigned.ndjson", {"at": time.time()})
            self.answer(401)
            return
        message, event = self.headers["webhook-id"], json.loads(body)
        with self.lock:
            row = {"at": time.time(), "message": message, "id": event["id"], "source": event["source"],
                   "subject": event["subject"], "again": message in self.seen}
            note(self.folder / "deliveries.ndjson", row)
            type(self).seen.add(message)
            type(self).taken += 1
            if self.taken == self.dies_after:
                os._exit(9)
        self.answer(204)


class Post(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as one sender needs."""

    folder: ClassVar[Path]

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self) -> None:
        receivers: list[str] = []
        self.say("220 post office of the demonstration")
        while line := self.rfile.readline().decode().strip():
            verb = line.split(" ")[0].upper()
            if verb == "DATA":
                self.say("354 go on")
                self.take(receivers)
            elif verb == "QUIT":
                self.say("221 bye")
                return
            elif verb == "RCPT":
                receivers.append(line.partition("<")[2].partition(">")[0])
            self.say("250 ok")

    def take(self, receivers: list[str]) -> None:
        text = b""
        while not text.endswith(b"\r\n.\r\n"):
            if not (line := self.rfile.readline()):
                return
            text += line
        mail = email.message_from_bytes(text[:-5].replace(b"\r\n..", b"\r\n."), policy=email.policy.default)
        body = mail.get_body(("plain",))
        note(self.folder / "mails.ndjson", {
            "at": time.time(), "to": receivers, "subject": mail["subject"], "message": mail["message-id"],
            "text": body.get_content() if body else ""})


class MailServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class WebServer(http.server.ThreadingHTTPServer):
    """A thread for each connection: a sender keeps one open, and asks whether it may come on another."""

    context: ssl.SSLContext

    def finish_request(self, request: Any, address: Any) -> None:
        with self.context.wrap_socket(request, server_side=True) as encrypted:
            Hook(encrypted, address, self)


def bound(server: type[socketserver.TCPServer], handler: type[socketserver.BaseRequestHandler], path: Path) -> Any:
    """A server on the port of last time; the first time on one below those that the system gives to others meanwhile."""
    if path.exists():
        return server(("127.0.0.1", int(path.read_text())), handler)
    while True:
        port = random.randrange(20000, 30000)
        try:
            made = server(("127.0.0.1", port), handler)
        except OSError:
            continue
        path.with_suffix(".new").write_text(str(port))
        path.with_suffix(".new").replace(path)
        return made


def serve(folder: Path, dies_after: int) -> None:
    secret = (folder / "secret").read_text().strip().removeprefix("whsec_")
    taken = rows_of(folder / "deliveries.ndjson")
    Hook.folder, Hook.secret, Hook.dies_after = folder, base64.b64decode(secret), dies_after
    Hook.seen, Hook.taken = {row["message"] for row in taken}, len(taken)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    server = bound(WebServer, Hook, folder / "serve.port")
    server.context = context
    server.serve_forever()


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("what", choices=("serve", "mail"))
    words.add_argument("folder", type=Path)
    words.add_argument("--dies-after", type=int, default=0)
    given = words.parse_args()
    if given.what == "serve":
        serve(given.folder, given.dies_after)
    else:
        Post.folder = given.folder
        bound(MailServer, Post, given.folder / "mail.port").serve_forever()


if __name__ == "__main__":
    main()
