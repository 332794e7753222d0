"""A mail server and a webhook on this machine, which keep what they are sent, or refuse it."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar


@dataclass
class Kept:
    """What a server was sent: mails, or documents; it refuses while it is told to."""

    port: int = 0
    refuses: bool = False
    mails: list[EmailMessage] = field(default_factory=list)
    documents: list[dict[str, Any]] = field(default_factory=list)


class _MailHandler(socketserver.StreamRequestHandler):
    kept: ClassVar[Kept]

    def handle(self) -> None:
        """Speak as much SMTP as a client needs to hand over mails."""
        self._say("220 here")
        for line in self.rfile:
            word = line.split(b" ")[0].strip().upper()
            if word == b"DATA":
                self._say("354 go on")
                self._take()
            elif word == b"QUIT":
                self._say("221 bye")
                return
            elif word == b"MAIL" and self.kept.refuses:
                self._say("451 not now")
            else:
                self._say("250 fine")

    def _take(self) -> None:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        self.kept.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
        self._say("250 taken")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class _HookHandler(BaseHTTPRequestHandler):
    kept: ClassVar[Kept]

    def do_POST(self) -> None:
        """Keep a document, or answer that the server is broken."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.kept.refuses:
            self.kept.documents.append(json.loads(body))
        self.send_response(500 if self.kept.refuses else 204)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def mail_server() -> Iterator[Kept]:
    """Serve mail on a free port."""
    yield from _serve(Kept(), socketserver.ThreadingTCPServer, _MailHandler)


@contextmanager
def webhook() -> Iterator[Kept]:
    """Serve a webhook on a free port."""
    yield from _serve(Kept(), ThreadingHTTPServer, _HookHandler)


def _serve(kept: Kept, kind: Any, handler: Any) -> Iterator[Kept]:
    own = type("Handler", (handler,), {"kept": kept})
    with kind(("127.0.0.1", 0), own) as server:
        kept.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield kept
        server.shutdown()
        thread.join()
