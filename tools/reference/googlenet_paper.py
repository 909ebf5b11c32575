"""Writes golden/googlenet_paper.json: GoogLeNet as its paper has it, which no package ships.

    pip install numpy && python googlenet_paper.py

Written from Szegedy et al. 2014 (arXiv 1409.4842) in plain numpy and float64, with the layer
names, local response norms and rounded-up pools of Caffe's `bvlc_googlenet`. The format is that
of `generate.py`, with two more fields: the input is `synthetic.image` times `input_scale`, about
what Caffe feeds it, so that the norms matter; `aux` has the first 64 logits
of each auxiliary head.
"""

import json
from pathlib import Path

import numpy as np

import synthetic

# name: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool proj (Table 1)
TABLE = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
SCALE = 100.0
STATE, COUNT = {}, {"macs": 0}


def windows(x, kernel, stride):
    view = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(1, 2))
    return view[:, ::stride, ::stride]


def tensor(key, shape):
    STATE[key] = shape
    return synthetic.weight(key, shape).astype(np.float64)


def conv(name, x, outputs, kernel, stride=1):
    w = tensor(name + ".weight", (outputs, x.shape[0], kernel, kernel))
    b = tensor(name + ".bias", (outputs,))
    pad = kernel // 2
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    y = np.tensordot(w, windows(x, kernel, stride), axes=((1, 2, 3), (0, 3, 4)))
    COUNT["macs"] += w.size * y.shape[1] * y.shape[2]
    return np.maximum(y + b[:, None, None], 0)


def linear(name, x, outputs):
    w, b = tensor(name + ".weight", (outputs, x.size)), tensor(name + ".bias", (outputs,))
    COUNT["macs"] += w.size
    return w @ x + b


def max_pool(x, stride):
    if stride == 1:
        pads = (1, 1)
    else:  # as many columns at the end as the last, rounded-up window needs
        out = -(-(x.shape[1] - 3) // 2) + 1
        pads = (0, (out - 1) * 2 + 3 - x.shape[1])
    x = np.pad(x, ((0, 0), pads, pads), constant_values=-np.inf)
    return windows(x, 3, stride).max((3, 4))


def response_norm(x, size=5, alpha=1e-4, beta=0.75):
    squares = np.pad(x * x, ((size // 2, size // 2), (0, 0), (0, 0)))
    sums = sum(squares[i : i + x.shape[0]] for i in range(size))
    return x / (1 + alpha / size * sums) ** beta


def module(name, x):
    one, r3, c3, r5, c5, proj = TABLE[name]
    p = f"inception_{name}/"
    return np.concatenate([
        conv(p + "1x1", x, one, 1),
        conv(p + "3x3", conv(p + "3x3_reduce", x, r3, 1), c3, 3),
        conv(p + "5x5", conv(p + "5x5_reduce", x, r5, 1), c5, 5),
        conv(p + "pool_proj", max_pool(x, 1), proj, 1),
    ])


def aux(name, x):
    macs = COUNT["macs"]  # heads do not count
    x = conv(name + "/conv", windows(x, 5, 3).mean((3, 4)), 128, 1)
    x = np.maximum(linear(name + "/fc", x.reshape(-1), 1024), 0)
    x = linear(name + "/classifier", x, 1000)
    COUNT["macs"] = macs
    return x


def short(values):
    return [float(f"{v:.9g}") for v in values]


def main():
    shape = (1, 3, 224, 224)
    maps, heads = {}, {}
    x = synthetic.image(shape)[0].astype(np.float64) * SCALE
    x = maps["conv1"] = conv("conv1/7x7_s2", x, 64, 7, 2)
    x = conv("conv2/3x3_reduce", response_norm(max_pool(x, 2)), 64, 1)
    x = maps["conv2"] = conv("conv2/3x3", x, 192, 3)
    x = maps["maxpool2"] = max_pool(response_norm(x), 2)
    for name in TABLE:
        if name in ("4a", "5a"):
            x = max_pool(x, 2)
        x = maps[f"inception_{name}"] = module(name, x)
        if name in ("4a", "4d"):
            heads["aux1" if name == "4a" else "aux2"] = aux("loss1" if name == "4a" else "loss2", x)
    y = linear("loss3/classifier", x.mean((1, 2)), 1000)
    doc = {
        "model": "googlenet_paper", "source": "paper", "versions": {"numpy": np.__version__},
        "residual_gain": {"pattern": None, "gain": 1.0}, "input_scale": SCALE,
        "parameters": sum(int(np.prod(s)) for s in STATE.values()),
        "parameters_note": "includes the auxiliary classifiers",
        "macs": COUNT["macs"], "input_shape": list(shape), "output_shape": [1, 1000],
        "output": short(y),
        "aux": {k: short(v[:64]) for k, v in heads.items()},
        "activations": {k: {"shape": [1, *v.shape], "mean": v.mean(), "std": v.std()} for k, v in maps.items()},
        "state_dict": [[k, list(v), "float32"] for k, v in STATE.items()],
    }
    out = Path(__file__).parent / "golden" / "googlenet_paper.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(doc, separators=(",", ":")) + "\n")
    print(f"params {doc['parameters']:,} MACs {doc['macs']:,} logits std {y.std():.4g}")


if __name__ == "__main__":
    main()
