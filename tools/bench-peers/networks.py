"""The networks that are compared, under burn-zoo's names, and their files for each peer."""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

SIZES = {
    "resnet18": 224,
    "resnet50": 224,
    "googlenet": 224,
    "inception_v3": 299,
    "inception_v4": 299,
    "inception_resnet_v2": 299,
}

# Those that are trained: pixels, classes and images at once.
TRAINED = {
    "resnet18_small": (32, 10, 32),
    "resnet50": (224, 1000, 8),
    "googlenet": (224, 1000, 8),
    "inception_v3": (299, 1000, 8),
    "highway_a": (32, 10, 128),
    "resnet20_cifar": (32, 10, 128),
    "resnet56_cifar": (32, 10, 128),
}
WITH_DROPOUT = ["googlenet", "inception_v3", "highway_a"]
# Weights of the auxiliary heads' losses, as burn-zoo trains with them.
AUX_WEIGHTS = {"googlenet": 0.3, "inception_v3": 0.4}


def build(name):
    """The reference's network with seeded random weights, for inference."""
    torch.manual_seed(0)
    if name in ("inception_v4", "inception_resnet_v2"):
        import timm

        return timm.create_model(name).eval()
    import torchvision

    heads = {"aux_logits": False} if name in ("googlenet", "inception_v3") else {}
    if heads:
        heads["init_weights"] = False
    return getattr(torchvision.models, name)(**heads).eval()


def files(name, folder):
    """Writes NAME.pth and NAME.onnx, if they are not there; returns the path without ending."""
    stem = Path(folder) / name
    if not stem.with_suffix(".onnx").exists():
        network = build(name)
        # Numbers of ordinary size after a hundred layers, so that nobody computes with denormals.
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight, mode="fan_in")
        torch.save(network.state_dict(), stem.with_suffix(".pth"))
        size = SIZES[name]
        torch.onnx.export(
            network,
            torch.zeros(1, 3, size, size),
            stem.with_suffix(".onnx"),
            input_names=["images"],
            output_names=["logits"],
            dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
            dynamo=False,
        )
    return str(stem)


class HighwayStage(nn.Module):
    """A plain convolution and two highway layers."""

    def __init__(self, inputs, outputs):
        from models import ConvHighwayLayer

        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.layers = nn.ModuleList(ConvHighwayLayer(outputs, 3) for _ in range(2))
        for layer in self.layers:
            nn.init.constant_(layer.gate.bias, -2.0)

    def forward(self, x):
        x = F.relu(self.conv(x))
        for layer in self.layers:
            x = layer(x)
        return x


class HighwayA(nn.Module):
    """Highway A of Srivastava et al. 2015 (arXiv:1507.06228), Table 2, under burn-zoo's names."""

    def __init__(self):
        super().__init__()
        self.stage1, self.stage2, self.stage3 = HighwayStage(3, 16), HighwayStage(16, 32), HighwayStage(32, 64)
        self.hidden = nn.Conv2d(64, 250, 1)
        self.output = nn.Linear(250, 10)
        self.dropout = nn.Dropout(0.2)

    def forward(self, x):
        x = self.stage1(self.dropout(x))
        x = self.stage2(self.dropout(F.max_pool2d(x, 2)))
        x = self.stage3(self.dropout(F.max_pool2d(x, 2)))
        return self.output(self.dropout(F.relu(self.hidden(x)).mean((2, 3))))


def build_trained(name):
    """The reference's network with seeded random weights, for training, auxiliary heads included."""
    torch.manual_seed(0)
    sys.path.append(str(Path(__file__).parent.parent / "reference"))
    if name == "highway_a":
        return HighwayA().train()
    if name.endswith("_cifar"):
        from models import CifarResNet

        depth = int(name.removeprefix("resnet").removesuffix("_cifar"))
        return CifarResNet(depth).train()
    import torchvision

    if name == "resnet18_small":
        network = torchvision.models.resnet18(num_classes=10)
        network.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        network.maxpool = nn.Identity()
        return network.train()
    heads = {"aux_logits": True, "init_weights": False} if name in AUX_WEIGHTS else {}
    return getattr(torchvision.models, name)(**heads).train()


def trained_file(name, folder):
    """Writes NAME-train.pth, if it is not there; returns the path without ending."""
    stem = Path(folder) / f"{name}-train"
    if not stem.with_suffix(".pth").exists():
        torch.save(build_trained(name).state_dict(), stem.with_suffix(".pth"))
    return str(stem)
