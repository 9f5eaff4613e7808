"""Receives what a program sends to Sentry, and puts all of it through Sentry's own normaliser."""

import gzip
import json
import subprocess
import sys
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sentry_relay.processing import StoreNormalizer

events = []


class Endpoint(BaseHTTPRequestHandler):
    """Takes envelopes: lines of JSON, a header for the whole and one for each item."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        encoding = self.headers.get("content-encoding")
        body = {"gzip": gzip.decompress, "deflate": zlib.decompress}.get(encoding, bytes)(body)
        lines = body.split(b"\n")
        for header, payload in zip(lines[1::2], lines[2::2]):
            if json.loads(header)["type"] == "event":
                events.append((self.path, json.loads(payload)))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def check(what, holds):
    print(("ok: " if holds else "NOT ok: ") + what)
    if not holds:
        sys.exit(1)


def errors(value, at=""):
    """What the normaliser marked as wrong."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "_meta":
                yield f"{at}: {json.dumps(inner)}"
            else:
                yield from errors(inner, f"{at}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from errors(inner, f"{at}[{index}]")


def normalised(event):
    normal = StoreNormalizer(project_id=1).normalize_event(dict(event))
    wrong = list(errors(normal))
    if wrong:
        print(json.dumps(normal, indent=1), *wrong, sep="\n")
    return normal, not wrong


checkout, table = sys.argv[1:]
server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
dsn = f"http://public@127.0.0.1:{server.server_port}/7"
ran = subprocess.run([checkout, "--once"], env={"SENTRY_DSN": dsn}, capture_output=True, timeout=120)
check("the example ends well", ran.returncode == 0)
check("it sent to the project of its DSN", {path for path, _ in events} == {"/api/7/envelope/"})
panics = [event for _, event in events if event["tags"].get("outcome") == "panicked"]
check("one event for its one panic", len(panics) == 1 and len(events) == 1)
(panic,) = panics
tags = panic["tags"]
check("with the route", tags["route"] == "/panic" and panic["transaction"] == "GET /panic")
check("the status", tags["status_code"] == "500")
check("the IDs", len(tags["request_id"]) == 36 and len(tags["trace_id"]) == 32)
check("the same trace as context", panic["contexts"]["trace"]["trace_id"] == tags["trace_id"])
(exception,) = panic["exception"]["values"]
place, line, _ = panic["extra"]["location"].rsplit(":", 2)
check("where it happened", place == "examples/checkout/gateway.rs" and int(line) > 0)
check("and how", "checkout::gateway::panic" in panic["extra"]["backtrace"])
calls = [frame.get("function", "") for frame in exception["stacktrace"]["frames"]]
check("also as calls", any("checkout::gateway::panic" in call for call in calls))
normal, whole = normalised(panic)
check("Sentry's normaliser takes it whole", whole and normal["exception"] is not None)

with open(table) as lines:
    told = [json.loads(line) for line in lines]
check(f"the table of panics sent {len(told)} events", len(told) >= 30)
check("all of which it takes whole", all(normalised(event)[1] for event in told))
