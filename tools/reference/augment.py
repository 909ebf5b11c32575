"""Writes crates/train/tests/fixtures/augment.json: what torchvision and Pillow make of small images.

    pip install torch torchvision pillow && python augment.py

Images are bytes in hexadecimal, row by row, pixel by pixel. Operations are torchvision's
functional ones on Pillow images; boxes are those of its transforms for given draws.
"""

import json
import math
from pathlib import Path
from unittest import mock

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image
from torchvision import transforms as T
from torchvision.transforms import autoaugment
from torchvision.transforms import functional as F
from torchvision.transforms import InterpolationMode as I
from torchvision.transforms import v2

OUT = Path(__file__).parent / "../../crates/train/tests/fixtures/augment.json"
HEIGHT, WIDTH = 11, 14


def picture(channels):
    """Smooth in one direction, rough in the other, with saturated and grey pixels."""
    y, x, c = np.mgrid[:HEIGHT, :WIDTH, :channels]
    values = (x * 17 + y * y * 5 + c * (x * 29 + 40) + (x * y) % 7 * 23) % 256
    values[0, :3] = [[255] * channels, [0] * channels, [128] * channels]
    return Image.fromarray(values.astype(np.uint8).squeeze())


def hexed(image):
    return np.asarray(image).tobytes().hex()


def operations():
    factors = [0.01, 0.4, 1.0, 1.3, 1.99]
    table = [(name, factor) for name in ["brightness", "contrast", "saturation", "sharpness"] for factor in factors]
    table += [("hue", factor) for factor in [-0.5, -0.1, 0.03, 0.25, 0.5]]
    return table


def colour(image, name, factor):
    return getattr(F, f"adjust_{name}")(image, factor)


def trivial():
    """Every operation of TrivialAugmentWide at some magnitudes of its table."""
    space = T.TrivialAugmentWide()._augmentation_space(31)
    for name, (magnitudes, signed) in space.items():
        if magnitudes.ndim == 0:
            yield name, 0, 1, 0.0
            continue
        for level in [0, 3, 10, 17, 30]:
            for sign in [1, -1] if signed else [1]:
                yield name, level, sign, sign * float(magnitudes[level])


class Draws:
    """Stands in for torch's generators: `uniform_` and `randint` give what is listed."""

    def __init__(self, shares):
        self.shares = list(shares)

    def empty(self, *_):
        return self

    def uniform_(self, low, high):
        low, high = float(low), float(high)
        self.value = low + (high - low) * self.shares.pop(0)
        return self

    def item(self):
        return self.value

    def randint(self, low, high, size):
        self.value = low + int((high - low) * self.shares.pop(0))
        return self


def boxes(transform, make, sizes, scale, ratio):
    generator = np.random.default_rng(1)
    rows = []
    for height, width in sizes:
        shares = [round(float(share), 4) for share in generator.random(40)]
        draws = Draws(shares)
        image = make(height, width)
        with (
            mock.patch.object(torch, "empty", draws.empty),
            mock.patch.object(torch, "randint", draws.randint),
            mock.patch.object(torch, "exp", lambda value: Exp(value)),
        ):
            found = transform.get_params(image, scale, ratio) if transform is T.RandomResizedCrop else transform.get_params(image, scale, ratio, [0.0])
        rows.append({"size": [height, width], "draws": shares, "box": [int(value) for value in found[:4]], "used": 40 - len(draws.shares)})
    return rows


class Exp:
    def __init__(self, draws):
        self.draws = draws

    def item(self):
        return math.exp(self.draws.item())


def mixing():
    images = torch.arange(3 * 2 * 4 * 5, dtype=torch.float32).reshape(3, 2, 4, 5) / 10
    labels = torch.tensor([1, 0, 3])
    rows = {}
    mix = v2.MixUp(alpha=1.0, num_classes=4)
    with mock.patch.object(mix, "make_params", lambda _: {"lam": 0.3}):
        rows["mixup"] = mix(images, labels)
    cut = v2.CutMix(alpha=1.0, num_classes=4)
    for name, lam, at in [("cutmix", 0.4, (4, 1)), ("cutmix_nothing", 0.999, (2, 2))]:
        draws = iter(at)
        cut._dist = mock.Mock(sample=lambda *_, lam=lam: torch.tensor(lam))
        with mock.patch.object(torch, "randint", lambda *_, **__: torch.tensor([next(draws)])):
            rows[name] = cut(images, labels)
    return {name: {"images": images.flatten().tolist(), "targets": targets.tolist()} for name, (images, targets) in rows.items()}


def losses():
    torch.manual_seed(1)
    logits = (torch.randn(3, 4) * 2).round(decimals=3)
    targets = torch.tensor([[0.3, 0.7, 0, 0], [0, 1, 0, 0], [0.25, 0, 0, 0.75]])
    return {
        "logits": logits.tolist(),
        "targets": targets.tolist(),
        "losses": [
            [smoothing, torch.nn.functional.cross_entropy(logits.double(), targets.double(), label_smoothing=smoothing).item()]
            for smoothing in [0.0, 0.1, 0.4]
        ],
    }


def crops():
    image = picture(3)
    # 16 of 23 and 16 of 18: differences of 7 and 2, halves that are rounded.
    resized = F.resize(image, [18], interpolation=I.BILINEAR, antialias=True)
    return {"size": [resized.height, resized.width], "ten": [hexed(crop) for crop in F.ten_crop(resized, [16, 16])]}


def main():
    colours, grey = picture(3), picture(1)
    box = (2, 3, 7, 9)
    document = {
        "versions": {"torch": torch.__version__, "torchvision": torchvision.__version__, "pillow": PIL.__version__},
        "size": [HEIGHT, WIDTH],
        "colour": hexed(colours),
        "grey": hexed(grey),
        "operations": [[name, factor, hexed(colour(colours, name, factor)), hexed(colour(grey, name, factor))] for name, factor in operations()],
        "trivial": [
            [name, level, sign, hexed(autoaugment._apply_op(colours, name, magnitude, I.NEAREST, None)), hexed(autoaugment._apply_op(grey, name, magnitude, I.NEAREST, None))]
            for name, level, sign, magnitude in trivial()
        ],
        "resized_crop": {"box": box, "size": [10, 8], "pixels": hexed(F.resized_crop(colours, *box, [10, 8], I.BILINEAR))},
        "crop_boxes": boxes(
            T.RandomResizedCrop,
            lambda height, width: Image.new("RGB", (width, height)),
            [(400, 500), (500, 375), (224, 224), (33, 32), (20, 900), (900, 20), (30, 30), (400, 500)],
            (0.08, 1.0),
            (3 / 4, 4 / 3),
        ),
        "erase_boxes": boxes(
            T.RandomErasing,
            lambda height, width: torch.zeros(3, height, width),
            [(224, 224), (32, 32), (28, 28), (224, 224), (7, 100), (299, 299)],
            (0.02, 0.33),
            (0.3, 3.3),
        ),
        "mixing": mixing(),
        "losses": losses(),
        "ten_crops": crops(),
    }
    OUT.write_text(json.dumps(document, indent=0, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
