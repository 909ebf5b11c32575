"""Prints the numbers that the tests of crates/train compare with: PyTorch's and timm's schedules,
optimizers, clipping, weight averages and stochastic depth.

    python tools/reference/training_numbers.py
"""

import timm
import torch
from timm.optim import RMSpropTF
from torch.optim import lr_scheduler as schedulers
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

WEIGHT = [[1.0, -2.0], [0.5, 3.0]]
BIAS = [0.1, -0.2]
GRADIENTS = [
    ([[0.5, -1.0], [2.0, 0.25]], [0.3, -0.6]),
    ([[-0.25, 0.5], [1.0, -0.75]], [0.1, 0.2]),
    ([[1.5, 0.0], [-0.5, 0.5]], [-0.4, 0.8]),
]


def show(name, values):
    print(name, [float(f"{value:.9g}") for value in values])


def parameters():
    torch.manual_seed(0)
    layer = torch.nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(WEIGHT))
        layer.bias.copy_(torch.tensor(BIAS))
    return layer


def optimizers():
    decayed = 0.1
    kinds = {
        "sgd": lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9),
        "sgd plain": lambda groups: torch.optim.SGD(groups, lr=0.1),
        "sgd nesterov": lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True),
        "rmsprop": lambda groups: torch.optim.RMSprop(groups, lr=0.1, alpha=0.9, momentum=0.9, eps=1e-3),
        "rmsprop-tf": lambda groups: RMSpropTF(groups, lr=0.1, alpha=0.9, momentum=0.9, eps=1.0),
        "adam": lambda groups: torch.optim.Adam(groups, lr=0.1),
        "adamw": lambda groups: torch.optim.AdamW(groups, lr=0.1),
    }
    for name, make in kinds.items():
        layer = parameters()
        groups = [
            {"params": [layer.weight], "weight_decay": decayed},
            {"params": [layer.bias], "weight_decay": 0.0},
        ]
        optimizer = make(groups)
        for weight, bias in GRADIENTS:
            layer.weight.grad = torch.tensor(weight)
            layer.bias.grad = torch.tensor(bias)
            optimizer.step()
        show(name, [*layer.weight.flatten().tolist(), *layer.bias.tolist()])


def clipping():
    for name, clip in {
        "clip_norm 1": lambda p: torch.nn.utils.clip_grad_norm_(p, 1.0),
        "clip_norm 100": lambda p: torch.nn.utils.clip_grad_norm_(p, 100.0),
        "clip_value 0.4": lambda p: torch.nn.utils.clip_grad_value_(p, 0.4),
    }.items():
        layer = parameters()
        layer.weight.grad = torch.tensor(GRADIENTS[0][0])
        layer.bias.grad = torch.tensor(GRADIENTS[0][1])
        clip(layer.parameters())
        show(name, [*layer.weight.grad.flatten().tolist(), *layer.bias.grad.tolist()])


def rates(make, steps):
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.4)
    schedule = make(optimizer)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def warm(make, warmup=4):
    """As ours: the last step of the warm-up has the full rate."""

    def both(optimizer):
        first = schedulers.LinearLR(optimizer, 1 / warmup, 1.0, warmup - 1)
        return schedulers.SequentialLR(optimizer, [first, make(optimizer)], [warmup])

    return both


def schedules():
    """16 steps, 4 an epoch."""
    show("cosine", rates(warm(lambda o: schedulers.CosineAnnealingLR(o, 12)), 16))
    show("cosine min", rates(warm(lambda o: schedulers.CosineAnnealingLR(o, 12, 0.04)), 16))
    show("polynomial 2", rates(warm(lambda o: schedulers.PolynomialLR(o, 12, 2.0)), 16))
    show("one-cycle", rates(lambda o: schedulers.OneCycleLR(o, 0.4, total_steps=16, cycle_momentum=False), 16))
    cycle = rates(lambda o: schedulers.OneCycleLR(o, 0.4, total_steps=12, cycle_momentum=False), 12)
    show("one-cycle after warm-up", cycle)
    # By epoch: each value holds for the epoch's four steps.
    show("exponential", rates(lambda o: schedulers.ExponentialLR(o, 0.5), 4))
    show("step 2", rates(lambda o: schedulers.StepLR(o, 2, 0.94), 8))
    show("multi-step", rates(lambda o: schedulers.MultiStepLR(o, [2, 3], 0.1), 4))


def averages():
    layer = parameters()
    averaged = AveragedModel(layer, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    averaged.update_parameters(layer)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    for weight, bias in GRADIENTS:
        layer.weight.grad = torch.tensor(weight)
        layer.bias.grad = torch.tensor(bias)
        optimizer.step()
        averaged.update_parameters(layer)
    inner = averaged.module
    show("average", [*inner.weight.flatten().tolist(), *inner.bias.tolist()])


def depth():
    model = timm.create_model("resnet18", drop_path_rate=0.2)
    blocks = [block for name in ("layer1", "layer2", "layer3", "layer4") for block in getattr(model, name)]
    show("stochastic depth", [getattr(block.drop_path, "drop_prob", 0.0) if block.drop_path else 0.0 for block in blocks])


if __name__ == "__main__":
    optimizers()
    clipping()
    schedules()
    averages()
    depth()
