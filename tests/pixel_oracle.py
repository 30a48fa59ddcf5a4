#!/usr/bin/env python3
"""The pixel rule (docs/pixel-rule.md) in exact fractions, for pictures small enough to wait for.

A second opinion beside the reference executor: no floating point, no segments, just the set of
values that the rule gives for each run and column, or for each bar. Reads a CSV of `time,value` lines (an empty
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


class View:
    """Columns, rows, and a dark picture: rows of booleans."""

    def __init__(self, t0, t1, bottom, top, width, height):
        self.t0, self.duration, self.bottom, self.top = t0, t1 - t0, bottom, top
        self.width, self.height = width, height
        self.picture = [[False] * width for _ in range(height)]

    def column_of(self, time):
        return (time - self.t0) * self.width // self.duration

    def row_of(self, value):
        return math.floor((self.top - value) * self.height / (self.top - self.bottom))

    def light(self, column, values):
        """From the row of the largest to that of the smallest, clipped."""
        if 0 <= column < self.width:
            first = max(self.row_of(max(values)), 0)
            last = min(self.row_of(min(values)), self.height - 1)
            for row in range(first, last + 1):
                self.picture[row][column] = True


def sets_of(view, run):
    """The set of values of the rule for each column of a run, without what lies outside."""
    values = {}
    for time, value in run:
        values.setdefault(view.column_of(time), []).append(value)
    for (ta, va), (tb, vb) in zip(run, run[1:]):
        # Edges c with t(a) < E(c) <= t(b), E(c) = t0 + c * duration / width.
        first = max(view.column_of(ta) + 1, 0)
        last = min(view.column_of(tb), view.width)
        for edge in range(first, last + 1):
            at = view.t0 + Fraction(edge * view.duration, view.width)
            crossing = va + (vb - va) * (at - ta) / (tb - ta)
            for column in (edge - 1, edge):
                values.setdefault(column, []).append(crossing)
    return values


def bars_of(points, ticks):
    """[(b0, b1, values)] of the bars of a width in ticks that have any; b1 is None for the last."""
    bars = {}
    for time, value in points:
        start = time // ticks * ticks
        if start >= 2**63 - 1:
            start -= ticks
        if value is not None:
            bars.setdefault(start, []).append(value)
    for start, values in sorted(bars.items()):
        yield max(start, -(2**63)), min(start + ticks, 2**63 - 1), values


def draw_bars(view, points, mark, ticks):
    base = [0] if mark == "bars" else []
    joined = {}
    for start, end, values in bars_of(points, ticks):
        left = view.column_of(start)
        count = view.column_of(end) - left
        if count <= 1:
            joined.setdefault(left, []).extend(values)
            continue
        free = 0 if count == 2 else -(-count // 5)
        first = left + free // 2
        last = first + count - free - 1
        middle = (first + last) // 2
        for column in range(max(first, 0), min(last, view.width - 1) + 1):
            if mark == "bars" or column == middle:
                view.light(column, values + base)
            elif mark == "candles":
                view.light(column, [values[0], values[-1]])
            else:
                view.light(column, [values[0] if column < middle else values[-1]])
    for column, values in joined.items():
        view.light(column, values + base)


def draw(points, t0, t1, bottom, top, width, height, mark="line", ticks=0):
    """The picture, by the rule; ticks is the width of bars."""
    view = View(t0, t1, bottom, top, width, height)
    if mark in ("line", "area"):
        base = [0] if mark == "area" else []
        for run in runs_of(points):
            for column, values in sets_of(view, run).items():
                view.light(column, values + base)
    else:
        draw_bars(view, points, mark, ticks)
    return view.picture


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("csv", help="lines of time,value; - for standard input")
    parser.add_argument("--from", dest="t0", type=int, required=True)
    parser.add_argument("--to", dest="t1", type=int, required=True)
    parser.add_argument("--ymin", type=Fraction, required=True)
    parser.add_argument("--ymax", type=Fraction, required=True)
    parser.add_argument("--size", required=True, metavar="WxH")
    parser.add_argument("--type", default="line", help="line, area, candles, ohlc or bars")
    parser.add_argument("--bar", type=int, default=1, help="ticks a bar covers")
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
    picture = draw(points, options.t0, options.t1, options.ymin, options.ymax, width, height,
                   options.type, options.bar)
    print(f"P1\n{width} {height}")
    for row in picture:
        print("".join("1" if lit else "0" for lit in row))


if __name__ == "__main__":
    main()
