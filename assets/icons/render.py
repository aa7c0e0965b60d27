#!/usr/bin/env python3
"""Rasterises the icons of this folder into one atlas, white on transparent, to be tinted by the window.

    python3 render.py            # needs rsvg-convert (Debian: librsvg2-bin); writes atlas.png, atlas.toml, ../icon-256.png
    python3 render.py --check    # standard library only: do the atlas and its table fit the SVG files?

Invariants: every icon is a 16 x 16 SVG in white, stroke 1.5, round ends, nothing nearer to the edge than half a unit,
so that neighbours in the atlas never bleed into each other. Cells stand in the order of the file names.
"""

import argparse
import hashlib
import pathlib
import re
import struct
import subprocess
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ATLAS, TABLE = HERE / "atlas.png", HERE / "atlas.toml"
APP_ICON, APP_PNG, APP_PX = HERE.parent / "icon.svg", HERE.parent / "icon-256.png", 256
ICON_UNITS, SCALE, COLUMNS = 16, 2, 8
HEAD = re.compile(
    r'<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16" fill="none" '
    r'stroke="white" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">\n'
)


def icons():
    return sorted(HERE.glob("*.svg"))


def digest(paths):
    """One hash over the sources; line ends do not count, a checkout may convert them."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return total.hexdigest()


def atlas_svg(paths):
    """One drawing with every icon in its cell; mask ids are made unique by the icon's name."""
    rows = -(-len(paths) // COLUMNS)
    cells = []
    for i, path in enumerate(paths):
        body = path.read_text(encoding="utf-8")
        body = body.replace('id="', f'id="{path.stem}-').replace("url(#", f"url(#{path.stem}-")
        x, y = i % COLUMNS * ICON_UNITS, i // COLUMNS * ICON_UNITS
        cells.append(body.replace("<svg ", f'<svg x="{x}" y="{y}" ', 1))
    width, height = COLUMNS * ICON_UNITS, rows * ICON_UNITS
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{"".join(cells)}</svg>'


def rasterise(svg, width, to):
    subprocess.run(["rsvg-convert", "--width", str(width), "--output", str(to)], input=svg.encode(), check=True)


def render():
    paths = icons()
    rasterise(atlas_svg(paths), COLUMNS * ICON_UNITS * SCALE, ATLAS)
    rasterise(APP_ICON.read_text(encoding="utf-8"), APP_PX, APP_PNG)
    lines = [
        "# Where each icon stands in atlas.png: name = [column, row]. Written by render.py.",
        f"cell_px = {ICON_UNITS * SCALE}",
        f"scale = {SCALE} # pixels per point: draw a cell {ICON_UNITS} points wide",
        f"columns = {COLUMNS}",
        f"rows = {-(-len(paths) // COLUMNS)}",
        f'svg_sha256 = "{digest(paths)}"',
        f'app_svg_sha256 = "{digest([APP_ICON])}"',
        "",
        "[cells]",
    ]
    lines += [f"{p.stem} = [{i % COLUMNS}, {i // COLUMNS}]" for i, p in enumerate(paths)]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return check()


def png_size(path):
    head = path.read_bytes()[:24]
    return struct.unpack(">II", head[16:24]) if head[:8] == b"\x89PNG\r\n\x1a\n" else None


def check():
    paths, table = icons(), tomllib.loads(TABLE.read_text(encoding="utf-8"))
    cell = table["cell_px"]
    rules = {
        "atlas.toml names every SVG file and no other": sorted(table["cells"]) == [p.stem for p in paths],
        "atlas.png was made from these SVG files": table["svg_sha256"] == digest(paths),
        "icon-256.png was made from icon.svg": table["app_svg_sha256"] == digest([APP_ICON]),
        "atlas.png has the size that atlas.toml says": png_size(ATLAS) == (table["columns"] * cell, table["rows"] * cell),
        "icon-256.png is 256 pixels wide and high": png_size(APP_PNG) == (APP_PX, APP_PX),
        "no two icons share a cell": len({tuple(c) for c in table["cells"].values()}) == len(paths),
    }
    for path in paths:
        rules[f"{path.name} opens as every icon does"] = bool(HEAD.match(path.read_text(encoding="utf-8")))
    broken = [rule for rule, holds in rules.items() if not holds]
    for rule in broken:
        print(f"not so: {rule}", file=sys.stderr)
    if not broken:
        print(f"{len(paths)} icons agree")
    return 1 if broken else 0


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--check", action="store_true", help="compare, draw nothing")
    sys.exit(check() if arguments.parse_args().check else render())
