"""Checks that burn-zoo and Python's huggingface_hub share one folder of fetched files.

    pip install huggingface_hub && cargo build && python check_hub.py target/debug/burn-zoo

A hub of its own serves both, so nothing is asked of the network. What the one fetched the other must
find, without a network and without a second download; locks of the one must hold back the other.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

PROGRAM = Path(sys.argv[1]).resolve()
COMMITS = {"main": "1" * 40, "refs/pr/1": "2" * 40}
INDEX = {"metadata": {}, "weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}}
FILES = {
    "model.safetensors": os.urandom(3_000_000),
    "nets/best.pth": os.urandom(500_000),
    "model.safetensors.index.json": json.dumps(INDEX).encode(),
    "m-1.safetensors": b"first shard",
    "m-2.safetensors": b"second shard",
    "config.json": b'{"model_type": "resnet"}',
}
ASKED = []
PAUSE = 0.0


class Hub(BaseHTTPRequestHandler):
    """Answers as huggingface.co does for me/net; large files come from another address."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        ASKED.append(f"{self.command} {self.path}")
        parts = self.path.split("?")[0].split("/", 5)
        if parts[1] == "cdn":
            return self.send(200, {}, next(b for b in FILES.values() if sha256(b) == parts[2]), PAUSE)
        if parts[1:4] != ["me", "net", "resolve"]:
            return self.send(404, {"X-Error-Code": "RepoNotFound"}, b"")
        revision, file = unquote(parts[4]), unquote(parts[5])
        commit = COMMITS.get(revision, revision)
        if commit not in COMMITS.values():
            return self.send(404, {"X-Error-Code": "RevisionNotFound"}, b"")
        headers = {"X-Repo-Commit": commit}
        if file not in FILES:
            return self.send(404, headers | {"X-Error-Code": "EntryNotFound"}, b"")
        content = FILES[file]
        if file.endswith(".json"):
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            return self.send(200, headers | {"ETag": f'"{blob}"'}, content)
        headers |= {
            "X-Linked-Etag": f'"{sha256(content)}"',
            "X-Linked-Size": str(len(content)),
            "Location": f"{CDN}/cdn/{sha256(content)}?Signature=a/b&Expires=1",
        }
        self.send(302, headers, b"")

    def send(self, status, headers, body, pause=0.0):
        start = 0
        if status == 200 and (wanted := self.headers.get("Range")):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            headers |= {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
            status = 206
        self.send_response(status)
        for header, value in headers.items():
            self.send_header(header, value)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        if self.command == "GET":
            for at in range(start, len(body), 1 << 19):
                self.wfile.write(body[at : at + (1 << 19)])
                time.sleep(pause)

    def log_message(self, *_):
        pass


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def serve():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


ENDPOINT, CDN = serve(), serve()


def environment(home, settings):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "BURN_ZOO"))}
    return clean | {"HF_ENDPOINT": ENDPOINT, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"} | settings


def burn_zoo(home, *arguments, **settings):
    command = [PROGRAM, *arguments]
    return subprocess.run(command, env=environment(home, settings), capture_output=True, text=True)


def pull(home, name, **settings):
    found = burn_zoo(home, "pull", name, "--json", **settings)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)["path"]


def python(home, code, **settings):
    command = [sys.executable, "-c", textwrap.dedent(code)]
    found = subprocess.run(command, env=environment(home, settings), capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def download(home, file, revision="main", **settings):
    return python(
        home,
        f"""
        from huggingface_hub import hf_hub_download
        print(hf_hub_download("me/net", {file!r}, revision={revision!r}))
        """,
        **settings,
    )


def warnings(home):
    return python(
        home,
        """
        from huggingface_hub import scan_cache_dir
        found = scan_cache_dir()
        print(len(found.repos), [str(warning) for warning in found.warnings])
        """,
    )


def large():
    return sum(request.startswith("GET /cdn/") for request in ASKED)


def check(what, found, expected):
    state = "ok" if found == expected else f"FAILED: {found!r}, expected {expected!r}"
    print(f"{what}: {state}")
    if found != expected:
        sys.exit(1)


WANTED = [
    ("model.safetensors", "main"),
    ("nets/best.pth", "refs/pr/1"),
    ("config.json", "main"),
    ("model.safetensors", COMMITS["main"]),
]


def share(links):
    """Each fetches, and the other finds it offline at the same place and online without a download."""
    setting = {} if links else {"HF_HUB_DISABLE_SYMLINKS": "1"}
    kind = "links" if links else "copies"
    fetched = [
        lambda home, file, revision, **more: pull(home, f"hf:me/net@{revision}/{file}", **setting, **more),
        lambda home, file, revision, **more: download(home, file, revision, **setting, **more),
    ]
    for first, second, who in [(*fetched, "Python finds ours"), (*fetched[::-1], "we find Python's")]:
        with tempfile.TemporaryDirectory() as home:
            ours = [first(home, *wanted) for wanted in WANTED]
            before = large()
            offline = [second(home, *wanted, HF_HUB_OFFLINE="1") for wanted in WANTED]
            check(f"{who} offline ({kind})", offline, ours)
            online = [second(home, *wanted) for wanted in WANTED]
            check(f"{who} online ({kind})", (online, large() - before), (ours, 0))
            content = [Path(path).read_bytes() == FILES[file] for path, (file, _) in zip(ours, WANTED)]
            check(f"{who}: bytes ({kind})", content, [True] * 4)
            # Older versions of huggingface_hub ignore the setting and create links.
            if links or first is fetched[0]:
                check(f"{who}: links ({kind})", {os.path.islink(path) for path in ours}, {links})
            check(f"{who}: huggingface_hub's scan ({kind})", warnings(home), "1 []")


def shards():
    with tempfile.TemporaryDirectory() as home:
        model = FILES.pop("model.safetensors")
        index = Path(pull(home, "hf:me/net"))
        FILES["model.safetensors"] = model
        check("shards are in the folder of their index", index.with_name("m-2.safetensors").read_bytes(), b"second shard")
        check("Python finds a shard", download(home, "m-1.safetensors", HF_HUB_OFFLINE="1"), str(index.with_name("m-1.safetensors")))
        code = f"""
            from huggingface_hub import try_to_load_from_cache, _CACHED_NO_EXIST
            print(try_to_load_from_cache("me/net", "model.safetensors") is _CACHED_NO_EXIST)
        """
        check("Python knows from us what is absent", python(home, code), "True")


def locks():
    """Whoever comes second waits, and nothing is sent twice."""
    global PAUSE
    PAUSE = 0.4
    for first, second, who in [(pull, download, "Python waits for us"), (download, pull, "we wait for Python")]:
        with tempfile.TemporaryDirectory() as home:
            names = {pull: "hf:me/net/model.safetensors", download: "model.safetensors"}
            before, paths = large(), {}
            threads = [
                threading.Thread(target=lambda run=run: paths.update({run: run(home, names[run])}))
                for run in (first, second)
            ]
            threads[0].start()
            while large() == before:
                time.sleep(0.01)
            threads[1].start()
            for thread in threads:
                thread.join()
            check(who, (paths[first] == paths[second], large() - before), (True, 1))
    PAUSE = 0.0


def clean():
    with tempfile.TemporaryDirectory() as home:
        for file, revision in WANTED:
            download(home, file, revision)
        burn_zoo(home, "cache", "clean", BURN_ZOO_CACHE="")
        check("a clean that does not name them keeps Python's files", warnings(home), "1 []")
        listed = json.loads(burn_zoo(home, "cache", "list", "hf:*", "--json").stdout)
        check("they are listed", len(listed), 3)
        verified = json.loads(burn_zoo(home, "cache", "verify", "hf:*", "--json").stdout)
        check("they are verified", [row["verified"] for row in verified], [True] * 3)
        burn_zoo(home, "cache", "clean", f"hf:me/net@{COMMITS['main']}*")
        check("a commit is removed, its branch too", warnings(home), "1 []")
        burn_zoo(home, "cache", "clean", "hf:me/net*")
        check("all is removed", warnings(home), "0 []")


if __name__ == "__main__":
    print("huggingface_hub", python(tempfile.gettempdir(), "import huggingface_hub; print(huggingface_hub.__version__)"))
    share(links=True)
    share(links=False)
    shards()
    locks()
    clean()
