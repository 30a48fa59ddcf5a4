#!/usr/bin/env python3
"""Bare pictures of the command against the pixel rule in exact fractions (pixel_oracle.py).

    pixel_oracle_test.py path/to/gpucharts [case-count]

Each case goes the whole way: CSV text, `gpucharts ingest`, `gpucharts render --bare` with both
executors, PPM, and pixel by pixel against the oracle, which read the same CSV text.
"""

import os
import random
import subprocess
import sys
import tempfile
from fractions import Fraction

sys.dont_write_bytecode = True
import pixel_oracle

WHITE = b"\xff\xff\xff"
BLACK = b"\0\0\0"


def decimal_text(digits, exp10):
    return f"{digits}e{exp10}"


def random_rows(rnd, kind, count):
    """(CSV lines, whether values are doubles)."""
    step = rnd.choice([1, 1, 5, 60, 1000])
    time = rnd.choice([0, 1000, 1700000000000000000, -(10**12)])
    decimals = rnd.choice([0, 1, 2, 6])
    lines, walk = [], 0
    for i in range(count):
        time += step * rnd.choice([0, 1, 1, 1, 2, 7])
        if rnd.random() < 0.07 or (kind == "alternate" and i % 2):
            lines.append(f"{time},{rnd.choice(['', 'nan', 'null'])}")
            continue
        if kind == "levels":
            value = f"{rnd.randrange(-6, 7)}"
        elif kind in ("walk", "alternate"):
            walk += rnd.randrange(-9, 10)
            value = f"{walk / 10**decimals:.{decimals}f}"
        elif kind == "big":
            value = f"{2**58 + rnd.randrange(-50, 50)}"
        elif kind == "huge":
            value = rnd.choice(["1e300", "-1e300", "0", "3.25e299"])
        else:  # tiny
            value = repr(rnd.randrange(-60, 60) * 5e-324)
        lines.append(f"{time},{value}")
    return lines, kind in ("huge", "tiny")


def random_view(rnd, kind, points, width, height):
    """from, to, bottom text, top text."""
    times = [time for time, _ in points]
    values = [value for _, value in points if value is not None] or [Fraction(0)]
    t0 = rnd.choice([times[0], times[0] - 3, rnd.choice(times)])
    length = rnd.choice([1, 2, width, 3 * width, width + 1, max(1, times[-1] - t0 + 1)])
    if kind == "huge":
        bottom, top = rnd.choice([(-2, 2), (-1, 1), (-7, 12)])
        exp10 = rnd.choice([300, 300, 0])
    elif kind == "tiny":
        bottom, top = rnd.choice([(-1, 1), (0, 3), (-17, 5)])
        exp10 = rnd.choice([-322, -323])
    else:
        exp10 = 0 if kind == "big" else -rnd.choice([0, 1, 2])  # the command reads 18 digits
        top = int(max(values) * 10**-exp10) + rnd.choice([0, 1, 2])
        rows = rnd.choice([height, height, 2 * height, 5, 10])
        bottom = top - rows
        if rnd.random() < 0.4:
            bottom = min(bottom, int(min(values) * 10**-exp10) - 1)
    return t0, t0 + length, decimal_text(bottom, exp10), decimal_text(top, exp10)


def read_ppm(path, width, height):
    with open(path, "rb") as file:
        data = file.read()
    header = f"P6\n{width} {height}\n255\n".encode()
    if not data.startswith(header) or len(data) != len(header) + 3 * width * height:
        raise SystemExit(f"{path}: not a PPM of {width} x {height} px: {data[:20]!r}")
    at = len(header)
    rows = []
    for _ in range(height):
        row = [data[at + 3 * x : at + 3 * x + 3] for x in range(width)]
        if any(pixel not in (BLACK, WHITE) for pixel in row):
            raise SystemExit(f"{path}: a pixel is neither black nor white")
        rows.append([pixel == WHITE for pixel in row])
        at += 3 * width
    return rows


def run(arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)}: exit {done.returncode}: {done.stderr.strip()}")


def main():
    command = os.path.abspath(sys.argv[1])
    case_count = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    kinds = ["levels", "walk", "alternate", "big", "huge", "tiny", "levels"]
    lit_count = failures = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for case in range(case_count):
            rnd = random.Random(case)
            kind = kinds[case % len(kinds)]
            lines, is_double = random_rows(rnd, kind, rnd.choice([1, 2, 5, 40, 700]))
            points = pixel_oracle.read_points(lines, is_double)
            with open("case.csv", "w", encoding="utf-8") as csv:
                csv.write("time,value\n" + "\n".join(lines) + "\n")
            run([command, "ingest", "case.csv", "-o", "case.gch", "--time-unit", "ns"])
            for _ in range(3):
                width, height = rnd.choice([(40, 30), (64, 48), (7, 90), (101, 13)])
                t0, t1, bottom, top = random_view(rnd, kind, points, width, height)
                mark = rnd.choice(["line", "line", "area", "candles", "ohlc", "bars"])
                ticks = 1 + int((t1 - t0) * 2 ** rnd.uniform(-8, 2))
                expected = pixel_oracle.draw(
                    points, t0, t1, Fraction(bottom), Fraction(top), width, height, mark, ticks
                )
                lit_count += sum(map(sum, expected))
                for backend in ("cpu", "reference"):
                    options = [f"--from={t0}", f"--to={t1}", f"--ymin={bottom}", f"--ymax={top}"]
                    options += [f"--size={width}x{height}", f"--backend={backend}"]
                    options += [f"--type={mark}", f"--bar={ticks}"]
                    run([command, "render", "case.gch", "--bare", "-o", "case.ppm"] + options)
                    drawn = read_ppm("case.ppm", width, height)
                    wrong = sum(a != b for r, s in zip(drawn, expected) for a, b in zip(r, s))
                    if wrong:
                        failures += 1
                        print(f"case {case} ({kind}, {len(lines)} rows): {wrong} px differ: "
                              f"{' '.join(options)}")
    print(f"{case_count} cases, {lit_count} px lit, {failures} pictures differ")
    if failures or lit_count < 100 * case_count:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
