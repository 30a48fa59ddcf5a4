#!/usr/bin/env python3
"""Starts a static host, a data server and a long line, and runs bench_net over them.

    bench_net.py BUILD FOLDER [--points N] [--rtt MS] [--mbit N] [--file PATH] [--charts]

BUILD holds gpucharts and bench/bench_net; files are made in FOLDER if they are not there;
--file takes one that is. --charts: charts of a file at the data server only.
"""

import argparse
import os
import subprocess
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "net")
children = []


def start(*command):
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    children.append(child)
    return child.stdout.readline().strip()


def ports_of(line):
    return {name: int(port) for name, port in (item.split("=") for item in line.split())}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("folder")
    parser.add_argument("--points", default="100000000")
    parser.add_argument("--rtt", default="50")
    parser.add_argument("--mbit", default="100")
    parser.add_argument("--file")
    parser.add_argument("--charts", action="store_true")
    options = parser.parse_args()
    folder = os.path.abspath(options.folder)
    program = os.path.join(options.build, "gpucharts")
    name = f"bench-net-{options.points}.gch"
    path = os.path.join(folder, name)
    if options.file is not None:
        path = os.path.abspath(options.file)
        name = os.path.basename(path)
    if not os.path.exists(path):
        subprocess.run([program, "gen", "-q", "-n", options.points, "-o", path], check=True)
    work = os.path.join(folder, "bench-net-work")
    host = ports_of(start(sys.executable, os.path.join(TESTS, "static_host.py"),
                           os.path.dirname(path), work))
    command = [os.path.join(options.build, "bench", "bench_net"), "--ca",
               os.path.join(work, "ca.pem")]
    proxy = os.path.join(TESTS, "delay_proxy.py")
    server = start(program, "serve", path, "--listen", "127.0.0.1:0").split()[-1].rstrip("/")
    secure = start(program, "serve", path, "--listen", "127.0.0.1:0", "--tls-cert",
                   os.path.join(work, "good.pem"), "--tls-key", os.path.join(work, "good.key"))
    secure_port = secure.split()[-1].rstrip("/").rsplit(":", 1)[1]
    lines = {what: ports_of(start(sys.executable, proxy, str(port), options.rtt, options.mbit))
             for what, port in [("https", host["https"]), ("server", server.rsplit(":", 1)[1])]}
    far = f"http://localhost:{lines['server']['proxy']}"
    command += ["--chart", f"{far}/data/{name}", "--near", f"{server}/data/{name}"]
    if not options.charts:
        command += ["--large", f"https://localhost:{host['https']}/{name}",
                    "--small-static", f"https://localhost:{host['https']}/{name}",
                    "--small-ours", f"https://localhost:{secure_port}/data/{name}",
                    "--far", f"https://localhost:{lines['https']['proxy']}/{name}",
                    "--columns", f"{far}/v1/data/{name[:-4]}"]
    try:
        return subprocess.run(command, check=False).returncode
    finally:
        for child in children:
            child.stdin.close()
            child.terminate()
            child.wait()


if __name__ == "__main__":
    sys.exit(main())
