"""The web server of the demonstration believes a delivery only when it is signed, now, and over just these bytes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import hook

SECRET, BODY = b"s" * 32, b'{"id":"1"}'


def headers(secret: bytes = SECRET, body: bytes = BODY, age: int = 0, **changed: str) -> dict[str, str]:
    stamp = str(int(time.time()) - age)
    signature = base64.b64encode(hmac.new(secret, f"msg_1.{stamp}.".encode() + body, hashlib.sha256).digest()).decode()
    named = {name.replace("_", "-"): value for name, value in changed.items()}
    return {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}", **named}


def test_signed() -> None:
    assert hook.is_signed(SECRET, headers(), BODY)
    two = headers()["webhook-signature"]
    assert hook.is_signed(SECRET, headers(webhook_signature=f"v1,AAAA {two}"), BODY)  # while a secret is exchanged there are two


@pytest.mark.parametrize("wrong", [
    headers(secret=b"t" * 32), headers(body=b"{}"), headers(age=3600), headers(webhook_id="msg_2"), headers(webhook_timestamp="soon"),
    headers(webhook_signature=""), {},
])
def test_not_signed(wrong: dict[str, str]) -> None:
    assert not hook.is_signed(SECRET, wrong, BODY)


def test_the_port_of_last_time(tmp_path: Path) -> None:
    """A server that comes back is found where it was."""
    for _ in range(2):
        with hook.bound(hook.MailServer, hook.Post, tmp_path / "mail.port") as server:
            assert server.server_address[1] == int((tmp_path / "mail.port").read_text())
