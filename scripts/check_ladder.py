#!/usr/bin/env python3
"""Checks that no #include under src/ and include/ goes up the dependency ladder.

    base < codec < store < ingest, data;   data < query;   query < scene < raster < render;   base < gpu < render;
    query < net (its types: finished columns);   query < serve;   render, ingest, net < web;   view < cli on top

A room may include its own headers, those of rooms below it, and public headers of rooms at or
below it. Public headers stand on the ladder too. The command and the window include public headers and their
own only, and the command the window's. Tests and fuzz targets (*_test.c, *_fuzz.c) may reach up: they are programs of their own, and
often need a writer or a generator to make their input.

    check_ladder.py [ROOT]      checks the tree; exit code 1 and "file:line: ..." for each arrow up
    check_ladder.py --self-test plants violations in a small tree and sees each of them
"""

import re
import sys
import tempfile
from pathlib import Path

# room: the rooms right below it
LADDER = {
    "base": [],
    "codec": ["base"],
    "store": ["codec"],
    "data": ["store"],
    "ingest": ["store"],
    "query": ["data"],
    "net": ["query"],
    "scene": ["query"],
    "raster": ["scene"],
    "gpu": ["base"],
    "render": ["raster", "gpu"],
    "serve": ["query"],
    "web": ["render", "ingest", "net"],
}
# program: the programs whose headers it may include
PROGRAMS = {"view": set(), "cli": {"view"}}

# public header: the room that implements it
PUBLIC = {
    "allocator": "base",
    "decimal": "base",
    "progress": "base",
    "status": "base",
    "time": "base",
    "value": "base",
    "version": "base",
    "workers": "base",
    "file": "store",
    "writer": "store",
    "data": "data",
    "live": "data",
    "http": "net",
    "websocket": "net",
    "follow": "net",
    "publish": "net",
    "columns": "net",
    "remote": "net",
    "arrow": "ingest",
    "ingest": "ingest",
    "plane": "query",
    "query": "query",
    "image": "scene",
    "overlay": "raster",
    "chart": "scene",
    "encoder": "render",
    "serve": "serve",
}
UMBRELLA = "gch"  # includes every public header; for users and programs, not for rooms

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<(gch/[^>]+)>)')


def at_or_below(room):
    found = {room}
    for lower in LADDER[room]:
        found |= at_or_below(lower)
    return found


def includes(path):
    in_comment = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not in_comment:
            match = INCLUDE.match(line)
            if match:
                yield number, match.group(1) or match.group(2)
        # Example code in a comment is no arrow.
        for opening, closing in re.findall(r"(/\*)|(\*/)", line):
            in_comment = bool(opening) if opening or closing else in_comment


def is_own_program(path):
    return path.name.endswith(("_test.c", "_fuzz.c"))


def check_arrow(room, target, owners):
    """What is wrong with `room` including `target`, or None."""
    name = target.rsplit("/", 1)[-1]
    if target.startswith("gch/"):
        stem = name.removesuffix(".h")
        if stem == UMBRELLA:
            return None if room in PROGRAMS else "gch/gch.h is for users of the library"
        if stem not in PUBLIC:
            return f"{target} has no place on the ladder (scripts/check_ladder.py)"
        owner = PUBLIC[stem]
        if room in PROGRAMS:
            return None
    else:
        owner = owners.get(name)
        if owner is None:
            return None  # not of this tree: a third party's or a generated header
        if room in PROGRAMS:
            if owner == room or owner in PROGRAMS[room]:
                return None
            return f"{room} may include only gch/*.h and its own headers"
    if owner in PROGRAMS or owner not in at_or_below(room):
        return f"{target} belongs to {owner}, which is not below {room}"
    return None


def check_tree(root):
    """The faults of a tree, as text, in the order of the files."""
    faults = []
    owners = {}
    sources = sorted(p for p in (root / "src").rglob("*") if p.suffix in (".c", ".h", ".inc"))
    if not sources:
        faults.append(f"{root}: holds no sources")
    for path in sources:
        room = path.relative_to(root / "src").parts[0]
        if path.name in owners and owners[path.name] != room:
            faults.append(f"{path.relative_to(root)}:1: the name is also one of {owners[path.name]}")
        owners[path.name] = room
    for path in sources:
        room = path.relative_to(root / "src").parts[0]
        shown = path.relative_to(root)
        if room not in LADDER and room not in PROGRAMS:
            faults.append(f"{shown}:1: {room} has no place on the ladder (scripts/check_ladder.py)")
            continue
        if is_own_program(path):
            continue
        for number, target in includes(path):
            fault = check_arrow(room, target, owners)
            if fault:
                faults.append(f"{shown}:{number}: {fault}")
    for path in sorted((root / "include" / "gch").glob("*.h")):
        shown = path.relative_to(root)
        if path.stem == UMBRELLA:
            continue
        if path.stem not in PUBLIC:
            faults.append(f"{shown}:1: has no place on the ladder (scripts/check_ladder.py)")
            continue
        for number, target in includes(path):
            fault = check_arrow(PUBLIC[path.stem], target, owners)
            if not target.startswith("gch/"):
                fault = f"a public header includes {target}, which users do not have"
            if fault:
                faults.append(f"{shown}:{number}: {fault}")
    return faults


SOUND = {
    "include/gch/status.h": "",
    "include/gch/file.h": '#include "gch/status.h"\n',
    "include/gch/query.h": '#include "gch/file.h"\n',
    "include/gch/gch.h": '#include "gch/query.h"\n',
    "src/base/base.h": '#include "gch/status.h"\n#include <stddef.h>\n',
    "src/codec/codec.h": '/*\n#include "query.h"\n*/\n#include "base.h"\n#include "font_data.h"\n',
    "src/store/store.c": '#include "codec.h"\n#include "gch/file.h"\n',
    "src/query/query.h": '#include "base.h"\n#include "gch/query.h"\n',
    "src/query/query_test.c": '#include "cli.h"\n',
    "src/view/view.h": '#include "gch/gch.h"\n',
    "src/cli/cli.h": '#include "gch/gch.h"\n#include "view.h"\n#include <cjson/cJSON.h>\n',
    "src/cli/cli_main.c": '#include "cli.h"\n#include "gch/query.h"\n',
}

# what is planted, and the fault it must give
PLANTED = [
    ("src/base/base.c", '\n#include "codec.h"\n', "src/base/base.c:2: codec.h belongs to codec"),
    ("src/codec/codec.c", '#include "gch/file.h"\n', "src/codec/codec.c:1: gch/file.h belongs to"),
    ("src/store/store_x.c", '#include "../query/query.h"\n', "src/store/store_x.c:1:"),
    ("src/ingest/ingest.c", '#include "query.h"\n', "src/ingest/ingest.c:1:"),
    ("src/query/query.c", "#  include <gch/gch.h>\n", "src/query/query.c:1: gch/gch.h is for users"),
    ("src/cli/cli_x.c", '#include "cli.h"\n#include "base.h"\n', "src/cli/cli_x.c:2: cli may"),
    ("src/view/view_x.c", '#include "view.h"\n#include "cli.h"\n', "src/view/view_x.c:2: view may"),
    ("src/render/render.c", '#include "cli.h"\n', "src/render/render.c:1: cli.h belongs to cli"),
    ("src/attic/attic.c", "", "src/attic/attic.c:1: attic has no place"),
    ("src/codec/base.h", "", "base.h:1: the name is also one of"),
    ("include/gch/status.h", '#include "gch/file.h"\n', "include/gch/status.h:1:"),
    ("include/gch/file.h", '#include "base.h"\n', "include/gch/file.h:1: a public header includes"),
    ("include/gch/new.h", "", "include/gch/new.h:1: has no place"),
]


def write_tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def self_test():
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        write_tree(Path(folder), SOUND)
        faults = check_tree(Path(folder))
        if faults:
            print("a sound tree is refused:", *faults, sep="\n  ")
            failures += 1
    with tempfile.TemporaryDirectory() as folder:
        if not check_tree(Path(folder)):
            print("an empty tree is accepted")
            failures += 1
    for name, text, expected in PLANTED:
        with tempfile.TemporaryDirectory() as folder:
            write_tree(Path(folder), {**SOUND, name: text})
            faults = check_tree(Path(folder))
            if not any(expected in fault for fault in faults):
                print(f"planted in {name}, not seen: {expected}", *faults, sep="\n  ")
                failures += 1
    print(f"check_ladder: {len(PLANTED) + 2} cases, {failures} failed")
    return 1 if failures else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    faults = check_tree(root)
    print(*faults, sep="\n", end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
