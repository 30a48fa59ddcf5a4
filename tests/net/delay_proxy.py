#!/usr/bin/env python3
"""A TCP proxy that makes loopback a long line: a round trip and a rate, for tests and benchmarks.

    delay_proxy.py PORT RTT_MS MBIT_PER_S

listens on a free port of 127.0.0.1, prints "proxy=PORT", forwards every connection to
127.0.0.1:PORT, and ends with its standard input. Bytes take half of the round trip each way and
share the rate of their direction with all other connections. Making a connection costs a round trip, as
it would on the line: what a client sends first is held up by one more.
"""

import asyncio
import sys

CHUNK = 16384
IN_FLIGHT = 4 << 20  # bytes a connection and direction: a socket's buffers and the line


class Line:
    """One direction."""

    def __init__(self, rate):
        self.rate = rate  # bytes a second
        self.free_at = 0.0

    def send(self, count):
        """When the last of these bytes leaves."""
        now = asyncio.get_running_loop().time()
        self.free_at = max(self.free_at, now) + count / self.rate
        return self.free_at


async def pump(read, writer, line, delay):
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue()
    room = asyncio.Semaphore(IN_FLIGHT // CHUNK)

    async def deliver():
        while True:
            when, data = await queue.get()
            wait = when - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            room.release()
            if data is None:
                writer.close()
                return
            writer.write(data)
            await writer.drain()

    task = asyncio.create_task(deliver())
    try:
        while True:
            await room.acquire()
            try:
                data = await read(CHUNK)
            except ConnectionError:
                data = b""
            queue.put_nowait((line.send(len(data)) + delay, data or None))
            if not data:
                break
        await task
    except ConnectionError:
        task.cancel()
        writer.close()


async def main():
    port, rtt, rate = int(sys.argv[1]), float(sys.argv[2]) / 1e3, float(sys.argv[3]) * 125000
    up, down = Line(rate), Line(rate)
    loop = asyncio.get_running_loop()

    async def serve(reader, writer):
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        opened = loop.time()

        async def read_late(count):
            data = await reader.read(count)
            await asyncio.sleep(max(0, opened + rtt - loop.time()))
            return data

        await asyncio.gather(pump(read_late, to_writer, up, rtt / 2),
                             pump(to_reader.read, writer, down, rtt / 2))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=256)
    print(f"proxy={server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
