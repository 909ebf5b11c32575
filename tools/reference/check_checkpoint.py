"""Compares what burn-zoo-checkpoint reads with what PyTorch does: every tensor, its path and its bytes.

cargo build --release -p burn-zoo-checkpoint --example list
python tools/reference/check_checkpoint.py target/release/examples/list FOLDER [FILE...]

Makes files of many forms in FOLDER (with their modules' classes in this script) and compares them and every other
FILE, which is executed as pickles are: only files that you trust. Needs torch, numpy and safetensors.
"""
import argparse, collections, copy, dataclasses, datetime, enum, functools, hashlib, io, json, pathlib, pickle, random
import struct, subprocess, sys, tarfile, warnings, zipfile
import numpy as np, torch, torch.fx, torch.nn as nn

warnings.filterwarnings("ignore")
LIST, OUT, FILES = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
OUT.mkdir(parents=True, exist_ok=True)
DTYPES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
          torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
          torch.uint16: "U16", torch.uint32: "U32", torch.uint64: "U64", torch.complex64: "C64", torch.complex128: "C128",
          torch.complex32: "C32", torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2"}


class Cfg(dict): pass
class Items(list): pass
class Meter:
    def __init__(self): self.avg, self.values = torch.tensor(1.5), [1.0, 2.0]
class Slots:
    __slots__ = ("a", "b")
    def __init__(self): self.a, self.b = torch.ones(3), "x"
class Color(enum.Enum): RED = 1
@dataclasses.dataclass
class Options: lr: float = .1; name: str = "sgd"; weight: torch.Tensor = None
Point = collections.namedtuple("Point", "x y")
class State:
    def __init__(self): self.w = torch.arange(4.)
    def __getstate__(self): return (1, self.w)
    def __setstate__(self, state): self.w = state[1]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, bias=False); self.bn1 = nn.BatchNorm2d(4)
        self.layer = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(), nn.ModuleDict({"a.b".replace(".", "_"): nn.Linear(4, 2)}))
        self.class_names = ["cat", "dog"]; self.mean = torch.tensor([.1, .2, .3])
        self.register_buffer("kept", torch.arange(6.).reshape(2, 3).t()); self.register_buffer("passing", torch.ones(2), persistent=False)
        self.shared = self.layer[0]
    def forward(self, x): return self.layer[0](self.bn1(self.conv1(x))).mean() + self.passing.sum() + self.kept.sum()


def is_state(value): return isinstance(value, nn.Module)

def flatten(value, path=()):
    """Tensors by their paths, as the crate lists them."""
    if isinstance(value, torch.Tensor):
        if value.layout != torch.strided or value.is_quantized or value.is_meta: return
        yield path, value.detach()
    elif isinstance(value, np.ndarray):
        if value.dtype.kind in "fiub": yield path, torch.from_numpy(value.astype(value.dtype.newbyteorder("="), order="C", copy=True))
        elif value.dtype.kind == "O":
            for at, item in enumerate(value.ravel("A")): yield from flatten(item, path + (str(at),))
    elif isinstance(value, torch.UntypedStorage): yield path, torch.tensor(list(value), dtype=torch.uint8)
    elif isinstance(value, torch.storage.TypedStorage): yield path, torch.tensor(value.tolist(), dtype=value.dtype)
    elif isinstance(value, nn.Module):
        # In the order of the pickle: own parameters, buffers, then modules.
        for key, tensor in value.state_dict(keep_vars=True).items():
            if isinstance(tensor, torch.Tensor): yield path + tuple(split(value, key)), tensor.detach()
    elif isinstance(value, collections.abc.Mapping):
        for key, item in value.items(): yield from flatten(item, path + (name(key),))
        if type(value) is Cfg: yield from flatten(vars(value), path)
    elif isinstance(value, (list, tuple, collections.deque, set, frozenset)) and not isinstance(value, torch.Size):
        for at, item in enumerate(value): yield from flatten(item, path + (str(at),))
    elif isinstance(value, State): yield from flatten((1, value.w), path + ("state",))
    elif isinstance(value, Slots): yield from flatten({"a": value.a, "b": value.b}, path)
    elif hasattr(value, "__dict__") and not isinstance(value, (type, enum.Enum)) and type(value).__module__ not in ("functools",):
        state = value.__getstate__() if hasattr(value, "__getstate__") else vars(value)
        if isinstance(state, dict): yield from flatten(state, path)

def split(module, key):
    """A key of a state dict as names of modules and a tensor's own name."""
    parts, rest = [], key
    while True:
        child = next((n for n in module._modules if rest.startswith(n + ".")), None)
        if child is None: return parts + [rest]
        parts.append(child); rest = rest[len(child) + 1:]; module = module._modules[child]

def dotted(expected, found):
    """A state dict of a module whose classes are not here: keys without levels."""
    return {".".join(k): v for k, v in expected.items()}, {".".join(k): v for k, v in found.items()}

def name(key):
    if isinstance(key, str): return key
    if isinstance(key, torch.Tensor): return None
    return repr(key)

def digest(tensor):
    tensor = tensor.resolve_conj().resolve_neg().cpu().contiguous()
    raw = tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
    return hashlib.sha256(raw).hexdigest()

def listed(path):
    done = subprocess.run([LIST, path], capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if done.stderr: raise RuntimeError(done.stderr)
    return lines[0], lines[1:]

def compare(path, value):
    head, lines = listed(path)
    if "error" in head: return head["error"]
    expected = {}
    for p, t in flatten(value):
        # Keys that are objects have a name of our own, so skip them.
        if None not in p: expected[p] = (DTYPES[t.dtype], list(t.shape), digest(t))
    found = {tuple(line["path"]): (line["dtype"], line["shape"], line["sha256"]) for line in lines if not any(k.startswith("<key") for k in line["path"])}
    if path.suffix != ".pt2" and listed(path)[0]["format"] == "torchscript" and isinstance(value, dict): expected, found = dotted(expected, found)
    if found != expected:
        missing = sorted(expected.keys() - found.keys()); extra = sorted(found.keys() - expected.keys())
        wrong = [k for k in found if k in expected and found[k] != expected[k]]
        return f"missing {missing[:3]} extra {extra[:3]} wrong {[(k, found[k], expected[k]) for k in wrong[:2]]}"
    return len(found)


net = Net(); sd = net.state_dict()
params = [nn.Parameter(p.detach().clone()) for p in net.parameters()]
def stepped(kind, **k):
    optimizer = kind(params, lr=.1, **k)
    for p in params: p.grad = torch.ones_like(p)
    optimizer.step(); return optimizer
adam, sgd = stepped(torch.optim.Adam), stepped(torch.optim.SGD, momentum=.9)
big = torch.randn(1000)
VALUES = {
    "state_dict": sd,
    "training": {"model": sd, "optimizer": adam.state_dict(), "sgd": sgd.state_dict(), "epoch": 3, "best": 91.2,
                 "scheduler": torch.optim.lr_scheduler.StepLR(sgd, 3).state_dict(), "scaler": torch.amp.GradScaler("cpu").state_dict(),
                 "rng": torch.get_rng_state(), "numpy_rng": np.random.get_state(), "python_rng": random.getstate()},
    "ema": {"ema": torch.optim.swa_utils.AveragedModel(net).state_dict()},
    "averaged_module": torch.optim.swa_utils.AveragedModel(net),
    "module": net, "parallel": nn.DataParallel(net), "modules": {"model": net, "again": net, "epoch": 1},
    "whole_objects": {"optimizer": adam, "scaler": torch.amp.GradScaler("cpu"), "model": sd},
    "namespace": {"args": argparse.Namespace(lr=.1, w=torch.ones(2)), "model": sd},
    "dataclass": {"options": Options(weight=torch.ones(2)), "model": sd},
    "objects": {"m": Meter(), "s": Slots(), "t": State(), "cfg": Cfg(a=1, w=torch.ones(1)), "items": Items([torch.ones(1), 2]), "p": Point(torch.ones(2), 1),
                "part": functools.partial(print, 1), "date": datetime.datetime(2020, 1, 1), "path": pathlib.Path("/a/b"), "enum": Color.RED, "cls": Meter,
                "fn": compare, "slice": slice(1, 2), "range": range(4), "complex": 1j, "big": 1 << 100, "bytes": b"\0\xff" * 40000, "ellipsis": ...},
    "collections": {"dd": collections.defaultdict(list, {"a": [1.0], "w": [torch.ones(2)]}), "dq": collections.deque([1, torch.ones(1)], maxlen=3), "c": collections.Counter("aab"),
                    "od": collections.OrderedDict(a=torch.ones(1)), "set": {1, 2}, "fs": frozenset({"a"}), "empty": [set(), (), {}, frozenset(), collections.deque()]},
    "keys": {0.5: torch.ones(1), None: torch.ones(2), True: torch.ones(3), (3, 32, 32): torch.ones(4), 7: torch.ones(5), "a.b": torch.ones(6), ("a", (1,)): torch.ones(1), -1.5e-30: torch.zeros(1), b"x": 1},
    "tensor_keys": {"state": {params[0]: {"m": torch.ones(2)}}, "w": torch.ones(1)},
    "history": {"losses": [.1 * i for i in range(100_000)], "ints": list(range(100_000)), "mixed": [None, 1, .5, "a"] * 1000, "w": torch.ones(2)},
    "views": {"slice": big[10:20], "strided": big[::7], "t": big.view(10, 100).t(), "expanded": torch.ones(2, 1, 3).expand(2, 5, 3), "last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
              "zero": big[:0], "scalar": big[3], "empty": torch.empty(0, 3), "one": torch.randn(1, 4, 1).transpose(0, 1), "same": big, "flip": torch.randn(3, 4).permute(1, 0).contiguous().t()},
    "dtypes": {str(d): (torch.arange(6).reshape(2, 3).t()).to(d) for d in DTYPES if d not in (torch.complex32,)},
    "odd": {"q": torch.quantize_per_tensor(torch.ones(3), .1, 0, torch.qint8) if False else 1, "sparse": torch.eye(3).to_sparse(), "meta": torch.ones(3, device="meta"), "w": torch.ones(2),
            "param": nn.Parameter(torch.ones(2)), "conj": 1, "size": torch.Size([1, 2]), "device": torch.device("cuda:1"), "dtype": torch.float16, "layout": torch.strided},
    "storages": {"typed": torch.arange(4.).storage(), "untyped": torch.arange(3).untyped_storage(), "w": torch.ones(1)},
    "numpy": {"c": np.arange(6.).reshape(2, 3), "f": np.asfortranarray(np.arange(6, dtype="f4").reshape(2, 3)), "big": np.arange(4, dtype=">f4"), "i": np.arange(3, dtype="i2"), "b": np.array([True, False]),
              "h": np.arange(3, dtype="f2"), "scalar": np.float64(91.2), "int": np.int64(3), "text": np.array(["cat", "dog"]), "objects": np.array([1, "a", torch.ones(2)], dtype=object), "zero": np.zeros((0, 3)), "z": np.array(3.5), "g": np.arange(24.).reshape(2, 3, 4).transpose(2, 0, 1),
              "long": np.random.rand(20000), "bytes": np.arange(256, dtype="u1"), "bool": np.bool_(True)},
    "list": [sd, 3], "tuple": (sd, [torch.ones(1)]), "tensor": torch.arange(6.).reshape(2, 3), "parameter": nn.Parameter(torch.ones(3)), "number": {"a": 1},
}
class Odd(nn.Module):
    """Module contents besides layers: parameter lists, None, norms, extra state, layers in plain lists."""
    def __init__(self):
        super().__init__(); self.list = nn.ParameterList([torch.ones(2), torch.zeros(3)]); self.dict = nn.ParameterDict({"a": nn.Parameter(torch.ones(1))})
        self.register_buffer("none", None); self.register_parameter("nothing", None); self.lin = nn.Linear(2, 2, bias=False)
        self.norm = nn.utils.weight_norm(nn.Linear(2, 2)); self.spectral = nn.utils.spectral_norm(nn.Conv2d(1, 1, 1)); self.hidden = [nn.Linear(2, 2)]
        self.cache = {"x": torch.ones(5000)}; self.act = nn.functional.relu; self.rnn = nn.LSTM(2, 2)
        self.attention = nn.MultiheadAttention(4, 2); self.same = self.lin
marked = torch.ones(2); marked.tag = "x"; tagged = nn.Parameter(torch.ones(3)); tagged.tag = {"lr": .1}
class Sub(torch.Tensor): pass
VALUES |= {
    "graph": torch.fx.symbolic_trace(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))),
    "odd_module": Odd(), "odd_modules": nn.DataParallel(nn.Sequential(Odd(), nn.Identity())),
    "tensor_kinds": {"marked": marked, "tagged": tagged, "sub": torch.ones(3).as_subclass(Sub), "csr": torch.eye(3).to_sparse_csr(), "w": torch.ones(1), "set": {1}, "gen": torch.Generator().get_state(),
                     "grad": torch.ones(2, requires_grad=True), "half": torch.arange(3.).half().expand(4, 3), "tuple": (torch.ones(1), [torch.ones(2), {"x": torch.ones(3)}])},
    "schedulers": {"whole": torch.optim.lr_scheduler.CosineAnnealingLR(torch.optim.SGD([nn.Parameter(torch.ones(2))], .1), 10).state_dict(),
                   "lambda": torch.optim.lr_scheduler.OneCycleLR(torch.optim.SGD([nn.Parameter(torch.ones(2))], .1), .1, 10).state_dict(), "w": torch.ones(1)},
    "unicode": {"größe": torch.ones(1), "重み": torch.ones(2), "emoji😀": torch.ones(3), "new\nline": torch.ones(4), "back\\slash": torch.ones(5), "": torch.ones(6), "x" * 300: torch.ones(7)},
    "many": {f"layer.{i}.weight": torch.full((i % 5,), float(i)) for i in range(3000)},
    "deep": functools.reduce(lambda inner, i: {f"level{i}": inner, "w": torch.ones(1)}, range(30), {"end": torch.ones(2)}),
    "strings": {"long": "x" * 200_000, "w": torch.ones(1), "bytes": b"y" * 200_000, "array": bytearray(b"abc"), "text": ["a" * 300] * 50},
}
circle = {"w": torch.ones(2)}; circle["self"] = circle; 
bad = 0
def report(label, result):
    global bad
    if not isinstance(result, int): bad += 1
    print(f"{'ok ' if isinstance(result, int) else 'BAD'} {label}: {result}")

for label, value in VALUES.items():
    for protocol in (2, 3, 4, 5):
        for form in ("zip", "legacy"):
            path = OUT / f"{label}-{form}-{protocol}.pth"
            try: torch.save(value, path, pickle_protocol=protocol, _use_new_zipfile_serialization=form == "zip")
            except Exception as error: print(f"    {path.name}: PyTorch does not save it: {str(error)[:80]}"); continue
            try: loaded = torch.load(path, weights_only=False)
            except Exception as error: print(f"    {path.name}: PyTorch does not load it: {str(error)[:80]}"); loaded = value
            report(path.name, compare(path, loaded))
for protocol in (0, 1):
    for label in ("unicode", "strings", "odd_module", "tensor_kinds", "many", "state_dict", "training", "objects", "collections", "keys", "views", "numpy", "module", "namespace"):
        for form in ("zip", "legacy"):
            path = OUT / f"{label}-{form}-{protocol}.pth"
            try: torch.save(VALUES[label], path, pickle_protocol=protocol, _use_new_zipfile_serialization=form == "zip")
            except Exception as error: print(f"    {path.name}: PyTorch does not save it: {str(error)[:80]}"); continue
            report(path.name, compare(path, VALUES[label]))
for label in ("unicode", "strings", "many", "state_dict", "numpy", "training", "objects", "collections", "views", "keys"):
    for protocol in range(6):
        path = OUT / f"{label}-bare-{protocol}.pkl"
        try: path.write_bytes(pickle.dumps(VALUES[label], protocol=protocol))
        except Exception as error: print(f"    {path.name}: pickle does not save it: {str(error)[:80]}"); continue
        report(path.name, compare(path, VALUES[label]))
path = OUT / "circle.pth"; torch.save(circle, path); report(path.name, compare(path, {"w": circle["w"]}))

# TorchScript and torch.export.
class Deep(nn.Module):
    def __init__(self):
        super().__init__(); self.a = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)); self.b = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 2).half()])
        self.plain = torch.ones(3); self.register_buffer("kept", torch.ones(2))
    def forward(self, x): return self.a(x).mean() + self.kept.sum() + self.plain.sum()
class Tied(nn.Module):
    def __init__(self): super().__init__(); self.a = nn.Linear(4, 4); self.b = nn.Linear(4, 4); self.b.weight = self.a.weight; self.register_buffer("t", torch.arange(6.).reshape(2, 3).t())
    def forward(self, x): return self.b(self.a(x)) + self.t.sum()
def keys(module): return {k: v for k, v in module.state_dict().items()}
def nested(module): return module
deep, x = Deep().eval(), torch.randn(1, 3, 8, 8)
for label, script in (("script", torch.jit.script(deep)), ("trace", torch.jit.trace(deep, x))):
    path = OUT / f"{label}.pt"; script.save(path); report(path.name, compare(path, deep))
class Listed(nn.Module):
    def __init__(self): super().__init__(); self.p = nn.ParameterList([torch.ones(2), torch.zeros(2)]); self.m = nn.ModuleList([nn.Linear(2, 2) for _ in range(12)]); self.shared = self.m[0]; self.s = nn.Sequential(collections.OrderedDict(a=nn.Linear(2, 2), b=nn.BatchNorm1d(2)))
    def forward(self, x):
        for m in self.m: x = m(x)
        return self.shared(self.s(x)) + self.p[0]
listing = Listed().eval()
path = OUT / "listed-trace.pt"; torch.jit.save(torch.jit.trace(listing, torch.randn(3, 2)), path, _extra_files={"labels.txt": "cat\ndog"}); report(path.name, compare(path, dict(torch.jit.load(path).state_dict())))
path = OUT / "optimized.pt"; torch.jit.optimize_for_inference(torch.jit.trace(deep, x)).save(path); print("   ", path.name, listed(path)[0])
path = OUT / "mobile.ptl"; torch.jit.script(deep)._save_for_lite_interpreter(str(path)); report(path.name, compare(path, deep))
for label, module, x in (("deep", deep, x), ("tied", Tied().eval(), torch.randn(1, 4)), ("listed", listing, torch.randn(3, 2))):
    path = OUT / f"{label}.pt2"; torch.export.save(torch.export.export(module, (x,)), path); report(path.name, compare(path, keys(module)))
    # The older layout.
    path = OUT / f"{label}-old.pt2"; inner = io.BytesIO(); torch.save(keys(module), inner)
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("version", "5.1"); z.writestr("serialized_exported_program.json", "{}"); z.writestr("serialized_state_dict.pt", inner.getvalue()); z.writestr("serialized_constants.pt", b"")
    report(path.name, compare(path, keys(module)))

# Zip archives that were packed again.
plain = OUT / "state_dict-zip-2.pth"
def repack(label, root="archive", method=zipfile.ZIP_STORED, before=b"", after=b"", comment=b"", **k):
    path = OUT / f"repacked-{label}.pth"; buffer = io.BytesIO()
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(buffer, "w", method, **k) as new:
        for info in old.infolist():
            with new.open((root + "/" if root else "") + info.filename.split("/", 1)[1], "w", force_zip64=label == "zip64") as entry: entry.write(old.read(info))
        new.comment = comment
    path.write_bytes(before + buffer.getvalue() + after); report(path.name, compare(path, sd))
for length in range(1, 65): repack(f"name-{length}", "n" * length)
repack("no-root", ""); repack("deflated", method=zipfile.ZIP_DEFLATED); repack("zip64"); repack("comment", comment=b"a comment PK\5\6 in it"); repack("before", before=b"#!/bin/sh\nexec true\n" * 9)
repack("after", after=b"\0" * 100); repack("before-deflated", before=b"x" * 30, method=zipfile.ZIP_DEFLATED); repack("unicode", "modèle")

try:
    import safetensors.torch
    tensors = {k: v.contiguous() for k, v in VALUES["dtypes"].items() if v.dtype not in (torch.complex128,)} | {k: v.clone(memory_format=torch.contiguous_format) for k, v in sd.items()}
    path = OUT / "all.safetensors"; safetensors.torch.save_file(tensors, path, {"format": "pt"}); report(path.name, compare(path, tensors))
except ImportError: print("    without safetensors")

def load(path):
    if path.suffix == ".pt":
        try:
            module = torch.jit.load(path); return {k: v for k, v in module.state_dict().items()}
        except RuntimeError: pass
    value = torch.load(path, weights_only=False, map_location="cpu")
    return dict(value.state_dict()) if isinstance(value, torch.jit.ScriptModule) else value
for path in map(pathlib.Path, FILES):
    try: value = load(path)
    except Exception as error:
        print(f"    {path.name}: PyTorch: {str(error)[:60]!r}; we: {listed(path)[0]}"); continue
    report(path.name, compare(path, value))
print(f"{bad} bad"); sys.exit(bad > 0)
