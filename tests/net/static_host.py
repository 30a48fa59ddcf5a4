#!/usr/bin/env python3
"""Static hosting by nginx, for tests and benchmarks: nothing of ours runs on the server.

    static_host.py FOLDER WORK [HTTP_PORT HTTPS_PORT]

serves FOLDER over HTTP/1.1 and over TLS with HTTP/2, on free ports of 127.0.0.1 unless they are given,
with certificates made in WORK (net_peer.py's; ca.pem is the authority) unless there are some. Prints
"http=PORT https=PORT" when both answer, and ends with its standard input.
"""

import os
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # the source tree stays clean
from net_peer import make_certificates

CONFIG = """
{user}
worker_processes 1;
daemon off;
pid {work}/nginx.pid;
error_log {work}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {work}/temp1;
    proxy_temp_path {work}/temp2;
    fastcgi_temp_path {work}/temp3;
    uwsgi_temp_path {work}/temp4;
    scgi_temp_path {work}/temp5;
    http2_chunk_size 64k;
    keepalive_requests 1000;
    root {folder};
    server {{ listen 127.0.0.1:{http}; sendfile on; }}
    server {{
        listen 127.0.0.1:{https} ssl http2;
        ssl_certificate {work}/good.pem;
        ssl_certificate_key {work}/good.key;
        ssl_protocols TLSv1.2 TLSv1.3;
    }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_port(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.02)
    sys.exit(f"static_host.py: nothing answers on port {port}")


def main():
    folder, work = (os.path.abspath(path) for path in sys.argv[1:3])
    os.makedirs(work, exist_ok=True)
    if not os.path.exists(os.path.join(work, "good.pem")):
        make_certificates(work)
    ports = [int(port) for port in sys.argv[3:5]] or [free_port(), free_port()]
    config = os.path.join(work, "nginx.conf")
    with open(config, "w", encoding="ascii") as file:
        # Workers of a root's nginx would be somebody else, who may not read the folder.
        user = "user root root;" if os.geteuid() == 0 else ""
        file.write(CONFIG.format(user=user, folder=folder, work=work, http=ports[0],
                                 https=ports[1]))
    path = os.environ.get("PATH", "") + ":/usr/sbin"
    server = subprocess.Popen(["nginx", "-e", os.path.join(work, "error.log"), "-c", config],
                              env={**os.environ, "PATH": path})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        for port in ports:
            await_port(port)
        print(f"http={ports[0]} https={ports[1]}", flush=True)
        sys.stdin.read()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
