"""Shows that files written by `burn-zoo convert` load in Python, strictly, with equal logits.

    pip install torch torchvision timm safetensors
    python tools/reference/check_convert.py target/release/burn-zoo

For each network: PyTorch saves random weights (seeded, running statistics too), `burn-zoo convert`
turns the file into safetensors, and the network that loads that file with `strict=True` must give
the same logits.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import timm
import torch
import torchvision
from safetensors.torch import load_file
from torch import nn

NETWORKS = {
    "resnet18": (lambda: torchvision.models.resnet18(), 224),
    "resnext50_32x4d": (lambda: torchvision.models.resnext50_32x4d(), 224),
    "wide_resnet50_2": (lambda: torchvision.models.wide_resnet50_2(), 224),
    "resnet50d": (lambda: timm.create_model("resnet50d"), 224),
    "googlenet": (lambda: torchvision.models.googlenet(init_weights=False, aux_logits=True), 224),
    "inception_v3": (lambda: torchvision.models.inception_v3(init_weights=False), 299),
    "inception_v4": (lambda: timm.create_model("inception_v4"), 299),
    "inception_resnet_v2": (lambda: timm.create_model("inception_resnet_v2"), 299),
}


def shake(model):
    """Running statistics that differ from their first values."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        for name, (build, size) in NETWORKS.items():
            torch.manual_seed(0)
            first = build().eval()
            shake(first)
            source, target = Path(folder, f"{name}.pth"), Path(folder, f"{name}.safetensors")
            torch.save(first.state_dict(), source)
            command = [program, "convert", source, target, "--model", name]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            second = build().eval()
            second.load_state_dict(load_file(target), strict=True)
            image = torch.rand(1, 3, size, size)
            with torch.no_grad():
                expected, found = first(image), second(image)
            error = ((found - expected).abs().max() / expected.abs().max()).item()
            print(f"{name}: strict, logits differ by {error:.1e}")
            assert error < 1e-5, name
            source.unlink(), target.unlink()


if __name__ == "__main__":
    main(sys.argv[1])
