#!/usr/bin/env python3
"""A WebSocket server that misbehaves on demand: what the WebSocket client's tests talk to.

    ws_peer.py FOLDER

uses net_peer.py's certificates in FOLDER (made if there are none), prints "ws=PORT wss=PORT", and serves
until its standard input is closed. The path of the URL says what it does; see `talk`.
"""

import base64
import hashlib
import json
import os
import socket
import ssl
import struct
import sys
import threading
import time
from urllib.parse import parse_qs, urlsplit

sys.dont_write_bytecode = True  # the source tree stays clean
from net_peer import make_certificates, reset

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
counts = {}
published = {}  # what has come of publishers, by path
lock = threading.Lock()


def frame(opcode, payload, is_last=True, mask=None):
    head = bytes([(0x80 if is_last else 0) | opcode])
    bit = 0x80 if mask else 0
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    elif len(payload) < 65536:
        head += struct.pack(">BH", bit | 126, len(payload))
    else:
        head += struct.pack(">BQ", bit | 127, len(payload))
    if mask:
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        head += mask
    return head + payload


# ---- a live series of 100 batches of 10 rows: time 5 r, an i32 of r, null where r % 3 == 0, an f64 of r / 2

BATCHES = 100
ANEW = ("/live-anew", "/live-other", "/live-columns")


def pad(data):
    return data + bytes(-len(data) % 8)


def live_rows(first, last):
    """A frame of the batches first to last."""
    rows = range((first - 1) * 10, last * 10)
    n = len(rows)
    bits = bytearray((n + 7) // 8)
    for i, r in enumerate(rows):
        if r % 3:
            bits[i // 8] |= 1 << i % 8
    body = struct.pack(f"<{n}q", *(5 * r for r in rows))
    body += bytes([5, 1, 0, 0, 0, 0, 0, 0]) + pad(struct.pack(f"<{n}i", *rows)) + pad(bytes(bits))
    body += bytes([9, 0, 0, 0, 0, 0, 0, 0]) + struct.pack(f"<{n}d", *(r / 2 for r in rows))
    return live_head(1, n, first, last, n, len(body)) + body


def live_summary(first, last):
    low, high = (first - 1) * 10, last * 10 - 1
    body = struct.pack("<qq", 5 * low, 5 * high)
    for scale in (1, 0.5):
        body += struct.pack("<ddddQ", low * scale, low * scale, high * scale, high * scale,
                            high - low + 1)
    return live_head(2, 0, first, last, high - low + 1, len(body)) + body


def live_head(kind, rows, first, last, stands_for, length):
    return b"GCHL" + struct.pack("<HHIIQQQQII", 1, kind, 56 + length, rows, last, (first - 1) * 10,
                                 first, stands_for, 2, 0)


class Peer:
    def __init__(self, connection):
        self.connection = connection
        self.data = b""

    def fill(self):
        more = self.connection.recv(65536)
        if not more:
            raise OSError("closed")
        self.data += more

    def take(self, count):
        while len(self.data) < count:
            self.fill()
        part, self.data = self.data[:count], self.data[count:]
        return part

    def read_frame(self):
        """Opcode and payload of a client's frame, which must be masked."""
        first, second = self.take(2)
        assert second & 0x80
        length = second & 0x7F
        if length == 126:
            length = struct.unpack(">H", self.take(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self.take(8))[0]
        mask = self.take(4)
        payload = self.take(length)
        repeated = (mask * (length // 4 + 1))[:length]
        value = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
        return first & 15, value.to_bytes(length, "big")

    def read_message(self):
        """The next data message; answers pings, ends at a close."""
        while True:
            opcode, payload = self.read_frame()
            if opcode in (1, 2):
                return opcode, payload
            if opcode == 9:
                self.send(10, payload)
            if opcode == 8:
                self.send(8, payload)
                raise OSError("closed by the client")

    def send(self, *arguments, **options):
        self.connection.sendall(frame(*arguments, **options))

    def upgrade(self):
        while b"\r\n\r\n" not in self.data:
            self.fill()
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines[1:])
        raw = dict(line.split(": ", 1) for line in lines[1:])
        parts = urlsplit(lines[0].split(" ")[1])
        self.path, self.query_text = parts.path, parts.query
        self.query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        self.token = raw.get("Authorization", "")
        if "upgrade" not in fields:
            self.describe()
        with lock:
            counts[self.path] = self.count = counts.get(self.path, 0) + 1
        if self.path in ANEW and self.count == 2:
            self.connection.sendall(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
            raise OSError("gone")
        if self.path == "/never":
            time.sleep(60)
        if self.path == "/refuse":
            self.connection.sendall(
                f"HTTP/1.1 {self.query['status']} No\r\nContent-Length: 0\r\n\r\n".encode())
            raise OSError("refused")
        key = raw["Sec-WebSocket-Key"]
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        if self.path == "/bad-accept":
            accept = accept[::-1]
        answer = ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n"
                  f"Connection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n")
        if "sec-websocket-protocol" in fields and self.path != "/no-protocol":
            answer += f"Sec-WebSocket-Protocol: {raw['Sec-WebSocket-Protocol']}\r\n"
        if self.path == "/extension":
            answer += "Sec-WebSocket-Extensions: permessage-deflate\r\n"
        answer = answer.encode() + b"\r\n"
        # The first message comes in the same packet as the head: it must not be lost.
        self.connection.sendall(answer + frame(1, b"welcome"))

    def description(self, **more):
        return json.dumps({
            "published": published.get(self.path, {}).get("rows", 0),
            "name": "s", "time_unit": "ms", "id": "one", "first_sequence": 1,
            "next_sequence": BATCHES + 1,
            "columns": [{"name": "a", "type": self.query.get("type", "i32"), "unit": "V"},
                        {"name": "b", "type": "f64", "unit": ""}], **more})

    def describe(self):
        """Tells a client that is no WebSocket of the series; ?text=... says that instead."""
        text = self.query.get("text", self.description())
        self.connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n"
                                f"Connection: close\r\n\r\n{text}".encode())
        raise OSError("described")

    def talk_live(self):
        """Three batches a frame. /live-drop: two frames a connection, the first of which repeats the
        last batch that the client has; /live-late: begins with a summary of what was missed;
        /live-anew, -other, -columns: the connection ends after two frames, the next one finds no
        series, the third another one of the same name, which has fewer batches than were sent; or
        another id, more batches, and the first ten not kept; or other columns;
        /live-unsound: the third frame of the first connection is damaged."""
        anew = {}
        if self.count > 2:
            anew = {"/live-anew": {"next_sequence": 4} if self.count == 3 else {},
                    "/live-other": {"id": "two", "first_sequence": 11},
                    "/live-columns": {"columns": [{"name": "a", "type": "i32", "unit": "A"}]},
                    }.get(self.path, {})
        self.send(1, self.description(type="hello", **anew).encode())
        first = int(self.query.get("after", "0")) + 1
        if self.path == "/live-late" and first <= 50:
            self.send(2, live_summary(first, 50))
            first = 51
        if self.path == "/live-drop" and first > 1:
            first -= 1
        frames = 0
        while first <= BATCHES:
            last = min(first + 2, BATCHES)
            data = live_rows(first, last)
            frames += 1
            if self.path == "/live-unsound" and self.count == 1 and frames == 3:
                data = data[:70] + b"\xff" * 8 + data[78:]
            self.send(2, data)
            first = last + 1
            is_dropping = self.path == "/live-drop" or (self.path in ANEW and self.count == 1)
            if is_dropping and frames == 2 and first <= BATCHES:
                time.sleep(0.01)
                reset(self.connection)
                raise OSError("dropped")

    def talk_publish(self):
        """Takes batches of a publisher, which must come in order; its description tells how many rows
        have. /publish-drop: takes every third batch and hangs up without a word; /publish-busy: has no room for every third one at first; /publish-refuse: refuses
        the fourth for good, /publish-refuse-ok and -pending with a status that is no refusal; /publish-deaf: hangs up on every third message before it has read it."""
        with lock:
            state = published.setdefault(self.path, {"last": 0, "rows": 0, "time": -1, "upset": 0})
        self.send(1, b'{"type": "hello", "next_sequence": 1}')
        while True:
            opcode, data = self.read_message()
            magic, version, kind, size, rows = struct.unpack_from("<4sHHII", data)
            publisher, number, columns = struct.unpack_from("<QQI", data, 32)
            times = struct.unpack_from(f"<{rows}q", data, 56)
            sound = ((opcode, magic, version, kind, size, columns) ==
                     (2, b"GCHL", 1, 1, len(data), 1 if self.path == "/publish-guide" else 3) and publisher and rows > 0)
            is_known = number == state["last"]
            is_upsetting = number % 3 == 2 and state["upset"] != number
            if not sound or number not in (state["last"], state["last"] + 1):
                self.answer("GCH_INVALID", number)
                continue
            refusal = {"/publish-refuse": "GCH_UNSORTED", "/publish-refuse-ok": "GCH_OK",
                       "/publish-refuse-pending": "GCH_PENDING"}.get(self.path)
            if refusal and number == 4:
                self.answer(refusal, number)
                continue
            if self.path == "/publish-busy" and is_upsetting:
                state["upset"] = number
                self.answer("GCH_UNAVAILABLE", number)
                continue
            if self.path == "/publish-deaf" and is_upsetting:
                state["upset"] = number
                reset(self.connection)
                raise OSError("dropped")
            if not is_known:
                if list(times) != list(range(state["time"] + 1, state["time"] + 1 + rows)):
                    self.answer("GCH_INVALID", number)
                    continue
                state.update(last=number, rows=state["rows"] + rows, time=times[-1])
            if self.path == "/publish-drop" and is_upsetting:
                state["upset"] = number
                reset(self.connection)
                raise OSError("dropped")
            self.send(1, json.dumps({"type": "ack", "sequence": 0 if is_known else number,
                                     "first_row": 0, "row_count": rows,
                                     "publisher_sequence": number}).encode())

    def answer(self, status, number):
        self.send(1, json.dumps({"type": "error", "status": status, "message": "no",
                                 "publisher_sequence": number}).encode())

    def talk(self):
        path = self.path
        if path == "/told":  # number of the connection, query, token
            self.send(1, f"{self.count} {self.query_text} {self.token}".encode())
        elif path == "/drop":  # reset after some messages, more each time
            for i in range(self.count * 2):
                self.send(1, f"{self.count}.{i}".encode())
            reset(self.connection)
            raise OSError("dropped")
        elif path == "/close":
            self.send(8, struct.pack(">H", int(self.query["code"])) + b"bye")
        elif path == "/silent":  # hears, but never answers
            while True:
                self.fill()
        elif path == "/asks":  # expects a pong with what it asked
            self.send(9, b"are you there")
            opcode, payload = self.read_frame()
            self.send(1, b"well" if (opcode, payload) == (10, b"are you there") else b"not well")
        elif path == "/pings":  # hears nothing
            while True:
                self.connection.sendall(b"\x89\x00" * 30000)
        elif path == "/flood":
            body = bytes(int(self.query["size"]))
            for _ in range(int(self.query["count"])):
                self.send(2, body)
            self.send(1, b"done")
        elif path == "/fragments":
            self.send(1, b"one ", is_last=False)
            self.send(9, b"between")
            self.send(0, b"two ", is_last=False)
            self.send(0, b"three")
        elif path == "/garbage":
            self.connection.sendall(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
        elif path == "/masked":  # a server must not
            self.send(1, b"masked", mask=b"abcd")
        elif path == "/bad-text":
            self.send(1, b"\xff\xfe")
        elif path == "/reserved":
            self.connection.sendall(bytes([0xF1, 0]))
        elif path.startswith("/live"):
            self.talk_live()
        elif path.startswith("/publish"):
            self.talk_publish()
        while True:  # echo
            opcode, payload = self.read_message()
            if path == "/deaf":
                time.sleep(0.5)
            self.send(opcode, payload)


def serve(raw, context):
    connection = raw
    try:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            connection = context.wrap_socket(raw, server_side=True)
        peer = Peer(connection)
        peer.upgrade()
        peer.talk()
    except (OSError, ssl.SSLError):
        pass
    finally:
        connection.close()


def listen(context):
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def loop():
        while True:
            raw, _ = listener.accept()
            threading.Thread(target=serve, args=(raw, context), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()
    return listener.getsockname()[1]


def main():
    folder = os.path.abspath(sys.argv[1])
    os.makedirs(folder, exist_ok=True)
    if not os.path.exists(os.path.join(folder, "good.pem")):
        make_certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, "good.pem"), os.path.join(folder, "good.key"))
    print(f"ws={listen(None)} wss={listen(context)}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
