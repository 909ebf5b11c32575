"""Compares burn-zoo's engine with its plain modules, PyTorch and ONNX Runtime.

The same networks and weights in all; each peer is a process of its own that stays, and they run in
turn: one run each, round after round. Medians of the rounds, and ratios to ONNX Runtime, go to
standard output and, with --csv, to a file.

    python -m venv venv && venv/bin/pip install torch torchvision timm onnx onnxruntime
    cargo build --release -p burn-zoo-tests --bin bench_worker
    venv/bin/python tools/bench-peers/bench.py target/release/bench_worker --csv peers.csv
"""

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from networks import SIZES, files

HERE = Path(__file__).parent
PEERS = ["engine", "plain", "torch", "onnxruntime"]
# Runs before the first that counts: caches fill, pages are mapped, threads start.
WARM_UP = 3


class Peer:
    """A process that runs a network when told."""

    def __init__(self, name, ours, model, file, batch, threads):
        size = str(SIZES[model])
        if name in ("engine", "plain"):
            command = [ours, name, model, file + ".pth", str(batch), size, size]
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

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        time, value = self.process.stdout.readline().split()
        self.times.append(float(time))
        return float(value)

    def peak_mb(self):
        """The most memory that the process ever held, loading included."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def measure(arguments, model, file, batch, threads):
    """One row per peer."""
    peers = [
        Peer(name, arguments.ours, model, file, batch, threads) for name in arguments.peers.split(",")
    ]
    values = [[peer.run() for peer in peers] for _ in range(WARM_UP + arguments.rounds)][-1]
    apart = max(abs(value - values[0]) for value in values)
    if apart > 1e-3 * max(1.0, abs(values[0])):
        raise SystemExit(f"{model}: the peers do not agree: {values}")
    medians = {peer.name: statistics.median(peer.times[WARM_UP:]) for peer in peers}
    reference = medians.get("onnxruntime")
    for peer in peers:
        yield {
            "model": model,
            "batch": batch,
            "threads": threads,
            "peer": peer.name,
            "median_ms": round(medians[peer.name], 2),
            "least_ms": round(min(peer.times[WARM_UP:]), 2),
            "to_onnxruntime": round(medians[peer.name] / reference, 3) if reference else "",
            "compile_ms": peer.compile_ms,
            "peak_mb": round(peer.peak_mb()),
        }
        peer.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("ours", help="the bench_worker binary")
    parser.add_argument("--models", default=",".join(SIZES))
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--batches", default="1,8")
    parser.add_argument("--threads", default="2,1")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--files", default=Path(tempfile.gettempdir()) / "bench-peers")
    parser.add_argument("--csv", type=Path)
    arguments = parser.parse_args()
    Path(arguments.files).mkdir(exist_ok=True)
    rows = []
    for model in arguments.models.split(","):
        file = files(model, arguments.files)
        for batch in map(int, arguments.batches.split(",")):
            for threads in map(int, arguments.threads.split(",")):
                for row in measure(arguments, model, file, batch, threads):
                    print(*row.values(), sep="\t", flush=True)
                    rows.append(row)
    if arguments.csv:
        with arguments.csv.open("w", newline="") as out:
            writer = csv.DictWriter(out, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
