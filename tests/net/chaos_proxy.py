#!/usr/bin/env python3
"""A TCP proxy on a bad day, for tests: chaos_proxy.py PORT SEED

listens on a free port of 127.0.0.1, prints "proxy=PORT", forwards connections to 127.0.0.1:PORT, and ends
with its standard input. A connection lives for a random number of bytes, then it is reset, closed, or
silent for a while and then closed; some are refused at once. What is passed on is passed on unchanged.
"""

import random
import socket
import struct
import sys
import threading
import time


def reset(connection):
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    except OSError:
        pass


def serve(client, port, seed):
    rng = random.Random(seed)
    if rng.random() < 0.1:
        reset(client)
        return
    try:
        server = socket.create_connection(("127.0.0.1", port))
    except OSError:
        reset(client)
        return
    left = [int(rng.paretovariate(0.6) * 3000)]
    end = rng.choice(["reset", "close", "stall"])
    lock = threading.Lock()

    def pump(source, target):
        try:
            while True:
                data = source.recv(16384)
                if not data:
                    break
                with lock:
                    part = data[:max(left[0], 0)]
                    left[0] -= len(data)
                    is_over = left[0] <= 0
                target.sendall(part)
                if is_over:
                    if end == "stall":
                        time.sleep(rng.random() * 0.3)
                    break
        except OSError:
            pass
        for connection in (client, server):
            if end == "reset":
                reset(connection)
            else:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    threads = [threading.Thread(target=pump, args=pair, daemon=True)
               for pair in ((client, server), (server, client))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()
    server.close()


def main():
    port, seed = int(sys.argv[1]), int(sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def accept():
        count = 0
        while True:
            client, _ = listener.accept()
            count += 1
            threading.Thread(target=serve, args=(client, port, seed * 100003 + count),
                             daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(f"proxy={listener.getsockname()[1]}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
