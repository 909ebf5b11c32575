"""JPEGs with the pixels that Pillow reads from them.

    pip install -r requirements.txt numpy
    python jpeg.py fixtures ../../crates/jpeg/tests/fixtures
    python jpeg.py sweep FOLDER COUNT [SEED]

`fixtures` writes the committed files and `index.json`: what Pillow makes of each. `sweep` writes
COUNT random files with Pillow's pixels beside them (`NAME.raw`), which
`cargo run --release -p burn-zoo-jpeg --example compare -- FOLDER` compares with ours.
"""

import hashlib
import io
import json
import os
import random
import sys

import numpy as np
from PIL import Image, ImageFilter

from jpeg_writer import Component, Picture, Scan, Table, segment, write

Image.MAX_IMAGE_PIXELS = None
ADOBE = lambda transform: segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([transform]))
JFIF = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")


def read(data):
    """What Pillow makes of a file: mode, size and pixels, or an error."""
    try:
        image = Image.open(io.BytesIO(data))
        if image.format not in ("JPEG", "MPO"):
            return {"error": "not a JPEG"}, b""
        image.load()
    except Exception as error:  # noqa: BLE001: whatever it is, it is what is compared
        return {"error": f"{type(error).__name__}: {error}"}, b""
    pixels = image.tobytes()
    digest = hashlib.sha256(pixels).hexdigest()
    return {"mode": image.mode, "size": image.size, "sha256": digest}, pixels


def content(rng, width, height, mode="RGB"):
    """A random picture: noise, blurred noise, a gradient, or flat areas with edges."""
    channels = {"L": 1, "RGB": 3, "CMYK": 4}[mode]
    kind = rng.choice(["noise", "blur", "gradient", "edges"])
    seed = np.random.default_rng(rng.getrandbits(32))
    pixels = seed.integers(0, 256, (height, width, channels), dtype=np.uint8)
    if kind == "gradient":
        y, x = np.mgrid[0:height, 0:width]
        factors = seed.normal(0, 4, (2, channels))
        pixels = (y[..., None] * factors[0] + x[..., None] * factors[1] + 128).clip(0, 255)
    elif kind == "edges":
        size = rng.randint(2, 9)
        pixels = pixels[::size, ::size].repeat(size, 0).repeat(size, 1)[:height, :width]
    pixels = pixels.astype(np.uint8)
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels, mode)
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 3))) if kind == "blur" else image


def side(rng):
    return rng.choice([rng.randint(1, 20), rng.randint(1, 80), rng.choice([8, 16, 24, 32, 64])])


def by_pillow(rng):
    mode = rng.choice(["L", "RGB", "RGB", "RGB", "RGB", "CMYK"])
    image = content(rng, side(rng), side(rng), mode)
    options = {"quality": rng.randint(1, 100), "subsampling": rng.choice([0, 1, 2])}
    if rng.random() < 0.3:
        options["progressive"] = True
    if rng.random() < 0.3:
        options["optimize"] = True
    if rng.random() < 0.2:
        options["restart_marker_blocks"] = rng.randint(1, 9)
    elif rng.random() < 0.1:
        options["restart_marker_rows"] = rng.randint(1, 3)
    if mode == "RGB" and rng.random() < 0.1:
        options["keep_rgb"] = True
        options["subsampling"] = 0
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


FACTORS = {
    "4:4:4": [(1, 1)] * 3,
    "4:2:2": [(2, 1), (1, 1), (1, 1)],
    "4:2:0": [(2, 2), (1, 1), (1, 1)],
    "4:4:0": [(1, 2), (1, 1), (1, 1)],
    "4:1:1": [(4, 1), (1, 1), (1, 1)],
    "4:1:0": [(4, 2), (1, 1), (1, 1)],
    "1x4": [(1, 4), (1, 1), (1, 1)],
    "3x1": [(3, 1), (1, 1), (1, 1)],
    "3x3": [(3, 3), (1, 1), (1, 1)],
    "mixed": [(2, 2), (2, 1), (1, 2)],
    "small": [(1, 1), (2, 1), (1, 2)],
    "2x4 and 2x2": [(2, 4), (1, 2), (1, 1)],
    "4x2 and 2x1": [(4, 2), (2, 1), (1, 1)],
    "2x2 thrice": [(2, 2)] * 3,
    "4x4": [(4, 4), (1, 1), (1, 1)],
}


def picture(rng, factors, width, height, scale, ids=(1, 2, 3, 4)):
    """Made-up coefficients; at scale 1 their pixels mostly lie within the range."""
    components = [
        Component(ids[i], h, v, quant=min(i, 1)) for i, (h, v) in enumerate(factors)
    ]
    result = Picture(width, height, components)
    density = rng.choice([0.0, 0.02, 0.1, 0.5])
    reach = rng.choice([5, 15, 63])
    for rows in result.blocks:
        dc = rng.uniform(-30, 30)
        for row in rows:
            for block in row:
                dc = max(-60, min(60, dc + rng.gauss(0, 8)))
                block[0] = int(dc * scale)
                for k in range(1, reach + 1):
                    if rng.random() < density:
                        block[k] = int(rng.gauss(0, 30 * scale / (k + 1)))
                block[0] = max(-1023, min(1023, block[0]))
                block[1:] = [max(-1023, min(1023, c)) for c in block[1:]]
    return result


def progression(rng, count):
    """Scans of a progressive file: all of the coefficients, in some order."""
    low = rng.randint(0, 3)
    members = list(range(count))
    dc = [members] if rng.random() < 0.7 else [[m] for m in members]
    scans = [Scan(m, 0, 0, 0, low, True) for m in dc]
    after = [Scan(m, 0, 0, l + 1, l, True) for l in reversed(range(low)) for m in dc]
    for member in members:
        low = rng.randint(0, 3)
        split = sorted(rng.sample(range(2, 64), rng.randint(0, 3))) + [64]
        first = 1
        for end in split:
            scans.append(Scan([member], first, end - 1, 0, low, True))
            first = end
        for l in reversed(range(low)):
            first = 1
            for end in split if rng.random() < 0.5 else [64]:
                after.append(Scan([member], first, end - 1, l + 1, l, True))
                first = end
    return scans + after


def by_writer(rng, name=None, scale=None):
    width, height = side(rng), side(rng)
    count = rng.choice([1, 3, 3, 3, 3, 4])
    factors = FACTORS[name or rng.choice(list(FACTORS))]
    if count == 1:
        factors = [rng.choice([(1, 1), (2, 2), (1, 2), (3, 1)])]
    elif count == 4:
        factors = factors + [rng.choice([factors[0], (1, 1)])]
    blocks = sum(h * v for h, v in factors)
    scale = scale or rng.choice([1, 1, 1, 0.3, 3, 30])
    extra = b"".join(rng.sample([ADOBE(rng.choice([0, 1, 2])), JFIF, b""], rng.randint(0, 3)))
    ids = rng.choice([(1, 2, 3, 4), (0, 1, 2, 3), tuple(b"RGBA"), (7, 7, 7, 7)])
    made = picture(rng, factors, width, height, scale, ids if ids[0] != 7 or count == 1 else (9, 5, 7, 3))
    step = rng.choice([1, 4, 16])
    quant = [
        [max(1, step + rng.randint(0, 3) * (k // 8)) for k in range(64)] for _ in range(2)
    ]
    if rng.random() < 0.1:
        quant[0][rng.randrange(64)] = rng.choice([256, 1000, 65535])
    members = list(range(count))
    kind = rng.choice(["one", "one", "apart", "progressive"])
    if blocks > 10 and len(members) > 1:
        kind = rng.choice(["apart", "progressive apart"])
    if kind == "one":
        scans = [Scan(members)]
    elif kind == "apart":
        scans = [Scan([m]) for m in members]
    else:
        scans = progression(rng, count)
        if kind == "progressive apart":
            scans = [
                s if len(s.members) == 1 else Scan([m], s.first, s.last, s.high, s.low, True)
                for s in scans
                for m in (s.members if len(s.members) > 1 else [0])
            ]
        if rng.random() < 0.4:
            scans = scans[: rng.randint(1, len(scans))]
    tables = None
    if rng.random() < 0.3:
        symbols = list(range(256))
        rng.shuffle(symbols)
        tables = [Table.flat(list(range(16)))] * 2, [Table.steep(symbols)] * 2
    restart = rng.choice([0, 0, 0, rng.randint(1, 12)])
    return write(made, scans, quant, restart, tables, extra)


def damage(rng, data):
    """A file with a few bytes changed, lost or added, or cut off."""
    start = data.rfind(b"\xff\xda") if rng.random() < 0.8 else 2
    kind = rng.choice(["flip", "flip", "drop", "add", "cut", "cut with an end", "marker", "no end"])
    data = bytearray(data)
    at = rng.randrange(min(start + 12, len(data) - 1), len(data))
    if kind == "flip":
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(min(start + 12, len(data) - 1), len(data))] = rng.randrange(256)
    elif kind == "drop":
        del data[at : at + rng.randint(1, 8)]
    elif kind == "add":
        data[at:at] = rng.randbytes(rng.randint(1, 8))
    elif kind == "cut":
        del data[at:]
    elif kind == "cut with an end":
        data[at:] = b"\xff\xd9"
    elif kind == "marker":
        data[at:at] = bytes([0xFF, rng.choice([*range(0xD0, 0xDA), 0x01, 0xFE, 0xFF])])
    elif data[-2:] == b"\xff\xd9":
        del data[-2:]
    return bytes(data)


def sweep(folder, count, seed):
    os.makedirs(folder, exist_ok=True)
    rng = random.Random(seed)
    index = {}
    for number in range(count):
        kind = rng.choice(["pillow", "pillow", "writer", "writer", "damaged"])
        data = by_pillow(rng) if kind == "pillow" else by_writer(rng)
        if kind == "damaged":
            data = damage(rng, by_pillow(rng) if rng.random() < 0.5 else data)
        name = f"{number:06}-{kind}.jpg"
        result, pixels = read(data)
        index[name] = result
        for ending, body in ((".jpg", data), (".raw", pixels)):
            with open(os.path.join(folder, name[:-4] + ending), "wb") as file:
                file.write(body)
    with open(os.path.join(folder, "index.json"), "w") as file:
        json.dump(index, file, indent=0)
    refused = sum("error" in entry for entry in index.values())
    print(f"{count} files, of which Pillow refuses {refused}")


if __name__ == "__main__":
    if sys.argv[1] == "sweep":
        seed = int(sys.argv[4]) if len(sys.argv) > 4 else 0
        sweep(sys.argv[2], int(sys.argv[3]), seed)
