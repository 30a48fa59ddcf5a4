#!/usr/bin/env python3
"""The pixel rule (docs/pixel-rule.md) in exact fractions, for pictures small enough to wait for.

A second opinion beside the reference executor: no floating point, no segments, just the set of
values that the rule gives for each run and column. Reads a CSV of `time,value` lines (an empty
value or nan is a gap) and prints the picture as a plain PBM, 1 = lit.

    pixel_oracle.py data.csv --from 0 --to 100 --ymin -1 --ymax 1.5 --size 64x48
"""

import argparse
import math
import sys
from fractions import Fraction


def parse_value(text, is_double):
    """A Fraction, or None for a gap."""
    text = text.strip().lower()
    if text in ("", "nan", "null", "inf", "-inf", "+inf"):
        return None
    return Fraction(float(text)) if is_double else Fraction(text)


def read_points(lines, is_double=False):
    """[(time, value or None)] of `time,value` lines; one that starts with a letter is a header."""
    points = []
    for line in lines:
        if not line.strip() or line[0].isalpha():
            continue
        time, value = line.rstrip("\r\n").split(",")
        points.append((int(time), parse_value(value, is_double)))
    return points


def runs_of(points):
    run = []
    for time, value in points:
        if value is None:
            if run:
                yield run
            run = []
        else:
            run.append((time, value))
    if run:
        yield run


def draw(points, t0, t1, bottom, top, width, height):
    """Rows of booleans, by the rule."""
    duration = t1 - t0
    picture = [[False] * width for _ in range(height)]

    def column_of(time):
        return (time - t0) * width // duration

    def row_of(value):
        return math.floor((top - value) * height / (top - bottom))

    for run in runs_of(points):
        values = {}  # column: the rule's set
        for time, value in run:
            if t0 <= time < t1:
                values.setdefault(column_of(time), []).append(value)
        for (ta, va), (tb, vb) in zip(run, run[1:]):
            # Edges c with t(a) < E(c) <= t(b), E(c) = t0 + c * duration / width.
            first = max(column_of(ta) + 1, 0)
            last = min(column_of(tb), width)
            for edge in range(first, last + 1):
                at = t0 + Fraction(edge * duration, width)
                crossing = va + (vb - va) * (at - ta) / (tb - ta)
                for column in (edge - 1, edge):
                    if 0 <= column < width:
                        values.setdefault(column, []).append(crossing)
        for column, its_values in values.items():
            first = max(row_of(max(its_values)), 0)
            last = min(row_of(min(its_values)), height - 1)
            for row in range(first, last + 1):
                picture[row][column] = True
    return picture


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("csv", help="lines of time,value; - for standard input")
    parser.add_argument("--from", dest="t0", type=int, required=True)
    parser.add_argument("--to", dest="t1", type=int, required=True)
    parser.add_argument("--ymin", type=Fraction, required=True)
    parser.add_argument("--ymax", type=Fraction, required=True)
    parser.add_argument("--size", required=True, metavar="WxH")
    parser.add_argument(
        "--double", action="store_true", help="values are the doubles nearest to the text"
    )
    options = parser.parse_args()
    width, height = (int(side) for side in options.size.split("x"))
    if options.csv == "-":
        points = read_points(sys.stdin, options.double)
    else:
        with open(options.csv, encoding="utf-8") as lines:
            points = read_points(lines, options.double)
    picture = draw(points, options.t0, options.t1, options.ymin, options.ymax, width, height)
    print(f"P1\n{width} {height}")
    for row in picture:
        print("".join("1" if lit else "0" for lit in row))


if __name__ == "__main__":
    main()
