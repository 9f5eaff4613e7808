"""Scrapes a service with real Prometheus servers, one for each format, and compares what they read."""

import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

from prometheus_client.openmetrics.parser import text_string_to_metric_families
from services import check, fetch, free_port, until

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROTOBUF = (
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def between(target, accept):
    """A proxy that notes the types of the answers; with `accept` it asks for that instead."""
    seen = set()

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = accept or self.headers["Accept"]
            status, headers, body = fetch(f"{target}{self.path}", Accept=wanted)
            seen.add(headers["Content-Type"])
            self.send_response(status)
            self.send_header("Content-Type", headers["Content-Type"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1], seen


class Prometheus:
    def __init__(self, name, target, work, features=(), accept=None):
        port, self.seen = between(target, accept)
        self.name, self.address = name, f"127.0.0.1:{free_port()}"
        home = os.path.join(work, name)
        os.mkdir(home)
        config = os.path.join(home, "prometheus.yml")
        with open(config, "w") as file:
            json.dump(
                {
                    "global": {"scrape_interval": "1s"},
                    "scrape_configs": [
                        {
                            "job_name": "service",
                            "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
                        }
                    ],
                },
                file,
            )
        self.log = open(os.path.join(home, "log"), "w+")
        self.process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={home}/data",
                f"--web.listen-address={self.address}",
                *(f"--enable-feature={feature}" for feature in features),
            ],
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def ask(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        status, _, body = fetch(f"http://{self.address}/api/v1/{path}?{query}")
        return json.loads(body)["data"] if status == 200 else None

    def scraped(self):
        answer = self.ask("query", query="sum_over_time(up[5m])")
        return answer and answer["result"] and float(answer["result"][0]["value"][1]) >= 3

    def series(self):
        """What the last scrape read, without what Prometheus adds."""
        found = {}
        for one in self.ask("query", query='{job="service"}')["result"]:
            labels = {k: v for k, v in one["metric"].items() if k not in ("job", "instance")}
            name = labels["__name__"]
            if name != "up" and not name.startswith("scrape_"):
                found[tuple(sorted(labels.items()))] = one.get("value", [0, None])[1]
        return found

    def exemplars(self, metric):
        answer = self.ask("query_exemplars", query=metric, start=0, end=time.time() + 60)
        return [one for series in answer for one in series["exemplars"]]


def named(series, suffix):
    return {labels for labels in series if dict(labels)["__name__"].endswith(suffix)}


def main(example, work, processes):
    address = f"127.0.0.1:{free_port()}"
    service = f"http://{address}"
    processes.append(
        subprocess.Popen([example], env={**os.environ, "ADDR": address}, stdout=subprocess.DEVNULL)
    )
    until("the service", lambda: fetch(f"{service}/metrics")[0] == 200)
    for number in range(10):
        fetch(f"{service}/users/{number}")

    def traced():
        """A bucket takes another exemplar after a second: the request is made until it has this one."""
        fetch(f"{service}/users/77", traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
        return TRACE.encode() in fetch(f"{service}/metrics", Accept="application/openmetrics-text")[2]

    until("the request is an exemplar", traced)
    fetch(f"{service}/orders/12.5", method="POST")
    fetch(f"{service}/orders/0", method="POST")
    fetch(f"{service}/broken")
    fetch(f"{service}/nowhere")

    _, _, text = fetch(f"{service}/metrics")
    lint = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
    check(
        "promtool check metrics is clean",
        lint.returncode == 0 and not lint.stdout + lint.stderr,
        (lint.stdout + lint.stderr).decode(),
    )
    _, _, document = fetch(f"{service}/metrics", Accept="application/openmetrics-text")
    families = list(text_string_to_metric_families(document.decode()))
    check("the strict parser reads the OpenMetrics", len(families) > 3)
    found = {
        sample.exemplar.labels.get("trace_id")
        for family in families
        for sample in family.samples
        if sample.exemplar
    }
    check("it finds the trace of a request as an exemplar", TRACE in found, str(found))

    ways = [
        (Prometheus("text", service, work, accept="text/plain"), TEXT),
        (Prometheus("openmetrics", service, work, features=["exemplar-storage"]), OPEN),
        (
            Prometheus(
                "protobuf", service, work, features=["exemplar-storage", "native-histograms"]
            ),
            PROTOBUF,
        ),
    ]
    processes.extend(prometheus.process for prometheus, _ in ways)
    for prometheus, kind in ways:
        until(f"three scrapes of {prometheus.name}", prometheus.scraped)
        check(f"{prometheus.name} was scraped as such", prometheus.seen == {kind}, prometheus.seen)
    text, openmetrics, protobuf = (prometheus.series() for prometheus, _ in ways)
    created = named(openmetrics, "_created")
    check("the text has series", len(named(text, "_count")) > 3, str(text))
    check("OpenMetrics alone has times of creation", created and not named(text, "_created"))
    rest = {labels: value for labels, value in openmetrics.items() if labels not in created}
    for name, series in [("OpenMetrics", rest), ("Protobuf", protobuf)]:
        other = sorted(set(text.items()) ^ set(series.items()))
        check(f"{name} reads the {len(text)} values of the text", not other, "\n".join(map(str, other)))
    for prometheus, _ in ways[1:]:
        exemplars = prometheus.exemplars("http_server_request_duration_seconds_bucket")
        check(
            f"query_exemplars of {prometheus.name} has the trace of the request",
            TRACE in {one["labels"]["trace_id"] for one in exemplars},
            str(exemplars),
        )


if __name__ == "__main__":
    started = []
    with tempfile.TemporaryDirectory() as directory:
        try:
            main(sys.argv[1], directory, started)
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait()
