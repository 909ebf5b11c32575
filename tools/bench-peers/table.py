"""Makes tables, or a chart, of what bench.py wrote.

    python tools/bench-peers/table.py peers.csv               # ratios of inference, as Markdown
    python tools/bench-peers/table.py train.csv               # of training
    python tools/bench-peers/table.py peers.csv --svg peers.svg
"""

import argparse
import csv
from pathlib import Path

NAMES = {
    "engine": "burn-zoo",
    "plain": "plain Burn",
    "torch": "PyTorch",
    "onnxruntime": "ONNX Runtime",
    "tract": "tract",
    "candle": "candle",
    "train_fast": "burn-zoo",
    "train_exact": "burn-zoo, exact",
    "train_plain": "plain Burn",
    "train_torch": "PyTorch",
}
OURS = ("engine", "train_fast")
COLOURS = ["#c0392b", "#7f8c8d", "#2980b9", "#27ae60", "#8e44ad", "#d35400"]


def cases(rows):
    """{(model, batch, threads): {peer: row}}, in the order of the file."""
    found = {}
    for row in rows:
        found.setdefault((row["model"], row["batch"], row["threads"]), {})[row["peer"]] = row
    return found


def table(rows):
    """Our milliseconds and megabytes, and the ratio of our time to each peer's."""
    all_cases = cases(rows)
    peers = list(dict.fromkeys(row["peer"] for row in rows))
    ours = next(peer for peer in peers if peer in OURS)
    others = [peer for peer in peers if peer != ours]
    titles = ["network", "batch", "threads", "ms", *(f"to {NAMES[peer]}" for peer in others), "MB", *(f"MB, {NAMES[peer]}" for peer in others)]
    yield "| " + " | ".join(titles) + " |"
    yield "|" + "---|" * len(titles)
    for (model, batch, threads), case in all_cases.items():
        time = float(case[ours]["median_ms"])
        ratios = [f"{time / float(case[peer]['median_ms']):.2f}" if peer in case else "" for peer in others]
        memory = [case[peer]["peak_mb"] if peer in case else "" for peer in others]
        cells = [f"`{model}`", batch, threads, f"{time:.1f}", *ratios, case[ours]["peak_mb"], *memory]
        yield "| " + " | ".join(cells) + " |"


def chart(rows):
    """Bars of each peer's time, for each case relative to its slowest."""
    peers = list(dict.fromkeys(row["peer"] for row in rows))
    bars, y = [], 30
    for place, peer in enumerate(peers):
        bars.append(f'<rect x="{10 + 122 * place}" y="6" width="12" height="12" fill="{COLOURS[place]}"/>')
        bars.append(f'<text x="{26 + 122 * place}" y="17">{NAMES[peer]}</text>')
    for (model, batch, threads), case in cases(rows).items():
        plural = "" if threads == "1" else "s"
        slowest = max(float(row["median_ms"]) for row in case.values())
        bars.append(f'<text x="10" y="{y + 14}">{model}, batch {batch}, {threads} thread{plural}</text>')
        for place, peer in enumerate(peers):
            if peer in case:
                time = float(case[peer]["median_ms"])
                bars.append(f'<rect x="290" y="{y}" width="{400 * time / slowest:.1f}" height="8" fill="{COLOURS[place]}"/>')
                bars.append(f'<text x="{296 + 400 * time / slowest:.1f}" y="{y + 8}" font-size="9">{time:.0f} ms</text>')
                y += 10
        y += 8
    style = 'font-family="sans-serif" font-size="12"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{y}" {style}>\n' + "\n".join(bars) + "\n</svg>\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("csv", type=Path)
    parser.add_argument("--svg", type=Path, help="the chart instead of the table")
    arguments = parser.parse_args()
    with arguments.csv.open() as file:
        rows = list(csv.DictReader(file))
    if arguments.svg:
        arguments.svg.write_text(chart(rows))
    else:
        print(*table(rows), sep="\n")


if __name__ == "__main__":
    main()
