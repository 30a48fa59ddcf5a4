#!/usr/bin/env python3
"""A second reader of .gch files, written from docs/format.md alone.

    format_reader.py FILE              rows as tab-separated time and values, "-" for a gap
    format_reader.py --test GPUCHARTS  makes files with the command and compares them with its export

It decodes everything and checks the tree against the rows, but no checksums: Python has no XXH3.
"""
import csv
import io
import struct
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

MASK64 = (1 << 64) - 1


class Damage(Exception):
    pass


class Single(float):
    """A value of a column of 32-bit floats."""


def need(condition, what):
    if not condition:
        raise Damage(what)


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def unpack(data, at, bits):
    """The 256 residuals of a block whose payload starts at byte `at`."""
    if bits > 32:
        low = unpack(data, at, 32)
        high = unpack(data, at + 1024, bits - 32)
        return [a | b << 32 for a, b in zip(low, high)]
    words = struct.unpack_from(f"<{8 * bits}I", data, at)
    out = []
    for i in range(256):
        if bits == 0:
            out.append(0)
            continue
        bit = i // 8 * bits
        word, shift = bit // 32 * 8 + i % 8, bit % 32
        value = words[word] >> shift
        if shift + bits > 32:
            value |= words[word + 8] << (32 - shift)
        out.append(value & ((1 << bits) - 1))
    return out


def float_from_mapped(mapped, width):
    sign = 1 << (width - 1)
    bits = mapped ^ sign if mapped & sign else ~mapped & ((1 << width) - 1)
    form = "<If" if width == 32 else "<Qd"
    return struct.unpack("<" + form[2], struct.pack("<" + form[1], bits))[0]


class Column:
    def __init__(self, segment, at, c):
        (self.kind, self.scale, self.base, flags, self.levels, self.headers, self.tree,
         self.directory, self.gap_supers, self.bitmaps, self.run_starts, self.exceptions,
         self.gap_super_count, self.run_start_count, self.exception_count,
         self.gap_count) = struct.unpack_from("<IIQII7Q4I", segment.data, at + 128 * c)
        self.is_wide = flags & 1 != 0

    def value(self, key):
        if self.kind == 1:
            return Fraction(signed((self.base + key) & MASK64), 10 ** self.scale)
        if self.kind == 2:
            return Single(float_from_mapped(self.base + key, 32))
        return float_from_mapped(self.base + key, 64)


class Segment:
    def __init__(self, data, entry):
        (self.offset, descriptor, _, _, self.first_row, self.rows, _, self.first_time,
         self.last_time) = struct.unpack("<5QIIqq", entry)
        self.data = data
        (magic, columns, first_row, rows, self.time_mode, _, _, self.payload, _, self.run_count, _,
         self.origin, self.unit, self.runs, self.supers, self.lines,
         self.time_directory) = struct.unpack_from("<IIQIIqqQQIIqQ4Q", data, descriptor)
        need(magic == 0x53484347 and first_row == self.first_row and rows == self.rows, "descriptor")
        self.blocks = -(-rows // 256)
        self.super_blocks = -(-self.blocks // 4)
        self.columns = [Column(self, descriptor + 128, c) for c in range(columns)]

    def array(self, offset, form, count):
        size = struct.calcsize("<" + form)
        at = self.offset + offset
        return list(struct.iter_unpack("<" + form, self.data[at:at + size * count]))

    def packed_blocks(self, directory, widths):
        entries = [e for e, in self.array(directory, "I", self.super_blocks)]
        for block, bits in enumerate(widths):
            skip = sum(widths[block // 4 * 4:block])
            yield unpack(self.data, self.offset + 32 * (entries[block // 4] + skip), bits)

    def times(self):
        if self.time_mode == 1:
            runs = self.array(self.runs, "IIqq", self.run_count)
            ends = [run[0] for run in runs[1:]] + [self.rows]
            return [t0 + i * step for (row, _, t0, step), end in zip(runs, ends)
                    for i in range(end - row)]
        supers = [s for s, in self.array(self.supers, "Q", self.super_blocks)]
        lines = self.array(self.lines, "qIHBB", self.blocks)
        out = []
        blocks = self.packed_blocks(self.time_directory, [line[3] for line in lines])
        for block, residuals in enumerate(blocks):
            base, step, frac, _, _ = lines[block]
            for i, residual in enumerate(residuals):
                u = supers[block // 4] + base + step * i + ((frac * i) >> 16) + residual
                out.append(signed((self.origin + self.unit * u) & MASK64))
        return out[:self.rows]

    def values(self, column):
        empty = (MASK64, 0) if column.is_wide else (0xFFFFFFFF, 0)
        headers = self.array(column.headers, "QQ" if column.is_wide else "II", self.blocks)
        widths = [0 if h == empty else (h[1] - h[0]).bit_length() for h in headers]
        drawn = self.drawn(column)
        out = []
        for block, residuals in enumerate(self.packed_blocks(column.directory, widths)):
            rows = range(block * 256, min(block * 256 + 256, self.rows))
            keys = [headers[block][0] + residuals[row % 256] for row in rows if drawn[row]]
            need((min(keys), max(keys)) == headers[block] if keys else headers[block] == empty,
                 "header")
            out += [column.value(headers[block][0] + residuals[row % 256]) if drawn[row] else None
                    for row in rows]
        self.check_tree(column, headers)
        self.check_runs(column, drawn)
        for row, is_drawn, bits in self.array(column.exceptions, "IIQ", column.exception_count):
            need(drawn[row] == bool(is_drawn), "exception")
            out[row] = ("exception", bits)
        return out

    def drawn(self, column):
        drawn = [True] * self.rows
        supers = self.array(column.gap_supers, "I", column.gap_super_count)
        bitmaps = self.array(column.bitmaps, "32I", column.gap_super_count)
        for (number,), words in zip(supers, bitmaps):
            for row in range(number * 1024, min(number * 1024 + 1024, self.rows)):
                drawn[row] = words[row % 1024 // 32] >> row % 32 & 1 == 1
        need(drawn.count(False) == column.gap_count, "gap count")
        return drawn

    def check_tree(self, column, level):
        offset, form = column.tree, "QQ" if column.is_wide else "II"
        for _ in range(column.levels - 1):
            parts = [level[i:i + 16] for i in range(0, len(level), 16)]
            upper = self.array(offset, form, len(parts))
            need(upper == [(min(p[0] for p in part), max(p[1] for p in part)) for part in parts],
                 "tree")
            offset = -(-(offset + len(upper) * struct.calcsize("<" + form)) // 64) * 64
            level = upper
        need(len(level) == 1, "levels")

    def check_runs(self, column, drawn):
        starts = [s for s, in self.array(column.run_starts, "I", column.run_start_count)]
        expected = [row for row in range(1, self.rows) if drawn[row] and not drawn[row - 1]]
        need([s for s in starts if s > 0] == expected, "run starts")


class File:
    def __init__(self, data):
        magic, version, page = struct.unpack_from("<III", data)
        need((magic, version, page) == (0x46484347, 1, 16384), "first page")
        commits = [struct.unpack_from("<IIQQQQ", data, at) for at in (4096, 8192, len(data) - 64)]
        _, _, generation, committed, footer, _ = max(
            (c for c in commits if c[0] == 0x43484347), key=lambda c: c[2])
        need(committed <= len(data), "truncated")
        head = struct.unpack_from("<IIQQQQIIII", data, footer)
        need(head[0] == 0x4D484347 and head[2] == generation, "footer")
        columns, self.rows, segments = head[1], head[3], head[6]
        text = footer + 96 + 32 * columns + 64 * segments
        self.names = []
        for c in range(columns):
            offset, count = struct.unpack_from("<II", data, footer + 96 + 32 * c + 16)
            self.names.append(data[text + offset:text + offset + count].decode())
        offset, count = struct.unpack_from("<II", data, footer + 80)
        self.preset, self.points = [], None
        for word in data[text + offset:text + offset + count].decode().split(" "):
            if word.startswith("points="):
                x, y, curve = word[len("points="):].split(",")
                self.points = (self.names[int(x)], self.names[int(y)], curve)
            else:
                self.preset.append(word)
        at = footer + 96 + 32 * columns
        self.segments = [Segment(data, data[at + 64 * s:at + 64 * s + 64]) for s in range(segments)]

    def times(self):
        return [t for segment in self.segments for t in segment.times()]

    def values(self, c):
        return [v for segment in self.segments for v in segment.values(segment.columns[c])]


def same(value, text):
    if value is None or text == "":
        return value is None and text == ""
    if isinstance(value, tuple):
        return text == "-0"  # the only exception among the test's data
    if isinstance(value, Single):
        return struct.pack("<f", value) == struct.pack("<f", float(text))
    return value == Fraction(text) if isinstance(value, Fraction) else value == float(text)


def compare(command, path, rows):
    file = File(path.read_bytes())
    text = subprocess.run([command, "export", str(path), "--integer-times", "-q"], check=True,
                          capture_output=True, text=True).stdout
    table = list(csv.reader(io.StringIO(text)))
    need(table[0][1:] == file.names and len(table) == rows + 1 == file.rows + 1, "shape")
    need(file.times() == [int(row[0]) for row in table[1:]], "times")
    for c in range(len(file.names)):
        for value, row in zip(file.values(c), table[1:]):
            need(same(value, row[c + 1]), f"{value} is not {row[c + 1]!r}")


def test(command):
    rows = 30000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.gch"
        for kind in ("walk", "sensor", "ticks", "sine", "ecg", "points"):
            subprocess.run([command, "gen", "--kind", kind, "--points", str(rows), "--seed", "3",
                            "-o", str(path), "-q"], check=True)
            compare(command, path, rows)
        file = File(path.read_bytes())
        need(file.points == ("x", "y", "morton") and file.preset == ["lossless"], "point set")
        for preset in ("fast", "tolerance=0.01"):
            for kind in ("ticks", "sine"):
                subprocess.run([command, "gen", "--kind", kind, "--points", str(rows), "--preset",
                                preset, "-o", str(path), "-q"], check=True)
                compare(command, path, rows)
            need(File(path.read_bytes()).preset == [preset], "preset")
        source = Path(folder) / "gaps.csv"
        for part in range(2):  # the second is appended
            lines = ["time,small,wide,scientific"]
            for i in range(part * 5000, part * 5000 + 5000):
                small = "" if i % 7 < 2 or 2000 < i < 3500 else "-0" if i % 999 == 5 else i % 50 / 4
                wide = (i * 0x9E3779B97F4A7C15 & MASK64) - (1 << 63) >> i % 30 + 5
                lines.append(f"{i * 37 + i * i % 11},{small},{wide},{1.7 ** (i % 900)}")
            source.write_text("\n".join(lines) + "\n")
            extra = ["--append"] if part else []
            subprocess.run([command, "ingest", str(source), "-o", str(path), "--time-unit", "ms",
                            "-q", *extra], check=True)
            compare(command, path, 5000 * (part + 1))
        columns = [column for segment in File(path.read_bytes()).segments
                   for column in segment.columns]
        need({(c.kind, c.is_wide) for c in columns} >= {(1, False), (1, True), (3, True)} and
             sum(c.exception_count for c in columns) > 0, "the test lacks a case")


def main():
    if sys.argv[1] == "--test":
        test(sys.argv[2])
        return
    file = File(Path(sys.argv[1]).read_bytes())
    columns = [file.values(c) for c in range(len(file.names))]
    for row, time in enumerate(file.times()):
        print(time, *("-" if c[row] is None else c[row] for c in columns), sep="\t")


if __name__ == "__main__":
    main()
