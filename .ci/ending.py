"""A gateway with everything on, and a Prometheus that is down, is killed and comes back."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import urllib.parse

from services import check, fetch, free_port, until

CONFIG = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - job_name: gateway
    static_configs: [{{targets: ["{target}"]}}]
"""
# of each of 16 connections: what the gateway answers, and whose spans are exported meanwhile
RATE = "250"
COUNT = 'http_server_request_duration_seconds_count{http_route="/products/{id}"}'


class Gateway:
    def __init__(self, program, log):
        command = [program, "--stack", "ours", "--log", log]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        told = self.process.stdout.readline().split()
        self.address, self.admin = told[1], told[3]
        self.asked = 0

    def start_load(self, requests):
        self.asked += requests
        url = f"http://{self.address}/products/lamp"
        command = ["h2load", "--h1", "-c", "16", "--rps", RATE, "-n", str(requests), url]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def load(self, requests):
        answered(self.start_load(requests), requests)

    def resident(self):
        """In kB."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])

    def scraped(self):
        """How many requests a scrape tells."""
        text = fetch(f"http://{self.admin}/metrics")[2].decode()
        lines = [line for line in text.splitlines() if line.startswith(COUNT[:-1].split("{")[0])]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if "{id}" in line)


class Prometheus:
    def __init__(self, work, target):
        self.work = work
        self.config = os.path.join(work, "prometheus.yml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(target=target))
        self.process = None

    def start(self):
        self.port = free_port()
        command = ["prometheus", f"--config.file={self.config}"]
        command += [f"--storage.tsdb.path={self.work}/data", f"--web.listen-address=127.0.0.1:{self.port}"]
        log = open(os.path.join(self.work, "prometheus.log"), "a", encoding="utf-8")
        self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ask(self, query):
        """The only value that the query answers, if there is one."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?query={urllib.parse.quote(query)}"
        status, _, body = fetch(url)
        found = json.loads(body)["data"]["result"] if status == 200 else []
        return float(found[0]["value"][1]) if len(found) == 1 else None

    def knows(self, requests):
        until(f"Prometheus knows {requests} requests", lambda: self.ask(f"sum({COUNT})") == requests)


def answered(client, requests):
    report = client.communicate()[0]
    wanted = f"{requests} succeeded, 0 failed, 0 errored"
    if client.returncode != 0 or wanted not in report or f"{requests} 2xx" not in report:
        check("each request is answered well", False, report)


def scenario(gateway, prometheus):
    # nobody scrapes
    gateway.load(20_000)
    before = gateway.resident()
    gateway.load(20_000)
    grown = gateway.resident() - before
    check("memory stays while nobody scrapes", grown < 2048, f"{grown} kB")

    # one who never reads what it asked for
    host, port = gateway.admin.split(":")
    stuck = [socket.create_connection((host, int(port))) for _ in range(4)]
    for connection in stuck:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nhost: gateway\r\n\r\n" * 50)
    gateway.load(5_000)
    check("requests are answered while scrapes get stuck", True)
    for connection in stuck:
        connection.close()

    prometheus.start()
    prometheus.knows(gateway.asked)
    check("Prometheus comes late and finds all that was counted", True)

    # killed while it scrapes and requests come
    client = gateway.start_load(20_000)
    seen = gateway.asked - 20_000
    until("a scrape under load", lambda: prometheus.ask(f"sum({COUNT})") > seen)
    prometheus.kill()
    answered(client, 20_000)
    gateway.load(5_000)
    check("requests are answered while Prometheus is killed and down", True)

    prometheus.start()
    prometheus.knows(gateway.asked)
    last = gateway.asked
    gateway.load(3_000)
    prometheus.knows(gateway.asked)
    check("Prometheus is back and finds all that was counted", True)
    resets = prometheus.ask(f"sum(resets({COUNT}[1h]))")
    check("no counter was reset", resets == 0, resets)
    # from the first scrape on, through the gap, to the last
    steps = prometheus.ask(f"sum(max_over_time({COUNT}[1h]) - min_over_time({COUNT}[1h]))")
    increase = prometheus.ask(f"sum(increase({COUNT}[1h]))")
    check("the increase spans the gap", increase >= steps >= last + 3_000 - 45_000, (increase, steps))
    check("the gateway says the same", gateway.scraped() == gateway.asked, gateway.scraped())

    gateway.process.terminate()
    told = gateway.process.communicate(timeout=60)[0]
    check("the gateway ends in order", gateway.process.returncode == 0, told)
    check("all spans were exported", f"exported {2 * gateway.asked} spans" in told, told)


def main():
    with tempfile.TemporaryDirectory() as work:
        gateway = Gateway(sys.argv[1], "/dev/null")
        prometheus = Prometheus(work, gateway.admin)
        try:
            scenario(gateway, prometheus)
        finally:
            gateway.process.kill()
            if prometheus.process:
                prometheus.process.kill()
                prometheus.process.wait()


main()
