"""The networks that are compared, under burn-zoo's names, and their files for each peer."""

from pathlib import Path

import torch

SIZES = {
    "resnet18": 224,
    "resnet50": 224,
    "googlenet": 224,
    "inception_v3": 299,
    "inception_v4": 299,
    "inception_resnet_v2": 299,
}


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
