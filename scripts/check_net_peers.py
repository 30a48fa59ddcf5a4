#!/usr/bin/env python3
"""Our server and our client against implementations that others wrote.

    check_net_peers.py GPUCHARTS

    h2 (Python)           as a client of our server: whole files and ranges over many streams, small
                          windows, padding, cancelled streams, settings that change on the way
    h2 (Python)           as the server that `gpucharts export URL` reads from: frames of odd sizes, with
                          padding, PING and SETTINGS between, GOAWAY after every 40 streams
    websockets (Python)   as a follower and a publisher of our server, with its own extensions offered,
                          fragments and pings
    websockets (Python)   as the server that `gpucharts tail` follows: fragments, pings, a connection lost

Everything is on loopback. Prints a line a check; exits with 1 at the first that fails. The peers are
installed with pinned versions into build/net-peers-venv.
"""

import asyncio
import json
import logging
import os
import random
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import urllib.request
import venv
from pathlib import Path

PEERS = ["h2==4.1.0", "websockets==13.1"]
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / "build" / "net-peers-venv"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests" / "net"))


def enter_venv():
    """Runs this script again with the peers' Python, which is made first if it is not there."""
    if Path(sys.prefix) == VENV:
        return
    stamp = VENV / "peers.txt"
    if not stamp.exists() or stamp.read_text() != "\n".join(PEERS):
        venv.create(VENV, with_pip=True)
        subprocess.run([VENV / "bin" / "python3", "-m", "pip", "install", "-q", *PEERS], check=True)
        stamp.write_text("\n".join(PEERS))
    python = str(VENV / "bin" / "python3")
    os.execv(python, [python, *sys.argv])


def require(condition, what):
    if not condition:
        sys.exit(f"FAULT: {what}")


def done(what):
    print(f"as it should be: {what}", flush=True)


# ---- h2 as a client


def talk_h2(port, data):
    """120 requests on one connection, a third of them cancelled in their bodies."""
    import h2.config
    import h2.connection
    import h2.events
    import h2.settings

    random.seed(4)
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    raw = socket.create_connection(("127.0.0.1", port))
    connection.initiate_connection()
    connection.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 3000,
                                h2.settings.SettingCodes.MAX_FRAME_SIZE: 16384,
                                h2.settings.SettingCodes.HEADER_TABLE_SIZE: 0})
    wanted, got, codes, cancelled = {}, {}, {}, set()
    to_start, open_count = 120, 0
    while to_start or open_count:
        while to_start and open_count < 30:
            stream = connection.get_next_available_stream_id()
            first = random.randrange(len(data))
            last = min(first + random.randrange(1, 200000), len(data)) - 1
            fields = [(":method", "GET"), (":scheme", "http"), (":path", "/data/walk.gch"),
                      (":authority", f"127.0.0.1:{port}"), ("priority", f"u={stream % 8}")]
            whole = stream % 5 == 1
            if not whole:
                fields.append(("range", f"bytes={first}-{last}"))
            connection.send_headers(stream, fields, end_stream=True)
            wanted[stream] = data if whole else data[first:last + 1]
            got[stream] = bytearray()
            to_start, open_count = to_start - 1, open_count + 1
        if to_start == 60 and not cancelled:
            connection.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 100000})
        raw.sendall(connection.data_to_send())
        received = raw.recv(65536)
        require(received, "the server has closed an h2 connection")
        for event in connection.receive_data(received):
            if isinstance(event, h2.events.ResponseReceived):
                codes[event.stream_id] = dict(event.headers)[b":status"]
            elif isinstance(event, h2.events.DataReceived):
                if event.stream_id in cancelled:
                    continue
                got[event.stream_id] += event.data
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if event.stream_id % 3 == 0 and len(got[event.stream_id]) > 1000:
                    connection.reset_stream(event.stream_id, error_code=8)
                    cancelled.add(event.stream_id)
                    open_count -= 1
            elif isinstance(event, h2.events.StreamEnded):
                open_count -= 1
            elif isinstance(event, (h2.events.ConnectionTerminated, h2.events.StreamReset)):
                sys.exit(f"FAULT: {event}")
    for stream, bytes_wanted in wanted.items():
        if stream not in cancelled:
            require(codes[stream] in (b"200", b"206") and bytes(got[stream]) == bytes_wanted,
                    f"h2 stream {stream}: {codes[stream]}, {len(got[stream])} bytes")
    raw.close()
    done(f"h2 as a client: 120 requests, {len(cancelled)} of them cancelled")


# ---- h2 as a server


class H2Server(asyncio.Protocol):
    """Ranges of one file; never two frames alike."""

    data, connections, requests = b"", 0, 0

    def __init__(self):
        import h2.config
        import h2.connection

        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.random = random.Random(H2Server.connections)
        self.left = {}  # stream: bytes to send
        self.count = 0
        H2Server.connections += 1

    def connection_made(self, transport):
        self.transport = transport
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        self.transport.write(self.h2.data_to_send())

    def data_received(self, received):
        import h2.events
        import h2.exceptions
        import h2.settings

        try:
            events = self.h2.receive_data(received)
        except h2.exceptions.ProtocolError as error:
            print(f"FAULT: our client breaks HTTP/2: {error}", flush=True)
            os._exit(1)
        for event in events:
            if isinstance(event, h2.events.RequestReceived):
                self.answer(event.stream_id, dict(event.headers))
            elif isinstance(event, h2.events.StreamReset):
                self.left.pop(event.stream_id, None)
        self.send_bodies()
        self.flush()

    def answer(self, stream, fields):
        H2Server.requests += 1
        self.count += 1
        first, last = 0, len(self.data) - 1
        asked = fields.get(b"range")
        code = "200"
        if asked is not None:
            code = "206"
            low, _, high = asked.decode().removeprefix("bytes=").partition("-")
            if low == "":
                first = max(0, len(self.data) - int(high))
            else:
                first, last = int(low), min(int(high), last) if high else last
        body = self.data[first:last + 1]
        headers = [(":status", code), ("etag", '"one"'), ("content-length", str(len(body)))]
        if code == "206":
            headers.append(("content-range", f"bytes {first}-{last}/{len(self.data)}"))
        is_head = fields[b":method"] == b"HEAD"
        self.h2.send_headers(stream, headers, end_stream=is_head)
        if not is_head:
            self.left[stream] = body

    def send_bodies(self):
        import h2.settings

        streams = list(self.left)
        while streams:
            stream = self.random.choice(streams)
            pad = self.random.choice([None, None, 0, 7, 200])
            cost = 0 if pad is None else pad + 1
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            size = min(len(self.left[stream]), room - cost, self.random.randrange(1, 9000))
            if size <= 0:
                streams.remove(stream)
                continue
            part, self.left[stream] = self.left[stream][:size], self.left[stream][size:]
            is_end = not self.left[stream]
            self.h2.send_data(stream, part, end_stream=is_end, pad_length=pad)
            if self.random.random() < 0.05:
                self.h2.ping(b"12345678")
            if self.random.random() < 0.02:
                self.h2.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS:
                                         self.random.randrange(20, 200)})
            if is_end:
                del self.left[stream]
                streams.remove(stream)
        if self.count >= 40 and not self.left:
            self.h2.close_connection(last_stream_id=self.h2.highest_inbound_stream_id)
            self.flush()
            self.transport.close()


def serve_h2(data, folder):
    """Returns the port."""
    H2Server.data = data
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "good.pem", folder / "good.key")
    context.set_alpn_protocols(["h2"])
    ready = threading.Event()
    box = []

    async def run():
        server = await asyncio.get_running_loop().create_server(H2Server, "127.0.0.1", 0,
                                                                ssl=context)
        box.append(server.sockets[0].getsockname()[1])
        ready.set()
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(run()), daemon=True).start()
    ready.wait()
    return box[0]


def check_h2_server(program, folder):
    from net_peer import make_certificates

    make_certificates(str(folder))
    path = folder / "ticks.gch"
    subprocess.run([program, "gen", "--kind", "ticks", "--points", "400k", "-q", "-o", path],
                   check=True)
    port = serve_h2(path.read_bytes(), folder)
    here = subprocess.run([program, "export", path], capture_output=True, check=True).stdout
    there = subprocess.run([program, "export", f"https://localhost:{port}/ticks.gch"],
                           capture_output=True, env={**os.environ, "GCH_CA_FILE": folder / "ca.pem"})
    require(there.returncode == 0, f"export over h2: {there.stderr.decode()}")
    require(here == there.stdout, "export over h2: the text differs")
    picture = subprocess.run([program, "render", f"https://localhost:{port}/ticks.gch", "-o",
                              folder / "there.png"], capture_output=True,
                             env={**os.environ, "GCH_CA_FILE": folder / "ca.pem"})
    require(picture.returncode == 0, f"render over h2: {picture.stderr.decode()}")
    subprocess.run([program, "render", path, "-o", folder / "here.png"], check=True)
    require((folder / "here.png").read_bytes() == (folder / "there.png").read_bytes(),
            "render over h2: the pictures differ")
    done(f"h2 as a server: {H2Server.requests} requests over {H2Server.connections} connections")


# ---- websockets as a client


def rows_of(frame):
    magic, version, kind, size, count = struct.unpack_from("<4sHHII", frame)
    require((magic, version, kind, size) == (b"GCHL", 1, 1, len(frame)), "a frame's head")
    return struct.unpack_from(f"<{count}q", frame, 56)


async def talk_websocket(port):
    import websockets

    url = f"ws://127.0.0.1:{port}/v1/live/peer"
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/live/peer?unit=ms&column=v:f64",
                                     method="PUT")
    urllib.request.urlopen(request).read()
    protocols = [websockets.Subprotocol("gch.live.1")]
    async with websockets.connect(url + "?after=0", subprotocols=protocols) as follower, \
            websockets.connect(url + "?publish=1", subprotocols=protocols) as publisher:
        require(json.loads(await follower.recv())["type"] == "hello", "no hello")
        require(json.loads(await publisher.recv())["type"] == "hello", "no hello")
        times = []
        for batch in range(200):
            lines = [f"[{batch * 10 + i}, {i}.5]" for i in range(10)]
            if batch % 2 == 0:
                await publisher.send("\n".join(lines))
            else:  # in fragments
                await publisher.send(line + "\n" for line in lines)
            if batch % 50 == 7:
                await (await publisher.ping())
            ack = json.loads(await publisher.recv())
            require((ack["type"], ack["row_count"]) == ("ack", 10), f"no acknowledgement: {ack}")
        await publisher.send("nonsense")
        require(json.loads(await publisher.recv())["type"] == "error", "nonsense is taken")
        while len(times) < 2000:
            times += rows_of(await asyncio.wait_for(follower.recv(), 10))
        require(times == list(range(2000)), "a follower's rows differ")
        await (await follower.ping())
    done("websockets as follower and publisher: 200 batches")


# ---- websockets as a server


def live_frame(first, count):
    times = range(first, first + count)
    body = struct.pack(f"<{count}q", *times) + bytes([9, 0, 0, 0, 0, 0, 0, 0])
    body += struct.pack(f"<{count}d", *(t / 4 for t in times))
    sequence = first // 10 + 1
    return b"GCHL" + struct.pack("<HHIIQQQQII", 1, 1, 56 + len(body), count,
                                 (first + count) // 10, first, sequence, count, 1, 0) + body


async def be_followed(program):
    import websockets
    from websockets.datastructures import Headers
    from websockets.http11 import Response
    from websockets.asyncio.server import serve

    description = {"name": "p", "time_unit": "ms", "first_sequence": 1, "next_sequence": 301,
                   "columns": [{"name": "v", "type": "f64", "unit": ""}]}
    connections = 0

    def answer(connection, request):
        if "Upgrade" in request.headers:
            return None
        body = json.dumps(description).encode()
        return Response(200, "OK", Headers({"Content-Length": str(len(body))}), body)

    async def talk(connection):
        nonlocal connections
        connections += 1
        query = connection.request.path.partition("after=")[2].partition("&")[0]
        row = int(query) * 10
        await connection.send(json.dumps({"type": "hello", **description}))
        sent = 0
        while row < 3000:
            frame = live_frame(row, 30)
            if row % 60 == 0:
                await connection.send(frame)
            else:  # in fragments of odd sizes
                await connection.send(frame[i:i + 97] for i in range(0, len(frame), 97))
            row, sent = row + 30, sent + 1
            if sent % 10 == 0:
                await (await connection.ping())
            if sent == 40:
                connection.transport.abort()  # as a network that fails does
                return
        await connection.wait_closed()

    async with serve(talk, "127.0.0.1", 0, process_request=answer,
                     subprotocols=[websockets.Subprotocol("gch.live.1")]) as server:
        port = server.sockets[0].getsockname()[1]
        child = await asyncio.create_subprocess_exec(
            program, "tail", f"http://127.0.0.1:{port}/v1/live/p", "--all", "-n", "3000", "-q",
            "--integer-times", "--no-header", stdout=asyncio.subprocess.PIPE)
        out, _ = await asyncio.wait_for(child.communicate(), 60)
    rows = [line.split(",") for line in out.decode().split()]
    require([(int(t), float(v)) for t, v in rows] == [(t, t / 4) for t in range(3000)],
            "tail: the rows differ")
    done(f"websockets as a server: 3,000 rows over {connections} connections")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    enter_venv()
    program = os.path.abspath(sys.argv[1])
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # a GET that is answered
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        subprocess.run([program, "gen", "--points", "300k", "-q", "-o", folder / "data" / "walk.gch"],
                       check=True)
        child = subprocess.Popen([program, "serve", folder / "data", "--listen", "127.0.0.1:0"],
                                 stdout=subprocess.PIPE, text=True)
        try:
            port = int(child.stdout.readline().strip().rstrip("/").rsplit(":", 1)[1])
            talk_h2(port, (folder / "data" / "walk.gch").read_bytes())
            asyncio.run(talk_websocket(port))
        finally:
            child.terminate()
            child.wait()
        check_h2_server(program, folder)
        asyncio.run(be_followed(program))


if __name__ == "__main__":
    main()
