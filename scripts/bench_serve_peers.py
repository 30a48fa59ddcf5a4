#!/usr/bin/env python3
"""How fast does the server send bytes, beside nginx?

    bench_serve_peers.py GPUCHARTS [MEGABYTES] [RUNS]      (defaults 128 and 5)

Both serve the same file from the page cache over TLS with the same certificate and one network thread,
to the same client (h2load of Debian's nghttp2-client, over HTTP/2): whole files on one stream and on eight of
one connection, and 16 KiB ranges, 32 in flight on one connection. Runs alternate between the two servers.
nginx is set for throughput: 64 KiB chunks, no access log, no limit on requests of a connection.

Prints one JSON object with medians and ratios (above 1: ours is faster). Needs nginx-light, nghttp2-client
and openssl.
"""

import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NGINX = """
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 256; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    open_file_cache max=10;
    http2_chunk_size 64k;
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        root {folder}/www;
    }}
}}
"""

CASES = {
    "one stream, MB/s": ["-m1", "-n4"],
    "eight streams, MB/s": ["-m8", "-n8"],
    "16 KiB ranges, requests/s": ["-m32", "-n20000", "-H", "range: bytes=1048576-1064959"],
}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")


def measure(port, case):
    """Megabytes a second, or requests a second for ranges."""
    command = ["h2load", "-c1", "-t1", *CASES[case], f"https://127.0.0.1:{port}/data/bulk.gch"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    wanted = int(next(a for a in CASES[case] if a.startswith("-n"))[2:])
    if int(re.search(r"status codes: (\d+) 2xx", text).group(1)) != wanted:
        sys.exit(f"some requests failed:\n{text}")
    seconds = re.search(r"finished in ([\d.]+)(ms|s|us)", text)
    elapsed = float(seconds.group(1)) * {"s": 1, "ms": 1e-3, "us": 1e-6}[seconds.group(2)]
    if "requests/s" in case:
        return wanted / elapsed
    return int(re.search(r"\((\d+)\) data", text).group(1)) / elapsed / 1e6


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program = Path(sys.argv[1]).resolve()
    megabytes = int(sys.argv[2]) if len(sys.argv) > 2 else 128
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    folder = Path(tempfile.mkdtemp(prefix="bench_serve_"))
    os.chmod(folder, 0o755)
    children = []
    try:
        (folder / "www" / "data").mkdir(parents=True)
        with open(folder / "www" / "data" / "bulk.gch", "wb") as out:
            for _ in range(megabytes):
                out.write(os.urandom(1 << 20))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "key.pem", "-out",
                        folder / "cert.pem", "-subj", "/CN=localhost", "-days", "2"],
                       check=True, capture_output=True)
        ports = {"ours": free_port(), "nginx": free_port()}
        # Workers of a root's nginx would be somebody else, who may not read the folder.
        user = "user root root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(
            NGINX.format(user=user, folder=folder, port=ports["nginx"]))
        children.append(subprocess.Popen(["nginx", "-c", folder / "nginx.conf"]))
        children.append(subprocess.Popen(
            [program, "serve", folder / "www" / "data", "--listen", f"127.0.0.1:{ports['ours']}",
             "--tls-cert", folder / "cert.pem", "--tls-key", folder / "key.pem"],
            stdout=subprocess.DEVNULL))
        for port in ports.values():
            wait_for(port)
        samples = {case: {name: [] for name in ports} for case in CASES}
        for run in range(runs + 1):  # the first one warms up
            for case in CASES:
                for name in sorted(ports, reverse=run % 2 == 1):
                    value = measure(ports[name], case)
                    if run > 0:
                        samples[case][name].append(value)
        medians = {case: {name: statistics.median(values) for name, values in by_name.items()}
                   for case, by_name in samples.items()}
        print(json.dumps({
            "question": "how fast does the server send bytes, beside nginx?",
            "machine": {"threads": os.cpu_count()},
            "file_megabytes": megabytes, "runs": runs,
            "medians": {case: {name: round(value, 1) for name, value in by_name.items()}
                        for case, by_name in medians.items()},
            "ours_to_nginx": {case: round(by_name["ours"] / by_name["nginx"], 3)
                              for case, by_name in medians.items()},
        }, indent=2))
    finally:
        for child in children:
            child.terminate()
            child.wait()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
