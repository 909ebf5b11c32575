"""Prints what the tests of crates/train/src/calibration.rs and evaluate.rs expect.

    pip install torch torchvision pillow && python evaluate.py
"""

import numpy as np
from augment import picture
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

SLOPES = np.array([0.0, 6.0, -3.0, 2.0, 1.0, -1.0, 4.0])
OFFSETS = np.array([1.0, -2.0, 2.0, 0.0, 0.5, 1.0, -1.0])


def calibration_error(confidence, right):
    """As in the code that goes with Guo et al. 2017: 15 bins, open below."""
    bounds = np.linspace(0, 1, 16)
    error = 0.0
    for low, high in zip(bounds[:-1], bounds[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return float(error)


def probabilities(brightness):
    """Of a linear model of an image's brightness."""
    logits = np.asarray(brightness)[..., None] * SLOPES + OFFSETS
    exponents = np.exp(logits - logits.max(-1, keepdims=True))
    return exponents / exponents.sum(-1, keepdims=True)


def main():
    index = np.arange(1000)
    confidence = (index * 7919 % 1000) / 1000 + 0.0005
    print("calibration", calibration_error(confidence, index * 31 % 100 < 10 + index % 60))

    index = np.arange(40)
    labels = index * 3 % 7
    found = probabilities(index / 20)
    ranks = (-found).argsort(-1, kind="stable")
    first = ranks[:, 0]
    print("top1", 100 * (first == labels).mean())
    print("top5", 100 * (ranks[:, :5] == labels[:, None]).any(-1).mean())
    print("loss", -np.log(found[index, labels]).mean())
    print("ece", calibration_error(found.max(-1), first == labels))
    print("guesses", np.bincount(first, minlength=7), "right", np.bincount(labels[first == labels], minlength=7))

    resized = F.resize(picture(3), [18], interpolation=InterpolationMode.BILINEAR, antialias=True)
    crops = [np.asarray(crop) / 255 for crop in F.ten_crop(resized, [16, 16])]
    found = probabilities([crop.mean() for crop in crops]).mean(0)
    print("ten crops", (-np.log(found)).tolist())
    print("one crop", (-np.log(probabilities(crops[4].mean()))).tolist())


if __name__ == "__main__":
    main()
