"""A web server that lets deliveries come, for the tests of destinations; what it does with one, each test says."""
from __future__ import annotations

import http.server
from typing import Any


class Receiver(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("WebHook-Allowed-Origin", self.headers.get("WebHook-Request-Origin", ""))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_OPTIONS(self) -> None:
        self.answer(200)
