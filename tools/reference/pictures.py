"""Writes crates/core/tests/fixtures/pictures.json and resizes.json: small files, and what Pillow and torchvision make
of them.

    pip install torch torchvision pillow && python pictures.py

Files and pixels are in hexadecimal, pixels row by row, those of `convert("RGB")` and of `convert("L")`.
"""

import hashlib
import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image
from torchvision.transforms import InterpolationMode as I
from torchvision.transforms import functional as F

OUT = Path(__file__).parent / "../../crates/core/tests/fixtures"
WIDTH, HEIGHT = 13, 7
RANDOM = np.random.default_rng(17)


def noise(count):
    return RANDOM.integers(0, 256, count, dtype="uint8").tobytes()


def picture(height, width, channels=3):
    """Smooth in one direction, rough in the other."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [(x * 7 + y * 3) % 256, (x * 2 + y * 11) % 256, (x * 5 + y * 5) % 256, (x * 3 + y * 9) % 256]
    return Image.fromarray(np.stack(planes[:channels], -1).astype("uint8"))


def saved(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def png(color, bits, row_bytes, extra=b""):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + noise(row_bytes) for _ in range(HEIGHT))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 16, HEIGHT, bits, color, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def transparent(*shade):
    data = struct.pack(f">{len(shade)}H", *shade)
    return struct.pack(">I", len(data)) + b"tRNS" + data + struct.pack(">I", zlib.crc32(b"tRNS" + data))


def bmp(bits, compression, data, masks=b""):
    start = 54 + len(masks)
    header = struct.pack("<IiiHHIIiiII", 40, 9, 7, 1, bits, compression, len(data), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + header + masks + data


def tga(kind, depth, data):
    return struct.pack("<BBBHHBHHHHBB", 0, 0, kind, 0, 0, 0, 0, 0, 9, 7, depth, 0) + data


def gif(screen, place, transparent=None, local=False):
    """A picture of 10 x 8 pixels and four colors on a screen."""
    image = Image.new("P", (10, 8))
    colors = bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    image.putpalette(colors)
    image.putdata([index * 7 % 4 for index in range(80)])
    whole = saved(image, "GIF")
    start = whole.index(b",", 13)
    table = 3 << ((whole[start + 9] & 7) + 1) if whole[start + 9] & 0x80 else 0
    data = whole[start + 10 + table:]
    out = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x81, 2, 0) + colors
    if transparent is not None:
        out += b"\x21\xf9\x04" + bytes([1, 0, 0, transparent, 0])
    out += b"," + struct.pack("<HHHHB", *place, 10, 8, 0x81 if local else 0)
    return out + (bytes(range(10, 130, 10)) if local else b"") + data


def tiff(tags, strips, order="<"):
    tags = {256: WIDTH, 257: HEIGHT, 259: 1, 277: 1, 278: HEIGHT, **tags}
    offsets, data, position = [], b"", 8
    for strip in strips:
        offsets.append(position)
        data, position = data + strip, position + len(strip)
    data, position = data + b"\0" * (position % 2), position + position % 2
    tags |= {273: offsets, 279: [len(strip) for strip in strips]}
    entries, extra, base = b"", b"", position + 2 + 12 * len(tags) + 4
    for tag, value in sorted(tags.items()):
        values = value if isinstance(value, list) else [value]
        kind, letter = (4, "I") if tag in (273, 279) else (3, "H")
        packed = struct.pack(f"{order}{len(values)}{letter}", *values)
        if len(packed) > 4:
            packed, extra = struct.pack(f"{order}I", base + len(extra)), extra + packed
        entries += struct.pack(f"{order}HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, position)
    return head + data + struct.pack(f"{order}H", len(tags)) + entries + b"\0" * 4 + extra


def tiffs():
    pixels = WIDTH * HEIGHT
    for order, name in (("<", "little"), (">", "big")):
        for photometric in (0, 1):
            for bits in (1, 2, 4, 8):
                data = noise((WIDTH * bits + 7) // 8 * HEIGHT)
                yield f"gray{bits}_{photometric}_{name}", tiff({258: bits, 262: photometric}, [data], order)
        for bits in (1, 2, 4, 8):
            colors = [int(value) for value in RANDOM.integers(0, 65536, 3 << bits)]
            data = noise((WIDTH * bits + 7) // 8 * HEIGHT)
            yield f"palette{bits}_{name}", tiff({258: bits, 262: 3, 320: colors}, [data], order)
        words = struct.pack(f"{order}{pixels}H", *[value * 3 for value in range(pixels)])
        yield f"gray16_{name}", tiff({258: 16, 262: 1}, [words], order)
        signed = struct.pack(f"{order}{pixels}i", *[value * 5 - 60 for value in range(pixels)])
        yield f"signed32_{name}", tiff({258: 32, 262: 1, 339: 2}, [signed], order)
        floats = struct.pack(f"{order}{pixels}f", *[value * 3.3 - 20 for value in range(pixels)])
        yield f"float32_{name}", tiff({258: 32, 262: 1, 339: 3}, [floats], order)
        yield f"rgb16_{name}", tiff({258: [16] * 3, 262: 2, 277: 3}, [noise(pixels * 6)], order)
        for beside in (0, 1, 2):
            tags = {258: [8] * 4, 262: 2, 277: 4, 338: beside}
            yield f"rgba8_{beside}_{name}", tiff(tags, [noise(pixels * 4)], order)
        yield f"rgba16_1_{name}", tiff({258: [16] * 4, 262: 2, 277: 4, 338: 1}, [noise(pixels * 8)], order)
        yield f"cmyk8_{name}", tiff({258: [8] * 4, 262: 5, 277: 4}, [noise(pixels * 4)], order)
        yield f"cmyk16_{name}", tiff({258: [16] * 4, 262: 5, 277: 4}, [noise(pixels * 8)], order)
        yield f"ycbcr_{name}", tiff({258: [8] * 3, 262: 6, 277: 3, 530: [1, 1]}, [noise(pixels * 3)], order)
        planes = [noise(pixels) for _ in range(3)]
        yield f"planes_{name}", tiff({258: [8] * 3, 262: 2, 277: 3, 284: 2}, planes, order)
    small = picture(HEIGHT, WIDTH)
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
        yield compression, saved(small, "TIFF", compression=compression)
        yield f"ycbcr_{compression}", saved(small.convert("YCbCr"), "TIFF", compression=compression)
    yield "group4", saved(small.convert("1"), "TIFF", compression="group4")
    yield "bigtiff_palette", saved(small.convert("P", palette=Image.Palette.ADAPTIVE, colors=9), "TIFF", big_tiff=True)
    for turn in range(2, 9):
        yield f"turned{turn}", saved(small, "TIFF", tiffinfo={274: turn})
    yield "pages", saved(small, "TIFF", save_all=True, append_images=[small.rotate(180)])


def others():
    small, alpha = picture(HEIGHT, WIDTH), picture(HEIGHT, WIDTH, 4)
    for bits in (1, 2, 4):
        yield f"gray{bits}.png", png(0, bits, 16 * bits // 8)
    yield "gray16.png", png(0, 16, 32)
    yield "gray16_transparent.png", png(0, 16, 32, transparent(1000))
    yield "gray_alpha16.png", png(4, 16, 64)
    yield "rgb16_transparent.png", png(2, 16, 96, transparent(1, 2, 3))
    yield "palette4.png", saved(small.quantize(9), "PNG", transparency=1)
    words = b"".join(noise(18) + b"\0\0" for _ in range(7))
    yield "bits555.bmp", bmp(16, 0, words)
    yield "bits565.bmp", bmp(16, 3, words, struct.pack("<III", 0xF800, 0x7E0, 0x1F))
    yield "bits32.bmp", bmp(32, 0, noise(252))
    yield "one.bmp", saved(small.convert("1"), "BMP")
    for bits in (16, 24, 32):
        yield f"bits{bits}.tga", tga(2, bits, noise(63 * bits // 8))
    yield "gray.tga", tga(3, 8, noise(63))
    yield "packed.tga", saved(alpha, "TGA", compression="tga_rle")
    yield "whole.gif", gif((10, 8), (0, 0))
    yield "aside.gif", gif((14, 10), (1, 2))
    yield "aside_transparent.gif", gif((14, 10), (1, 2), 1)
    yield "aside_local.gif", gif((14, 10), (1, 2), None, True)
    yield "beyond.gif", gif((8, 6), (0, 0))
    frames = {"save_all": True, "append_images": [small.rotate(180)]}
    yield "frames.png", saved(small, "PNG", **frames)
    yield "frames.webp", saved(small, "WEBP", lossless=True, **frames)
    yield "lossy.webp", saved(alpha, "WEBP", quality=70)
    for size in ((13, 7), (16, 8)):
        for sampling in ("4:2:0", "4:2:2", "4:4:4"):
            name = f"{size[0]}_{sampling.replace(':', '')}"
            yield f"{name}.avif", saved(picture(size[1], size[0]), "AVIF", subsampling=sampling)
    yield "limited.avif", saved(small, "AVIF", range="limited")
    yield "bt709.avif", saved(small, "AVIF").replace(b"nclx\0\1\0\x0d\0\6", b"nclx\0\1\0\x0d\0\1")
    yield "gray.avif", saved(small.convert("L"), "AVIF", subsampling="4:0:0")
    yield "alpha.avif", saved(alpha, "AVIF")
    large = alpha.resize((32, 32))
    yield "sizes.ico", saved(large, "ICO", sizes=[(16, 16), (32, 32)])
    yield "bitmap.ico", saved(large, "ICO", sizes=[(16, 16)], bitmap_format="bmp")
    for maximum in (1, 100, 255, 1000, 65535):
        form = ">u2" if maximum > 255 else "u1"
        values = RANDOM.integers(0, maximum + 1, 273)
        binary = values.astype(form).tobytes()
        head = b"%d %d # a comment\n%d\n" % (WIDTH, HEIGHT, maximum)
        text = b" ".join(b"%d" % value for value in values)
        yield f"binary{maximum}.ppm", b"P6\n" + head + binary
        yield f"text{maximum}.ppm", b"P3\n" + head + text
        yield f"binary{maximum}.pgm", b"P5\n" + head + binary[:91 * (1 + (maximum > 255))]
        yield f"text{maximum}.pgm", b"P2\n" + head + b" ".join(text.split()[:91])
    yield "bits.pbm", b"P4\n13 7\n" + noise(14)


def rows():
    files = [(f"{name}.tif", data) for name, data in tiffs()] + list(others())
    for name, data in files:
        pixels = {}
        for mode in ("RGB", "L"):
            image = Image.open(io.BytesIO(data)).convert(mode)
            pixels[mode] = image.tobytes().hex()
        yield {"name": name, "file": data.hex(), "width": image.width, "height": image.height, **pixels}


FILTERS = {
    "nearest": (Image.NEAREST, I.NEAREST),
    "bilinear": (Image.BILINEAR, I.BILINEAR),
    "bicubic": (Image.BICUBIC, I.BICUBIC),
    "lanczos": (Image.LANCZOS, None),
    "area": (Image.BOX, None),
}


def resizes():
    """Hashes of the crops, which are too many for their pixels; pixels where PyTorch's kernels differ among each other
    in how they round what lies between two values."""
    for height, width in ((31, 45), (60, 22), (40, 40), (9, 5)):
        image = Image.fromarray(RANDOM.integers(0, 256, (height, width, 3), dtype="uint8"))
        crops = []
        for resize in ("24x24", "16x70", "12x11", "longest:24", "longest:50", 20, 64):
            if isinstance(resize, int):
                size, crop = [resize * side // min(height, width) for side in (height, width)], [20, 24]
            elif resize.startswith("longest"):
                # What transforms.v2.Resize(None, max_size=longest) makes, but for a side of no pixel.
                longest = int(resize.split(":")[1])
                size = [max(1, int(longest * side / max(height, width))) for side in (height, width)]
                crop = [longest, longest]
            else:
                size = crop = [int(side) for side in resize.split("x")]
            for name, (pillow, torchs) in FILTERS.items():
                for antialias in ("on", "off"):
                    if antialias == "on":
                        resized = image.resize(size[::-1], pillow)
                    elif torchs is None:
                        continue
                    else:
                        tensor = torch.from_numpy(np.array(image)).permute(2, 0, 1)
                        resized = F.to_pil_image(F.resize(tensor, size, torchs, antialias=False))
                    # Ten crops of a padded image are those of the image with its padding.
                    wide = F.center_crop(resized, [max(a, b) for a, b in zip(crop, size)])
                    ten = b"".join(part.tobytes() for part in F.ten_crop(wide, crop))
                    one = F.center_crop(resized, crop).tobytes()
                    settings = {"resize": resize, "crop": crop, "interpolation": name, "antialias": antialias}
                    if antialias == "on" or name == "nearest":
                        hashes = [hashlib.sha256(data).hexdigest()[:16] for data in (one, ten)]
                        crops.append({"settings": settings, "one": hashes[0], "ten": hashes[1]})
                    elif height in (31, 60) and resize in ("24x24", "longest:50", 20):
                        crops.append({"settings": settings, "pixels": one.hex()})
        yield {"height": height, "width": width, "pixels": image.tobytes().hex(), "crops": crops}


def main():
    versions = {"pillow": PIL.__version__, "torch": torch.__version__, "torchvision": torchvision.__version__}
    for name, table in (("pictures", list(rows())), ("resizes", list(resizes()))):
        lines = ",\n".join(json.dumps(row) for row in table)
        text = f'{{"versions": {json.dumps(versions)},\n"rows": [\n{lines}\n]}}\n'
        (OUT / f"{name}.json").write_text(text)
        print(name, len(table), len(text))


if __name__ == "__main__":
    main()
