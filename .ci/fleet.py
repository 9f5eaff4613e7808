"""The example `fleet` as three instances, with a Prometheus, an Alertmanager and a webhook."""

import collections
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import urllib.parse

from services import check, fetch, free_port, until

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIGS = os.path.join(HERE, "..", "examples", "fleet")
TOKEN = "bGV0IG1lIGluLCBwbGVhc2U="
# as `docs/alerting.md` and the configuration files say; free ones stand in for them
INSTANCES = ["127.0.0.1:9471", "127.0.0.1:9472", "127.0.0.1:9473"]
PROMETHEUS, ALERTMANAGER, WEBHOOK = "127.0.0.1:9090", "127.0.0.1:9093", "127.0.0.1:9099"


class Fleet:
    def __init__(self, example, work, processes):
        self.example, self.work, self.processes = example, work, processes
        everywhere = [*INSTANCES, PROMETHEUS, ALERTMANAGER, WEBHOOK]
        self.address = {told: f"127.0.0.1:{free_port()}" for told in everywhere}
        self.instances = [self.address[told] for told in INSTANCES]
        self.services = [f"127.0.0.1:{free_port()}" for _ in INSTANCES]
        self.prometheus = f"http://{self.address[PROMETHEUS]}"
        self.alertmanager = f"http://{self.address[ALERTMANAGER]}"

    def config(self, name, expected):
        """A file of the example, with addresses that are free."""
        with open(os.path.join(CONFIGS, name), encoding="utf-8") as file:
            text = file.read()
        told = re.findall(r"127\.0\.0\.1:\d+", text)
        check(f"{name} names the addresses that are documented", set(told) == set(expected), told)
        for old in expected:
            text = text.replace(old, self.address[old])
        path = os.path.join(self.work, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def start(self, name, *command, **environment):
        log = open(os.path.join(self.work, f"{name}.log"), "w")
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **environment}
        )
        self.processes.append((name, process))

    def kill(self, name):
        [found] = [pair for pair in self.processes if pair[0] == name]
        self.processes.remove(found)
        found[1].kill()
        found[1].wait()

    def start_all(self):
        subprocess.run([self.example, "artefacts", self.work], check=True)
        prometheus = self.config("prometheus.yml", [*INSTANCES, ALERTMANAGER])
        alertmanager = self.config("alertmanager.yml", [WEBHOOK])
        for tool in (["promtool", "check", "config"], ["amtool", "check-config"]):
            path = prometheus if tool[0] == "promtool" else alertmanager
            done = subprocess.run([*tool, path], capture_output=True, text=True)
            check(" ".join(tool), done.returncode == 0, done.stdout + done.stderr)
        self.start("webhook", self.example, "webhook", "--listen", self.address[WEBHOOK])
        self.start(
            "alertmanager",
            "prometheus-alertmanager",
            f"--config.file={alertmanager}",
            f"--storage.path={self.work}/alertmanager",
            f"--web.listen-address={self.address[ALERTMANAGER]}",
            "--cluster.listen-address=",
        )
        for number, (service, admin) in enumerate(zip(self.services, self.instances)):
            # the first one tells Alertmanager by itself, too
            own = ["--alertmanager", self.alertmanager] if number == 0 else []
            addresses = ["--listen", service, "--admin", admin]
            self.start(
                f"instance-{number}", self.example, "serve", *addresses, *own, ADMIN_TOKEN=TOKEN
            )
        for admin in self.instances:
            until("an instance", lambda: fetch(f"http://{admin}/metrics")[0] == 200)
        until("Alertmanager", lambda: fetch(f"{self.alertmanager}/-/ready")[0] == 200)
        self.start(
            "prometheus",
            "prometheus",
            f"--config.file={prometheus}",
            f"--storage.tsdb.path={self.work}/prometheus",
            f"--web.listen-address={self.address[PROMETHEUS]}",
        )
        until("Prometheus", lambda: fetch(f"{self.prometheus}/-/ready")[0] == 200)

    def query(self, query):
        body = urllib.parse.urlencode({"query": query}).encode()
        status, _, answer = fetch(f"{self.prometheus}/api/v1/query", "POST", body)
        return json.loads(answer)["data"]["result"] if status == 200 else []

    def notifications(self):
        """What the webhook was told: by path, labels and status."""
        with open(os.path.join(self.work, "webhook.log"), encoding="utf-8") as file:
            lines = file.read().split("\n")[:-1]
        told = [json.loads(line) for line in lines]
        return [(one["to"], alert) for one in told for alert in one["notification"]["alerts"]]

    def told(self, status):
        return {
            (to, tuple(sorted(alert["labels"].items())))
            for to, alert in self.notifications()
            if alert["status"] == status
        }

    def alerts(self):
        _, _, body = fetch(f"{self.alertmanager}/api/v2/alerts")
        return json.loads(body)

    def turn(self, instance, fail_one_in=0, delay_ms=0):
        body = json.dumps({"fail_one_in": fail_one_in, "delay_ms": delay_ms}).encode()
        kind = {"Content-Type": "application/json"}
        status, _, told = fetch(f"http://{instance}/knobs", "PUT", body, **kind)
        if status != 204:
            sys.exit(f"the knobs: {status} {told}")

    def counters(self):
        """The sums over the instances, read from each one's /metrics."""
        sums = collections.Counter()
        for admin in self.instances:
            _, _, text = fetch(f"http://{admin}/metrics", Accept="text/plain")
            for line in text.decode().splitlines():
                if line.startswith("slo_events_total{"):
                    labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
                    value = int(float(line.rsplit(" ", 1)[1]))
                    sums[labels["slo"], labels["outcome"]] += value
        return sums


class Traffic:
    """Customers of one instance each, who ask again and again."""

    def __init__(self, services):
        self.stopped, self.statuses = threading.Event(), []
        self.threads = [threading.Thread(target=self.ask, args=[one]) for one in services]
        for thread in self.threads:
            thread.start()

    def ask(self, service):
        connection = http.client.HTTPConnection(service, timeout=30)
        while not self.stopped.wait(0.05):
            connection.request("POST", "/checkout")
            answer = connection.getresponse()
            answer.read()
            self.statuses.append(answer.status)

    def stop(self):
        """How often each status was answered."""
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        return collections.Counter(self.statuses)
