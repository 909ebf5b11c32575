"""Prints the expected calibration error that crates/train/src/calibration.rs is tested with.

    pip install numpy && python calibration.py
"""

import numpy as np

index = np.arange(1000)
confidence = (index * 7919 % 1000) / 1000 + 0.0005
right = index * 31 % 100 < 10 + index % 60
bounds = np.linspace(0, 1, 16)
error = 0.0
for low, high in zip(bounds[:-1], bounds[1:]):
    inside = (confidence > low) & (confidence <= high)
    if inside.any():
        error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
print(repr(float(error)))
