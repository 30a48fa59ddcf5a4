#!/usr/bin/env python3
"""How fast is a CSV of ticks read, beside DuckDB and Polars?

    bench_ingest_peers.py GPUCHARTS [MEGABYTES]      (default 100)

Makes a CSV `time,price` (integer milliseconds, prices in 0.01), then reads the same file from the
page cache with `gpucharts ingest` (into a finished .gch file), with DuckDB (into a table in memory)
and with Polars (into a data frame), with the threads that the machine has; the best and the median
of several runs each. The library calls are timed inside a process that is already running; ours
counts the start of the process too. Then all values are compared: prices as doubles, bit for bit.

Rows also cross the Arrow C stream interface in one process, from PyArrow, Polars and DuckDB into .gch
files and back into each of them; for this the library is built as a shared one in build/peers-library.
Prints one JSON object; exits with 1 if any values differ.

The peers are installed with pinned versions into build/peers-venv.
"""

import ctypes
import json
import os
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

PEERS = ["duckdb==1.1.3", "polars==1.17.1", "pyarrow==18.1.0"]
RUNS = 15
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / "build" / "peers-venv"


def enter_venv():
    """Runs this script again with the peers' Python, which is made first if it is not there."""
    python = VENV / "bin" / "python3"
    if Path(sys.prefix) == VENV:
        return
    stamp = VENV / "peers.txt"
    if not stamp.exists() or stamp.read_text() != "\n".join(PEERS):
        venv.create(VENV, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PEERS], check=True)
        stamp.write_text("\n".join(PEERS))
    os.execv(python, [str(python), *sys.argv])


def make_csv(path, byte_count):
    random.seed(1)
    now, price, written = 1700000000000, 5000000, 0
    with open(path, "w") as out:
        written += out.write("time,price\n")
        while written < byte_count:
            lines = []
            for _ in range(100000):
                noise = random.getrandbits(32)
                price += noise % 5 - 2
                now += (noise >> 16) % 200 if (noise >> 8) % 4 else 0
                lines.append(f"{now},{price // 100}.{price % 100:02}\n")
            written += out.write("".join(lines))


# The library's two calls for Python: a stream into a file, and a file into a stream.
SHIM = r"""
#include "gch/arrow.h"
#include "store_open.h"
#include <stdio.h>

gch_status peers_take(struct ArrowArrayStream *stream, const char *path, char *message)
{
    gch_error err = {0};
    gch_status status =
        gch_ingest_arrow(stream, &(gch_ingest_desc){.output = path}, NULL, &err);
    snprintf(message, sizeof err.message, "%s", err.message);
    return status;
}

/* The file stays open: batches may outlive the stream. */
gch_status peers_give(const char *path, struct ArrowArrayStream *out, char *message)
{
    gch_error err = {0};
    gch_file *file = NULL;
    gch_status status = gch__file_open(path, NULL, &file, &err);
    if (status == GCH_OK)
        status = gch_export_arrow(file, NULL, out, &err);
    snprintf(message, sizeof err.message, "%s", err.message);
    return status;
}
"""
STREAM_BYTES = 5 * ctypes.sizeof(ctypes.c_void_p)
CAPSULE_NAME = b"arrow_array_stream"


def build_library():
    folder = ROOT / "build" / "peers-library"
    subprocess.run(["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                    "-DCMAKE_POSITION_INDEPENDENT_CODE=ON"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", folder, "gch_ingest"], check=True, stdout=subprocess.DEVNULL)
    shim, library = folder / "peers_shim.c", folder / "libpeers.so"
    shim.write_text(SHIM)
    rooms = [folder / "src" / room for room in (
        "ingest/libgch_ingest.a", "ingest/libgch_ingest_kernels.a", "store/libgch_store.a",
        "codec/libgch_codec.a", "base/libgch_base.a")]
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-D_GNU_SOURCE", f"-I{ROOT}/include",
                    f"-I{ROOT}/src/store", "-o", library, shim, *rooms, "-lxxhash", "-lpthread",
                    "-lm"], check=True)
    return ctypes.CDLL(str(library))


class Stream:
    """What the library exports, as an object that consumers of Arrow take."""

    def __init__(self, library, path):
        self.struct = ctypes.create_string_buffer(STREAM_BYTES)
        message = ctypes.create_string_buffer(256)
        if library.peers_give(str(path).encode(), self.struct, message) != 0:
            raise RuntimeError(message.value.decode())

    def __arrow_c_stream__(self, requested_schema=None):
        new = ctypes.pythonapi.PyCapsule_New
        new.restype = ctypes.py_object
        new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return new(ctypes.addressof(self.struct), CAPSULE_NAME, None)


def take(library, source, path):
    """Rows of anything with __arrow_c_stream__ into a file."""
    capsule = source.__arrow_c_stream__()
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype = ctypes.c_void_p
    pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    message = ctypes.create_string_buffer(256)
    if library.peers_take(ctypes.c_void_p(pointer(capsule, CAPSULE_NAME)), str(path).encode(),
                          message) != 0:
        raise RuntimeError(message.value.decode())


def check_arrow(work):
    """Which of the peers' rows come through the Arrow stream interface, in and out."""
    import duckdb
    import polars
    import pyarrow

    library = build_library()
    count = 200000
    table = pyarrow.table({
        "time": pyarrow.array([1700000000000 + 7 * i for i in range(count)],
                              pyarrow.timestamp("ms", "UTC")),
        "price": pyarrow.array([None if i % 1000 == 3 else 1.1 * i for i in range(count)],
                               pyarrow.float64()),
        "size": pyarrow.array([i % 30000 - 15000 for i in range(count)], pyarrow.int16()),
    })
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    sources = {
        "pyarrow": lambda: table,
        "polars": lambda: polars.from_arrow(table),
        "duckdb": lambda: database.execute("SELECT * FROM t").fetch_record_batch(),
    }
    database.register("t", table)

    def to_duckdb(stream):
        reader = pyarrow.RecordBatchReader.from_stream(stream)
        return duckdb.connect().execute("SELECT * FROM reader").arrow()

    sinks = {
        "pyarrow": lambda stream: pyarrow.RecordBatchReader.from_stream(stream).read_all(),
        "polars": lambda stream: polars.DataFrame(stream).to_arrow(),
        "duckdb": to_duckdb,
    }

    def rows(found):
        stamps = found["time"].cast(pyarrow.timestamp("us")).cast(pyarrow.int64())
        return (stamps.to_pylist(), found["price"].to_pylist(), found["size"].to_pylist())

    expected = rows(table)
    equal = {}
    for source, make in sources.items():
        path = f"{work}/{source}.gch"
        take(library, make(), path)
        for sink, read in sinks.items():
            equal[f"{source} to {sink}"] = rows(read(Stream(library, path))) == expected
    return equal


def measure(readers):
    """Runs all of them in turn, so that what else the machine does is shared among them; what the
    last run of each gave, and its seconds."""
    results = {name: read() for name, read in readers.items()}
    samples = {name: [] for name in readers}
    for _ in range(RUNS):
        for name, read in readers.items():
            results[name] = None
            start = time.perf_counter()
            results[name] = read()
            samples[name].append(time.perf_counter() - start)
    return results, {name: {"best_s": min(times), "median_s": statistics.median(times)}
                     for name, times in samples.items()}


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    enter_venv()
    import duckdb
    import polars

    program = str(Path(sys.argv[1]).resolve())
    byte_count = int(float(sys.argv[2] if len(sys.argv) > 2 else 100) * 1e6)
    folder = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=folder) as work:
        csv, gch = f"{work}/ticks.csv", f"{work}/ticks.gch"
        make_csv(csv, byte_count)

        def ours():
            subprocess.run(
                [program, "ingest", csv, "-o", gch, "--quiet", "--time-unit", "ms"], check=True)

        def with_duckdb():
            database = duckdb.connect()
            database.execute(f"CREATE TABLE ticks AS SELECT * FROM read_csv('{csv}')")
            return database

        def start():  # an empty program tells what starting ours costs
            subprocess.run([program, "--version"], check=True, stdout=subprocess.DEVNULL)

        results, spent = measure({"ours": ours, "duckdb": with_duckdb,
                                  "polars": lambda: polars.read_csv(csv), "start": start})
        database, frame = results["duckdb"], results["polars"]
        ours_s, duckdb_s, polars_s = spent["ours"], spent["duckdb"], spent["polars"]
        text = subprocess.run([program, "export", gch, "--no-header"], check=True,
                              stdout=subprocess.PIPE).stdout
        times, prices = [], []
        for line in text.split():
            now, price = line.split(b",")
            times.append(int(now))
            prices.append(float(price))
        bits = struct.pack(f"<{len(prices)}d", *prices)

        def same(their_times, their_prices):
            return their_times == times and struct.pack(
                f"<{len(their_prices)}d", *their_prices) == bits

        table = database.execute("SELECT time, price FROM ticks").arrow()
        equal = {
            "duckdb": same(table["time"].to_pylist(), table["price"].to_pylist()),
            "polars": same(frame["time"].to_list(), frame["price"].to_list()),
        }
        arrow = check_arrow(work)
        faster = min(duckdb_s["best_s"], polars_s["best_s"])
        size = os.path.getsize(csv)
        print(json.dumps({
            "question": "how fast is a CSV of ticks read, beside DuckDB and Polars?",
            "peers": PEERS[:2],
            "threads": os.cpu_count(),
            "input_bytes": size,
            "rows": len(times),
            "gpucharts": {**ours_s, "bytes_per_s": size / ours_s["best_s"]},
            "gpucharts_start": spent["start"],
            "duckdb": {**duckdb_s, "bytes_per_s": size / duckdb_s["best_s"]},
            "polars": {**polars_s, "bytes_per_s": size / polars_s["best_s"]},
            "times_faster_than_the_faster_peer": faster / ours_s["best_s"],
            "times_faster_by_medians": min(duckdb_s["median_s"], polars_s["median_s"])
            / ours_s["median_s"],
            "values_equal": equal,
            "arrow_equal": arrow,
        }, indent=2))
        sys.exit(0 if all(equal.values()) and all(arrow.values()) else 1)


main()
