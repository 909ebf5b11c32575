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
        # Without the address of the stream, which is another in every run.
        return {"error": f"{type(error).__name__}: {error}".split(" <_io")[0]}, b""
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
    return write(made, scans, quant, restart, tables, extra, rng.random() < 0.15)


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


def saved(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def made(rng, name, width, height, scans=None, scale=1, extra=JFIF, ids=(1, 2, 3, 4), **options):
    """A file of the writer with the sampling factors of that name."""
    factors = FACTORS[name] if isinstance(name, str) else name
    body = picture(rng, factors, width, height, scale, ids)
    quant = [[4 + k // 8 for k in range(64)] for _ in range(2)]
    members = list(range(len(factors)))
    return write(body, scans or [Scan(members)], options.pop("quant", quant), extra=extra, **options)


def fixtures():
    """Small files of every kind, by name."""
    rng = random.Random(17)
    smooth = lambda w, h, mode="RGB": content(random.Random(w * 100 + h), w, h, mode)
    files = {}
    for name in FACTORS:
        whole = sum(h * v for h, v in FACTORS[name]) <= 10
        scans = None if whole else [Scan([m]) for m in range(3)]
        files[f"factors {name}"] = made(rng, name, 45, 37, scans)
        if whole:
            files[f"factors {name}, progressive"] = made(rng, name, 37, 29, progression(rng, 3))
    for quality in (1, 25, 50, 75, 90, 95, 100):
        for sampling, label in ((0, "444"), (1, "422"), (2, "420")):
            image = smooth(17 + quality % 9, 33 - quality % 7)
            files[f"quality {quality}, {label}"] = saved(image, quality=quality, subsampling=sampling)
    for size in ((1, 1), (1, 40), (40, 1), (2, 2), (3, 3), (5, 4), (8, 8), (16, 16), (17, 1), (1, 17)):
        files[f"size {size[0]}x{size[1]}"] = saved(smooth(*size), quality=90)
    for mode in ("L", "CMYK"):
        files[f"mode {mode}"] = saved(smooth(31, 22, mode))
        files[f"mode {mode}, progressive"] = saved(smooth(31, 22, mode), progressive=True)
    four = [(1, 1)] * 4
    cmyk = [(2, 2), (1, 1), (1, 1), (2, 2)]
    files["ycck"] = made(rng, cmyk, 27, 35, extra=ADOBE(2))
    files["cmyk without adobe"] = made(rng, four, 20, 11, extra=b"")
    files["adobe transform 1 of four components"] = made(rng, four, 20, 11, extra=ADOBE(1))
    files["rgb by adobe"] = made(rng, "4:4:4", 20, 11, extra=ADOBE(0))
    files["rgb by names"] = made(rng, "4:4:4", 20, 11, extra=b"", ids=tuple(b"RGB"))
    files["names nobody knows"] = made(rng, "4:2:0", 20, 11, extra=b"", ids=(9, 5, 7))
    files["jfif before adobe"] = made(rng, "4:4:4", 20, 11, extra=JFIF + ADOBE(0))
    files["gray of factors 2x2"] = made(rng, [(2, 2)], 21, 27)
    files["rgb saved"] = saved(smooth(19, 19), keep_rgb=True, subsampling=0)
    photo = saved(smooth(50, 41), quality=85)
    files["restarts by block"] = saved(smooth(50, 41), restart_marker_blocks=3)
    files["restarts by row"] = saved(smooth(50, 41), restart_marker_rows=1, progressive=True)
    restarts = files["restarts by block"]
    files["a lost restart"] = restarts.replace(b"\xff\xd2", b"", 1)
    files["a wrong restart"] = restarts.replace(b"\xff\xd1", b"\xff\xd5", 1)
    files["a late restart"] = restarts.replace(b"\xff\xd1", b"\xff\xd3", 1)
    files["table of 16 bits"] = made(
        rng, "4:2:0", 25, 18, quant=[[4] + [300] * 63, [4] * 64], scale=0.3
    )
    files["values out of range"] = made(rng, "4:2:0", 40, 40, scale=30)
    files["values far out of range"] = made(rng, "4:4:4", 40, 40, quant=[[900] * 64] * 2, scale=20)
    symbols = list(range(256))
    rng.shuffle(symbols)
    files["long codes"] = made(
        rng, "4:2:0", 40, 40, tables=([Table.flat(list(range(16)))] * 2, [Table.steep(symbols)] * 2)
    )
    for name in ("4:4:4", "4:2:0"):
        files[f"arithmetic {name}"] = made(rng, name, 37, 29, arithmetic=True)
        files[f"arithmetic {name}, restarts"] = made(rng, name, 37, 29, arithmetic=True, restart=2)
        scans = progression(rng, 3)
        files[f"arithmetic {name}, progressive"] = made(rng, name, 37, 29, scans, arithmetic=True)
        files[f"huffman {name}, the same scans"] = made(rng, name, 37, 29, scans)
    files["scans apart"] = made(rng, "4:2:0", 37, 45, [Scan([2]), Scan([0]), Scan([1])])
    files["a component without a scan"] = made(rng, "4:2:0", 37, 45, [Scan([0]), Scan([1])])
    progressive = saved(smooth(60, 52), progressive=True, quality=80)
    scans = [i for i in range(len(progressive)) if progressive[i : i + 2] == b"\xff\xda"]
    for count, at in enumerate(scans[1:], 1):
        if count in (1, 2, 4, 6, 8):
            files[f"progressive, {count} scans"] = progressive[:at] + b"\xff\xd9"
            middle = (scans[count - 1] + at) // 2
            files[f"progressive, within scan {count}"] = progressive[:middle] + b"\xff\xd9"
    tables = saved(smooth(30, 30), streamtype=1)
    files["tables first"] = tables + saved(smooth(30, 30), streamtype=2)
    files["no tables"] = photo[:2] + b"".join(
        part for part in segments(photo) if part[1] != 0xC4
    )
    files["comment, exif and thumbnail"] = (
        photo[:2]
        + segment(0xE1, b"Exif\0\0ZZ is no order of bytes")
        + segment(0xE1, b"Exif\0\0" + photo[:400])
        + segment(0xFE, b"a comment")
        + photo[2:]
    )
    sides = io.BytesIO()
    smooth(24, 16).save(sides, "MPO", save_all=True, append_images=[smooth(16, 24)])
    files["mpo"] = sides.getvalue()
    files["dnl"] = photo[:-2] + segment(0xDC, b"\0\x29") + photo[-2:]
    files["fill bytes"] = photo[:2] + b"\xff\xff\xff" + photo[2:]
    files["bytes between segments"] = photo[:2] + segment(0xFE, b"x") + b"junk" + photo[2:]
    files["data behind the end"] = photo + b"garbage" * 50
    files["no end"] = photo[:-2]
    # Without its end, a file is read or not, by chance: some of each.
    for reads in (True, False):
        ends = (saved(smooth(n, n, "L"), quality=80)[:-2] for n in range(20, 200))
        some = [data for data in ends if ("error" not in read(data)[0]) == reads][:4]
        for number, data in enumerate(some):
            files[f"no end, {'read' if reads else 'refused'} {number}"] = data
    files["no end, progressive"] = progressive[:-2]
    files["cut off"] = photo[: len(photo) * 9 // 10]
    files["cut off with an end"] = photo[: len(photo) * 9 // 10] + b"\xff\xd9"
    files["cut off in the header"] = photo[:200]
    body = photo.index(b"\xff\xda") + 30
    for number in range(8):
        spoiled = bytearray(photo)
        spoiled[rng.randrange(body, len(photo) - 4)] ^= 1 << number
        files[f"damaged {number}"] = bytes(spoiled)
    files["height of zero"] = bytes(photo).replace(b"\x00\x29\x00\x32", b"\0\0\0\x32", 1)
    at = photo.index(b"\xff\xc0")
    files["twelve bits"] = photo[: at + 4] + b"\x0c" + photo[at + 5 :]
    files["lossless"] = photo[: at + 1] + b"\xc3" + photo[at + 2 :]
    files["hierarchical"] = photo[: at + 1] + b"\xc5" + photo[at + 2 :]
    files["two components"] = made(rng, [(1, 1), (1, 1)], 9, 9)
    files["fractional factors"] = made(rng, [(3, 1), (2, 1), (1, 1)], 40, 9)
    files["garbage first"] = b"x" + photo
    files["two frame headers"] = photo[:at] + photo[at : at + 19] + photo[at:]
    files["no start"] = photo[2:]
    return files


def segments(data):
    """The segments before the first scan, and all that follows as the last."""
    at = 2
    while data[at + 1] != 0xDA:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        yield data[at : at + 2 + length]
        at += 2 + length
    yield data[at:]


def write_fixtures(folder):
    index = {}
    for number, (name, data) in enumerate(fixtures().items()):
        file = f"{number:03}.jpg"
        index[file] = {"what": name, **read(data)[0]}
        with open(os.path.join(folder, file), "wb") as out:
            out.write(data)
    with open(os.path.join(folder, "index.json"), "w") as out:
        json.dump(index, out, indent=1)
        out.write("\n")
    refused = [entry["what"] for entry in index.values() if "error" in entry]
    print(f"{len(index)} files; Pillow refuses: {', '.join(refused)}")


if __name__ == "__main__":
    if sys.argv[1] == "fixtures":
        write_fixtures(sys.argv[2])
    elif sys.argv[1] == "sweep":
        seed = int(sys.argv[4]) if len(sys.argv) > 4 else 0
        sweep(sys.argv[2], int(sys.argv[3]), seed)
