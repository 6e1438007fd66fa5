"""A web server for the tests, with a document that has an ETag, and with every fault a server can have.

    server.py FOLDER        the folder of cert.pem, key.pem (for 127.0.0.1) and wrong.pem (for another host)

Prints the ports: plain, TLS, TLS with the wrong certificate, TLS 1.1 at most. Ends when its standard input does.
"""
import hashlib
import http.server
import json
import os
import socketserver
import ssl
import sys
import threading
import time
import warnings

lock = threading.Lock()
document = {"bytes": b"a: 1\n", "mode": "", "token": "", "witness": ""}
notes = []
counts = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        with lock:
            key = f"{self.command} {status}"
            counts[key] = counts.get(key, 0) + 1
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 304:
            self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def raw(self, data):
        self.wfile.write(data)
        self.wfile.flush()
        self.close_connection = True

    def do_GET(self):
        path, _, query = self.path.partition("?")
        name = path[1:].split("/")[0]
        getattr(self, "on_" + name, self.on_missing)(path, query)

    do_PUT = do_POST = do_HEAD = do_GET

    def on_missing(self, path, query):
        self.answer(404, b"no such page")

    # --- the document -----------------------------------------------------------------------------------------------

    def on_doc(self, path, query):
        with lock:
            mode, token = document["mode"], document["token"]
        body = self.body()
        if mode == "down":
            return self.answer(503, b"later", Retry_After="7")
        if token and self.headers.get("Authorization") != "Bearer " + token:
            return self.answer(401)
        with lock:
            data = document["bytes"]
        tag = '"%s"' % hashlib.sha256(data or b"").hexdigest()[:16]
        if self.command == "PUT":
            return self.put(body, data, tag, mode)
        if data is None:
            return self.answer(404)
        headers = {"ETag": {"weak": "W/" + tag, "none": ""}.get(mode, tag), "Last_Modified": "Sat, 01 Jan 2022 00:00:00 GMT"}
        if mode == "none":
            del headers["ETag"]
        if headers.get("ETag", "-") in self.headers.get("If-None-Match", ""):
            return self.answer(304, **headers)
        self.answer(200, data, **headers)

    def put(self, body, data, tag, mode):
        wanted, none = self.headers.get("If-Match"), self.headers.get("If-None-Match")
        if mode == "race":  # somebody else is faster
            data += b"c: 3\n"
            tag = '"faster"'
            with lock:
                document["bytes"] = data
        if (wanted is not None and (data is None or wanted != tag)) or (none == "*" and data is not None):
            return self.answer(412)
        if mode == "refuse":
            return self.answer(403, b"read only")
        if mode == "cut before":
            return self.raw(b"")
        with lock:
            document["bytes"] = body
        if mode == "cut after":
            return self.raw(b"")
        if mode == "cut and die":
            with lock:
                document["mode"] = "down"
            return self.raw(b"")
        headers = {} if mode == "silent" else {"ETag": '"%s"' % hashlib.sha256(body).hexdigest()[:16]}
        self.answer(204, **headers)

    def on_witness(self, path, query):
        """Keeps all that is put here, and gives the last."""
        body = self.body()
        with lock:
            mode, last = document["witness"], notes[-1] if notes else None
            counts["witness"] = counts.get("witness", 0) + 1
        if mode == "hang":
            time.sleep(600)
        if mode == "down":
            self.answer(503, b"later")
        elif self.command == "PUT":
            with lock:
                notes.append(body)
            self.answer(204)
        elif last is None:
            self.answer(404)
        else:
            self.answer(200, last)

    def on_forget(self, path, query):
        with lock:
            notes.clear()
        self.answer(200)

    def on_change(self, path, query):
        """POST /change/bytes, /change/mode, /change/token."""
        field, body = path.split("/")[2], self.body()
        with lock:
            document[field] = body if field == "bytes" else body.decode()
        self.answer(200)

    def on_gone(self, path, query):
        with lock:
            document["bytes"] = None
        self.answer(200)

    def on_counts(self, path, query):
        with lock:
            text = json.dumps(counts)
        self.answer(200, text.encode())

    # --- what is asked ----------------------------------------------------------------------------------------------

    def on_echo(self, path, query):
        heads = {name.lower(): value for name, value in self.headers.items()}
        self.answer(200, json.dumps({"method": self.command, "path": self.path, "headers": heads, "body": self.body().decode(),
                                     "port": self.client_address[1]}).encode(),
                    ETag='"e1"', X_Request_Id="r-17", Last_Modified="Thu, 01 Jan 1970 00:00:10 GMT")

    def on_status(self, path, query):
        self.answer(int(path.split("/")[2]), b"the words of the server", X_Request_Id="r-18", Retry_After="9")

    def on_date(self, path, query):
        self.answer(503, Retry_After=self.date_time_string(time.time() + 3000))

    # --- faults -----------------------------------------------------------------------------------------------------

    def on_redirect(self, path, query):
        self.answer(302, Location="/doc?token=hidden")

    def on_huge(self, path, query):
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\nx")

    def on_endless(self, path, query):
        self.raw(b"HTTP/1.1 %s X\r\nTransfer-Encoding: chunked\r\n\r\n" % query.encode())
        while True:
            self.wfile.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")

    def on_cut(self, path, query):
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")

    def on_nolength(self, path, query):
        self.raw(b"HTTP/1.0 200 OK\r\n\r\na: 1\n")

    def on_closed(self, path, query):
        self.raw(b"")

    def on_garbage(self, path, query):
        self.raw(b"SSH-2.0-OpenSSH_9.2\r\n" * 10)

    def on_headers(self, path, query):
        self.raw(b"HTTP/1.1 200 OK\r\n")
        for number in range(10**7):
            self.wfile.write(b"X-Header-%d: %s\r\n" % (number, b"x" * 1000))

    def on_drip(self, path, query):
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            self.wfile.write(b"x")
            time.sleep(0.02)

    def on_hang(self, path, query):
        self.connection.recv(1)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 100

    def handle_error(self, *_):
        pass


class Encrypted(Server):
    context = None

    def get_request(self):
        connection, address = super().get_request()
        connection.settimeout(30)
        return self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address


def serve(kind, context=None):
    server = kind(("127.0.0.1", 0), Handler)
    server.context = context
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def encrypted(folder, name, newest=None):
    warnings.simplefilter("ignore")  # an old TLS is what is wanted
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, name), os.path.join(folder, "key.pem"))
    if newest:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = newest
    return serve(Encrypted, context)


def main():
    folder = sys.argv[1]
    ports = [serve(Server), encrypted(folder, "cert.pem"), encrypted(folder, "wrong.pem"),
             encrypted(folder, "cert.pem", ssl.TLSVersion.TLSv1_1)]
    print(*ports, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
