"""A web server that takes events, and has every fault that one can have; and a mail server."""
import base64
import http.server
import socket
import socketserver
import ssl
import threading
import time


class Hook:
    """Plain or encrypted, on a port of its own. `say` decides what is answered to a delivery: a status, or a function of the
    handler that answers itself (and returns None), or a list of these, of which the last one stays."""

    def __init__(self, certificate=None, host="127.0.0.1"):
        self.taken, self.asked, self.paths, self.say = [], [], [], 204
        self.allow = lambda origin: {"WebHook-Allowed-Origin": origin}
        self.lock = threading.Lock()
        self.server = Server((host, 0), type("Bound", (Handler,), {"hook": self}))
        self.port = self.server.server_port
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if certificate else 'http'}://{host}:{self.port}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def next_answer(self):
        with self.lock:
            if isinstance(self.say, list):
                return self.say.pop(0) if len(self.say) > 1 else self.say[0]
            return self.say

    def ids(self):
        return [headers.get("ce-id") for headers, _ in self.taken]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100

    def handle_error(self, *_):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hook = None

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_OPTIONS(self):
        origin = self.headers.get("WebHook-Request-Origin")
        self.hook.asked.append(origin)
        status, headers = 200, self.hook.allow(origin)
        if isinstance(headers, int):
            status, headers = headers, {}
        self.answer(status, **headers)

    def do_GET(self):
        self.hook.paths.append(self.path)
        self.answer(200)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        say = self.hook.next_answer()
        with self.hook.lock:
            self.hook.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
        if callable(say):
            say = say(self)
        if say:
            self.answer(say)


def raw(data):
    def say(handler):
        handler.wfile.write(data)
        handler.close_connection = True
    return say


def hang(handler):
    handler.connection.settimeout(600)
    try:
        handler.connection.recv(1)
    except OSError:
        pass
    handler.close_connection = True


def drip(handler):
    """An answer whose headers never end."""
    try:
        handler.wfile.write(b"HTTP/1.1 500 X\r\nX-Slow: ")
        while True:
            handler.wfile.write(b"x")
            time.sleep(0.02)
    except OSError:
        handler.close_connection = True


def megabytes(status):
    def say(handler):
        handler.wfile.write(b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n" % status)
        try:
            for _ in range(10**6):
                handler.wfile.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
        except OSError:
            pass
        handler.close_connection = True
    return say


class Mail:
    """SMTP as RFC 5321 has it, with STARTTLS and AUTH PLAIN when there is a certificate."""

    def __init__(self, certificate=None, password=None, refuse=None):
        self.certificate, self.password, self.refuse = certificate, password, refuse
        self.mails, self.lines, self.clear = [], [], []
        mail = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self):
                mail.session(self)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session, bind_and_activate=True)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def session(self, session):
        state = {"stream": session.connection.makefile("rwb"), "encrypted": False, "known": not self.password, "to": []}

        def say(line):
            state["stream"].write(line.encode() + b"\r\n")
            state["stream"].flush()

        say("220 test")
        while True:
            line = state["stream"].readline().decode().rstrip("\r\n")
            if not line:
                break
            self.lines.append(line)
            if not state["encrypted"]:
                self.clear.append(line)
            if line.upper() == "STARTTLS":
                say("220 go on")
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*self.certificate)
                session.connection = context.wrap_socket(session.connection, server_side=True)
                state.update(stream=session.connection.makefile("rwb"), encrypted=True)
            elif not self.command(line.split(" ")[0].upper(), line, say, state):
                break
        state["stream"].close()
        session.connection.close()

    def hello(self, say, encrypted):
        say("250-test")
        if self.certificate and not encrypted:
            say("250-STARTTLS")
        if self.password:
            say("250-AUTH PLAIN")
        say("250 SIZE 1000000")

    def command(self, verb, line, say, state):
        stream = state["stream"]
        if verb == "EHLO":
            self.hello(say, state["encrypted"])
        elif verb == "AUTH":
            given = line.split(" ")[2] if line.count(" ") > 1 else self.more(stream, say)
            state["known"] = base64.b64decode(given).split(b"\0")[2].decode() == self.password
            say("235 known" if state["known"] else "535 who are you")
        elif verb == "MAIL":
            say("250 ok" if state["known"] else "530 who are you")
        elif verb == "RCPT":
            state["to"].append(line)
            say(self.refuse or "250 ok")
        elif verb == "DATA":
            say("354 go on")
            text = b""
            while not text.endswith(b"\r\n.\r\n"):
                text += stream.readline()
            self.mails.append((list(state["to"]), text[:-5]))
            say("250 taken")
        elif verb == "QUIT":
            say("221 bye")
            return False
        else:
            say("500 what")
        return True

    @staticmethod
    def more(stream, say):
        say("334 ")
        return stream.readline().decode().strip()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
