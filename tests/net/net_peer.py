#!/usr/bin/env python3
"""A server that misbehaves on demand: what the network client's tests talk to.

    net_peer.py FOLDER

makes certificates in FOLDER (ca.pem is the authority), listens on free ports of 127.0.0.1, prints
one line "http=PORT https=PORT expired=PORT wrong=PORT h2=PORT", and serves until its standard input
is closed. Bytes of a resource are a function of their place and of the version: byte(i, v).

Over HTTP/1.1 the query string says what to do:

    id     name of a count of requests; /seen?id=... tells it
    n      misbehave with the first n requests of that name only (default: all)
    do     what to do: see `misbehave`
    at     byte of the body to do it at
    size   of the resource (default 100000)
    v      its version, that of the ETag (default 1); v2 from the second request on
    etag   0: none is sent; etag2: from the second request on
    most   bytes of a range that are sent at once

Over HTTP/2 (TLS) the server name does; see `H2`.
"""

import gzip
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from urllib.parse import parse_qs, urlsplit

NAMES = ["localhost", "ok.localhost", "reset.localhost", "refused.localhost", "goaway.localhost"]


PERIOD = 65536
BLOCKS = [bytes((i * 7 + (i >> 8) * 13 + version * 31) & 255 for i in range(PERIOD))
          for version in range(4)]


def content(first, end, version):
    start = first % PERIOD
    blocks = (start + end - first + PERIOD - 1) // PERIOD
    return (BLOCKS[version] * blocks)[start:start + end - first]


# ---- certificates ----

CONFIG = """
[ca]
default_ca = one
[one]
database = {folder}/index.txt
serial = {folder}/serial.txt
new_certs_dir = {folder}
default_md = sha256
policy = any
[any]
commonName = supplied
"""


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def make_certificates(folder):
    def path(name):
        return os.path.join(folder, name)

    def write(name, text):
        with open(path(name), "w", encoding="ascii") as file:
            file.write(text)

    write("ca.cnf", CONFIG.format(folder=folder))
    write("index.txt", "")
    write("index.txt.attr", "unique_subject = no\n")
    write("serial.txt", "01\n")
    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *ec, "-keyout", path("ca.key"), "-out", path("ca.pem"), "-days", "30",
            "-subj", "/CN=Test authority")
    names = ",".join("DNS:" + name for name in NAMES) + ",IP:127.0.0.1"
    write("good.ext", f"subjectAltName={names}\n")
    write("wrong.ext", "subjectAltName=DNS:elsewhere.example\n")
    for name, extension, dates in [
        ("good", "good.ext", ["-days", "30"]),
        ("wrong", "wrong.ext", ["-days", "30"]),
        ("expired", "good.ext", ["-startdate", "200101000000Z", "-enddate", "200201000000Z"]),
    ]:
        openssl("req", *ec, "-keyout", path(name + ".key"), "-out", path(name + ".csr"), "-subj",
                "/CN=localhost")
        openssl("ca", "-batch", "-config", path("ca.cnf"), "-cert", path("ca.pem"), "-keyfile",
                path("ca.key"), "-in", path(name + ".csr"), "-out", path(name + ".pem"),
                "-extfile", path(extension), "-notext", *dates)


# ---- HTTP/1.1 ----

seen = {}
seen_lock = threading.Lock()


def reset(connection):
    """Closes with RST instead of FIN."""
    raw = connection.detach() if not isinstance(connection, ssl.SSLSocket) else None
    sock = socket.socket(fileno=raw) if raw is not None else connection
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Gone(Exception):
    """The connection is to be closed."""


class Request:
    def __init__(self, connection, head, rest):
        lines = head.decode("latin-1").split("\r\n")
        self.connection = connection
        self.method, target, _ = lines[0].split(" ")
        self.fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.fields[name.lower()] = value.strip()
        parts = urlsplit(target)
        self.path = parts.path
        self.query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        self.body = rest
        while len(self.body) < int(self.fields.get("content-length", "0")):
            more = connection.recv(65536)
            if not more:
                raise Gone
            self.body += more

    def number(self, name, otherwise):
        return int(self.query.get(name, otherwise))

    def send(self, status, fields, body=b""):
        head = f"HTTP/1.1 {status} X\r\n"
        for name, value in fields.items():
            head += f"{name}: {value}\r\n"
        self.connection.sendall(head.encode("latin-1") + b"\r\n" + body)


def wanted_range(request, size):
    text = request.fields.get("range", "")
    if not text.startswith("bytes="):
        return None
    first, _, last = text[6:].partition("-")
    if first == "":
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def serve_resource(request, version, has_etag, size, act, at):
    """The resource or the range of it; `act` is called when the body has come to byte `at`."""
    fields = {"Accept-Ranges": "bytes"}
    etag = f'"v{version}"'
    if has_etag:
        fields["ETag"] = etag
    part = wanted_range(request, size)
    if part and request.fields.get("if-range", etag) != etag:
        part = None
    if request.query.get("do") == "no-range":
        part = None
    if part and part[0] >= size:
        request.send(416, {"Content-Range": f"bytes */{size}", "Content-Length": "0"})
        return
    first, end = part or (0, size)
    if part:
        end = min(end, first + request.number("most", size))
    fields["Content-Length"] = end - first
    if part:
        shift = 1 if request.query.get("do") == "wrong-range" else 0
        fields["Content-Range"] = f"bytes {first + shift}-{end - 1 + shift}/{size}"
    do = request.query.get("do") if act else None
    if do == "long":
        fields["Content-Length"] = end - first + 100
    if do == "chunked-long":
        del fields["Content-Length"]
        fields["Transfer-Encoding"] = "chunked"
    if do == "unasked-coding":
        fields["Content-Encoding"] = "gzip"
    body = content(first, end, version) if request.method != "HEAD" else b""
    if do == "chunked-long":
        body += b"x" * 100
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    elif do == "long":
        body += b"x" * 100
    if act and first <= at < end:
        request.send(206 if part else 200, fields, body[:at - first])
        act(request)
        request.connection.sendall(body[at - first:])
    else:
        request.send(206 if part else 200, fields, body)


def act_reset(request):
    reset(request.connection)
    raise Gone


def act_close(request):
    raise Gone


def act_stall(request):
    time.sleep(request.number("ms", 60000) / 1000)


def misbehave(request, do):
    """True if this was the whole answer."""
    if do == "reset-before":
        act_reset(request)
    if do == "close-before":
        raise Gone
    if do == "stall-before":
        act_stall(request)
    if do == "half-head":
        request.connection.sendall(b"HTTP/1.1 206 Partial Content\r\nContent-Le")
        raise Gone
    if do == "garbage":
        request.connection.sendall(b"\x00\x01\x02 not HTTP at all\r\n\r\n")
        raise Gone
    if do == "status":
        fields = {"Content-Length": "5"}
        if "after" in request.query:
            fields["Retry-After"] = request.query["after"]
        request.send(request.number("status", 503), fields, b"sorry")
        return True
    if do == "redirect":
        target = request.query.get("to", "?do=redirect")  # by default in a circle
        request.send(302, {"Location": target, "Content-Length": "0"})
        return True
    if do in ("gzip", "bad-gzip", "short-gzip", "tail-gzip", "bomb", "unknown-coding"):
        body = gzip.compress(content(0, request.number("size", 100000), 1))
        if do == "bad-gzip":
            body = body[:1000] + bytes(b ^ 0x55 for b in body[1000:])
        if do == "short-gzip":
            body = body[:len(body) // 2]
        if do == "tail-gzip":
            body += b"more"
        if do == "bomb":
            body = gzip.compress(bytes(20 << 20), 1)
        coding = "zip" if do == "unknown-coding" else "gzip"
        request.send(200, {"Content-Encoding": coding, "Content-Length": len(body)}, body)
        return True
    if do == "head-flood":
        request.connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100000):
            request.connection.sendall(b"X-Fill: " + b"x" * 1000 + b"\r\n")
        raise Gone
    return False


def empty_columns(width, height, is_damaged):
    """An answer in which nothing is drawn (docs/protocol.md), from 0 to 100 of no rows."""
    edges = 12 * (width + 1)
    length = (144 + edges + 7) // 8 * 8
    head = b"GCHA" + struct.pack("<HHQQQqqQQ", 1, 1, length, 7, 0, 0, 100, 0, 0)
    head += struct.pack("<IIBBBBIqiIqiI", width, height, 0, 0, 0, 1 if is_damaged else 0, 0, 0, 0,
                        0, 1, 0, 0)
    return head + bytes(length - len(head))


ACTS = {"reset": act_reset, "close": act_close, "stall": act_stall, "long": lambda r: None,
        "chunked-long": lambda r: None, "unasked-coding": lambda r: None}


def answer(request):
    name = request.query.get("id", "")
    if request.path == "/seen":
        with seen_lock:
            body = str(seen.get(name, 0)).encode()
        request.send(200, {"Content-Length": len(body)}, body)
        return
    if request.path.endswith("/columns"):
        body = empty_columns(request.number("width", 0), request.number("height", 0),
                             request.query.get("do") == "damaged")
        request.send(request.number("status", 200), {"Content-Length": len(body)}, body)
        return
    if request.path == "/echo":
        told = ["priority", "authorization", "range", "if-range", "accept-encoding", "content-type",
                "user-agent"]
        text = "".join(f"{n}={request.fields.get(n, '')}\n" for n in told).encode()
        body = request.method.encode() + b"\n" + text + request.body
        request.send(200, {"Content-Length": len(body)}, body)
        return
    with seen_lock:
        seen[name] = count = seen.get(name, 0) + 1
    do = request.query.get("do")
    is_bad = do is not None and count <= request.number("n", 1 << 30)
    version, has_etag = request.number("v", 1), request.number("etag", 1)
    if count > 1:
        version, has_etag = request.number("v2", version), request.number("etag2", has_etag)
    if is_bad and misbehave(request, do):
        return
    act = ACTS.get(do) if is_bad else None
    serve_resource(request, version, has_etag, request.number("size", 100000), act,
                   request.number("at", 0))


def serve_connection(connection):
    data = b""
    try:
        while True:
            while b"\r\n\r\n" not in data:
                more = connection.recv(65536)
                if not more:
                    return
                data += more
            head, _, rest = data.partition(b"\r\n\r\n")
            request = Request(connection, head, rest)
            data = b""
            answer(request)
    except (Gone, OSError):
        pass
    finally:
        connection.close()


# ---- HTTP/2, as much of it as one resource of 100000 bytes takes ----

def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name, value):
    """A header field that is neither indexed nor Huffman-coded (RFC 7541, 6.2.2)."""
    return (b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode())


class H2:
    """By server name:
    ok       answers every request with bytes 0-99999
    reset    the first stream breaks off with RST_STREAM after 30000 bytes; the second has the rest
    refused  the first two streams are refused (REFUSED_STREAM), then as ok
    goaway   a connection's second stream is answered by GOAWAY and the end of the connection
    """

    streams = {}

    def __init__(self, connection):
        self.connection = connection
        self.name = connection.server_name_asked.split(".")[0]
        self.count = 0

    def read(self, count):
        data = b""
        while len(data) < count:
            more = self.connection.recv(count - len(data))
            if not more:
                raise Gone
            data += more
        return data

    def send(self, *arguments):
        self.connection.sendall(frame(*arguments))

    def send_part(self, stream, first, sent_end, is_all):
        fields = (literal(":status", "206") + literal("etag", '"v1"')
                  + literal("content-range", f"bytes {first}-99999/100000"))
        self.send(1, 4, stream, fields)
        body = content(first, sent_end, 1)
        for i in range(0, len(body), 16384):
            part = body[i:i + 16384]
            is_last = is_all and i + 16384 >= len(body)
            self.send(0, 1 if is_last else 0, stream, part)

    def answer(self, stream):
        with seen_lock:
            count = H2.streams[self.name] = H2.streams.get(self.name, 0) + 1
        self.count += 1
        if self.name == "reset" and count == 1:
            self.send_part(stream, 0, 30000, False)
            self.send(3, 0, stream, struct.pack(">I", 2))
        elif self.name == "reset":
            self.send_part(stream, 30000, 100000, True)
        elif self.name == "refused" and count <= 2:
            self.send(3, 0, stream, struct.pack(">I", 7))
        elif self.name == "goaway" and self.count == 2:
            self.send(7, 0, 0, struct.pack(">II", stream - 2, 0))
            raise Gone
        else:
            self.send_part(stream, 0, 100000, True)

    def serve(self):
        self.read(24)  # the preface
        self.send(4, 0, 0)
        while True:
            head = self.read(9)
            length = int.from_bytes(head[:3], "big")
            kind, flags, stream = struct.unpack(">BBI", head[3:])
            payload = self.read(length)
            if kind == 4 and not flags & 1:
                self.send(4, 1, 0)
            elif kind == 6 and not flags & 1:
                self.send(6, 1, 0, payload)
            elif kind == 1:
                self.answer(stream)


def serve_h2(connection):
    try:
        H2(connection).serve()
    except (Gone, OSError):
        pass
    finally:
        connection.close()


# ---- listening ----

def tls_context(folder, name, alpn):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key"))
    context.set_alpn_protocols([alpn])

    def note_name(connection, name, _):
        connection.server_name_asked = name or "localhost"

    context.sni_callback = note_name
    return context


def accept_one(raw, context, serve):
    try:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        serve(context.wrap_socket(raw, server_side=True) if context else raw)
    except (OSError, ssl.SSLError):
        raw.close()


def listen(context, serve):
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def loop():
        while True:
            raw, _ = listener.accept()
            threading.Thread(target=accept_one, args=(raw, context, serve), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()
    return listener.getsockname()[1]


def main():
    folder = os.path.abspath(sys.argv[1])
    os.makedirs(folder, exist_ok=True)
    make_certificates(folder)
    ports = {"http": listen(None, serve_connection)}
    for name, certificate, alpn, serve in [
        ("https", "good", "http/1.1", serve_connection),
        ("expired", "expired", "http/1.1", serve_connection),
        ("wrong", "wrong", "http/1.1", serve_connection),
        ("h2", "good", "h2", serve_h2),
    ]:
        ports[name] = listen(tls_context(folder, certificate, alpn), serve)
    print(" ".join(f"{name}={port}" for name, port in ports.items()), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
