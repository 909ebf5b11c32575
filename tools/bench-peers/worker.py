"""One side of bench.py: PyTorch or ONNX Runtime, one run or step of training per line of standard input.

worker.py torch|onnxruntime|train_torch MODEL FILE BATCH HEIGHT WIDTH THREADS
"""

import sys
import time

kind, model, file, *sizes = sys.argv[1:]
batch, height, width, threads = map(int, sizes)
start = time.perf_counter()
if kind == "torch":
    import torch

    from networks import build

    torch.set_num_threads(threads)
    network = build(model)
    network.load_state_dict(torch.load(file + ".pth"))
    images = torch.full((batch, 3, height, width), 0.5)

    def run():
        with torch.inference_mode():
            return float(network(images).flatten()[0])

elif kind == "train_torch":
    import torch
    from torch.nn import functional as F

    from networks import AUX_WEIGHTS, TRAINED, build_trained

    torch.set_num_threads(threads)
    network = build_trained(model)
    network.load_state_dict(torch.load(file + ".pth"))
    numbers = torch.arange(batch * 3 * height * width)
    images = ((numbers * 7919 % 1009) / 504.5 - 1.0).reshape(batch, 3, height, width)
    labels = (7 * torch.arange(batch) + 3) % TRAINED[model][1]
    optimizer = torch.optim.SGD(network.parameters(), 1e-3, momentum=0.9)

    def run():
        optimizer.zero_grad()
        output = network(images)
        # torchvision's networks with auxiliary heads have the main one first, then the others.
        main, *others = output if isinstance(output, tuple) else (output,)
        loss = F.cross_entropy(main, labels)
        for other in others:
            loss = loss + AUX_WEIGHTS[model] * F.cross_entropy(other, labels)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

else:
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(file + ".onnx", options, providers=["CPUExecutionProvider"])
    images = numpy.full((batch, 3, height, width), 0.5, numpy.float32)

    def run():
        return float(session.run(None, {"images": images})[0].flatten()[0])


print(f"ready {1e3 * (time.perf_counter() - start):.1f}", flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    value = run()
    print(f"{1e3 * (time.perf_counter() - start):.3f} {value:.5f}", flush=True)
