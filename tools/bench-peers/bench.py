"""Compares burn-zoo's engine with its plain modules, PyTorch and ONNX Runtime.

The same networks and weights in all; each peer is a process of its own that stays, and they run in
turn: one run each, round after round. Medians of the rounds, and ratios to ONNX Runtime, go to
standard output and, with --csv, to a file. With --rust, the Rust peers run too: tract where there is one
thread, candle for the networks that it has.

With --train, steps of training: forward, the heads' losses, backward, SGD with momentum, by our
kernels (train_fast, train_exact), by Burn's own operations (train_plain) and by PyTorch in eager mode;
GoogLeNet and Inception v3 with their auxiliary heads. Ratios are to PyTorch and to Burn. Memory is the
peak of the steps, and what lay there before the first: weights, and PyTorch itself.

    python -m venv venv && venv/bin/pip install torch torchvision timm onnx onnxruntime
    cargo build --release -p burn-zoo-tests --bin bench_worker
    (cd tools/bench-peers/rust && cargo build --release)
    venv/bin/python tools/bench-peers/bench.py target/release/bench_worker --csv peers.csv \
        --rust tools/bench-peers/rust/target/release
    venv/bin/python tools/bench-peers/bench.py target/release/bench_worker --train --csv train.csv
"""

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from networks import SIZES, TRAINED, WITH_DROPOUT, files, trained_file

HERE = Path(__file__).parent
PEERS = ["engine", "plain", "torch", "onnxruntime"]
# Networks of candle-transformers.
CANDLE = ["resnet18", "resnet50"]
TRAINERS = ["train_fast", "train_exact", "train_plain", "train_torch"]
OURS = ["engine", "plain", "train_fast", "train_exact", "train_plain"]
# Runs before the first that counts: caches fill, pages are mapped, threads start.
WARM_UP = 3
# Seconds before each run: threads of the peer before wait for more work, spinning, for some milliseconds.
PAUSE = 0.05


class Peer:
    """A process that runs a network, or trains it by a step, when told."""

    def __init__(self, name, arguments, model, file, batch, threads):
        size = str(TRAINED[model][0] if name in TRAINERS else SIZES[model])
        if name in OURS:
            command = [arguments.ours, name, model, file + ".pth", str(batch), size, size]
        elif name == "tract":
            command = [Path(arguments.rust) / "tract-worker", file + ".onnx", str(batch), size, size]
        elif name == "candle":
            command = [Path(arguments.rust) / "candle-worker", model, file + ".pth", str(batch), size, size]
        else:
            sizes = [str(batch), size, size, str(threads)]
            command = [sys.executable, str(HERE / "worker.py"), name, model, file, *sizes]
        environment = dict(os.environ, RAYON_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads))
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        ready = self.process.stdout.readline().split()
        if ready[:1] != ["ready"]:
            raise SystemExit(f"{name} did not start: {command}")
        self.compile_ms = float(ready[1])
        self.times = []
        self.before_mb = self.memory_mb("VmRSS")
        # Linux, proc(5): 5 resets the peak resident set size.
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def run(self):
        time.sleep(PAUSE)
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        milliseconds, value = self.process.stdout.readline().split()
        self.times.append(float(milliseconds))
        return float(value)

    def peak_mb(self):
        """The most memory that the process held while it ran: weights and program, not their loading."""
        return self.memory_mb("VmHWM")

    def memory_mb(self, what):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(what))
        return int(line.split()[1]) / 1024

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def case(peer, model, batch, threads):
    """What a row says of any peer."""
    times = peer.times[WARM_UP:]
    return {
        "model": model,
        "batch": batch,
        "threads": threads,
        "peer": peer.name,
        "median_ms": round(statistics.median(times), 2),
        "least_ms": round(min(times), 2),
    }


def measure(arguments, model, file, batch, threads):
    """One row per peer."""
    names = arguments.peers.split(",")
    if arguments.rust and threads == 1:
        names.append("tract")
    if arguments.rust and model in CANDLE:
        names.append("candle")
    peers = [Peer(name, arguments, model, file, batch, threads) for name in names]
    values = [[peer.run() for peer in peers] for _ in range(WARM_UP + arguments.rounds)][-1]
    apart = max(abs(value - values[0]) for value in values)
    if apart > 1e-3 * max(1.0, abs(values[0])):
        raise SystemExit(f"{model}: the peers do not agree: {values}")
    medians = {peer.name: statistics.median(peer.times[WARM_UP:]) for peer in peers}
    reference = medians.get("onnxruntime")
    for peer in peers:
        yield case(peer, model, batch, threads) | {
            "to_onnxruntime": round(medians[peer.name] / reference, 3) if reference else "",
            "compile_ms": peer.compile_ms,
            "peak_mb": round(peer.peak_mb()),
        }
        peer.end()


def measure_training(arguments, model, file, batch, threads):
    """One row per peer."""
    names = arguments.peers.split(",")
    peers = [Peer(name, arguments, model, file, batch, threads) for name in names]
    losses = [[peer.run() for peer in peers] for _ in range(WARM_UP + arguments.rounds)]
    # The same weights and images; but dropout, which three of the networks have, is drawn: that moves
    # Inception v3's loss by 6 % at batch 2.
    apart = max(abs(loss - losses[0][0]) for loss in losses[0])
    if apart > (0.15 if model in WITH_DROPOUT else 1e-3) * losses[0][0]:
        raise SystemExit(f"{model}: the peers do not agree: {losses[0]}")
    medians = {peer.name: statistics.median(peer.times[WARM_UP:]) for peer in peers}

    def ratio(peer, reference):
        return round(medians[peer.name] / medians[reference], 3) if reference in medians else ""

    for peer, first, last in zip(peers, losses[0], losses[-1]):
        yield case(peer, model, batch, threads) | {
            "to_torch": ratio(peer, "train_torch"),
            "to_plain": ratio(peer, "train_plain"),
            "peak_mb": round(peer.peak_mb()),
            "before_mb": round(peer.before_mb),
            "first_loss": first,
            "last_loss": last,
        }
        peer.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("ours", help="the bench_worker binary")
    parser.add_argument("--rust", help="the folder of tract-worker and candle-worker, peers if given")
    parser.add_argument("--train", action="store_true", help="steps of training")
    parser.add_argument("--models")
    parser.add_argument("--peers")
    parser.add_argument("--batches", help="1,8, or a network's own in training")
    parser.add_argument("--threads", default="2,1")
    parser.add_argument("--rounds", type=int, help="15, or 7 in training")
    parser.add_argument("--files", default=Path(tempfile.gettempdir()) / "bench-peers")
    parser.add_argument("--csv", type=Path)
    arguments = parser.parse_args()
    Path(arguments.files).mkdir(exist_ok=True)
    train = arguments.train
    arguments.models = arguments.models or ",".join(TRAINED if train else SIZES)
    arguments.peers = arguments.peers or ",".join(TRAINERS if train else PEERS)
    arguments.rounds = arguments.rounds or (7 if train else 15)
    run = measure_training if train else measure
    rows = []
    for model in arguments.models.split(","):
        file = (trained_file if train else files)(model, arguments.files)
        batches = arguments.batches or (str(TRAINED[model][2]) if train else "1,8")
        for batch in map(int, batches.split(",")):
            for threads in map(int, arguments.threads.split(",")):
                for row in run(arguments, model, file, batch, threads):
                    print(*row.values(), sep="\t", flush=True)
                    rows.append(row)
                # After each case: the rows of an hour should outlive an interruption.
                if arguments.csv:
                    write(arguments.csv, rows)


def write(path, rows):
    with path.open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
