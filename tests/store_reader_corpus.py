#!/usr/bin/env python3
"""Writes the corpus of store_reader_fuzz.c: scripts that change one or a few fields of an image.

    tests/store_reader_corpus.py tests/corpus/store_reader

The scripts are deterministic; running it again gives the same files.
"""
import random
import struct
import sys
from pathlib import Path

STRANGE = [0, 1, 2, 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFC00, 1 << 32, 1 << 40,
           (1 << 63) - 1, (1 << 64) - 1, 16384, 16385]


def record(what: int, place: int, value: int) -> bytes:
    return struct.pack("<I", what | place << 8) + struct.pack("<Q", value)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(20240301)
    for image in range(4):
        (folder / f"image{image}_untouched").write_bytes(bytes([image]))
        cut = record(3, draw.randrange(1 << 16), 0)
        (folder / f"image{image}_cut").write_bytes(bytes([image]) + cut)
        for script in range(12):
            records = b""
            for _ in range(draw.choice([1, 1, 2, 5, 40])):
                what = draw.choice([0, 1, 1, 2, 2])
                # Descriptor and footer are the last lines: a negative number modulo their count.
                line = draw.choice([draw.randrange(16), draw.randrange(4096), 0])
                place = line * 64 + draw.randrange(16) * 4
                records += record(what, place, draw.choice(STRANGE))
            (folder / f"image{image}_script{script:02}").write_bytes(bytes([image]) + records)


if __name__ == "__main__":
    main()
