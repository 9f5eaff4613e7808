"""The example's gateway under h2load: with no layer, with ours, with what people assemble."""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

from services import check, fetch

# equal is ours with a client that tells no more than the peers' does, which has spans alone
STACKS = ["none", "ours", "equal", "plain", "tuned"]
OURS = ["ours", "equal"]
# what each request must leave: spans that are exported, and lines that are written
SPANS = {"none": 0, "ours": 2, "equal": 2, "plain": 3, "tuned": 2}
LINES = {"none": 0, "ours": 2, "equal": 1, "plain": 2, "tuned": 1}
# as many requests under way over either protocol
PROTOCOLS = {"h1": ["--h1", "-c", "16"], "h2": ["-c", "4", "-m", "4"]}
WARM = 500
# of each connection in a soak: as much as is exported meanwhile
RATE = "250"
# the thread that exports spans does the same for all
EXPORTER = "OpenTelemetry.T"
# what is promised: a third of what theirs cost
PROMISED = 1 / 3
# what fails: a share of the CPU that theirs take, and to lose more of the throughput than theirs do, which is
# the client's, too, as both share the cores with whatever else runs
SHARE, NOISE = {"plain": 0.5, "tuned": 0.8}, 0.05
# how much later than theirs our slowest may be, as the scheduler of a busy machine has it
LATER, AT_LEAST = 1.25, 2000


class Server:
    def __init__(self, program, stack, log, under=()):
        self.log = log
        command = [*under, program, "--stack", stack, "--log", log]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        told = self.process.stdout.readline().split()
        if not told:
            sys.exit(f"{stack}: the server does not start")
        self.gateway, self.admin = f"http://{told[1]}", f"http://{told[3]}"

    def proc(self, name):
        with open(f"/proc/{self.process.pid}/{name}", encoding="utf-8") as file:
            return file.read()

    def cpu(self):
        """The seconds that all threads ran, and those of the exporter's: `stat` has but hundredths."""
        ran = {True: 0, False: 0}
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            exports = self.proc(f"task/{task}/comm").strip() == EXPORTER
            ran[exports] += int(self.proc(f"task/{task}/schedstat").split()[0])
        return (ran[True] + ran[False]) / 1e9, ran[True] / 1e9

    def resident(self):
        """In kB."""
        return int(re.search(r"VmRSS:\s+(\d+)", self.proc("status"))[1])

    def end(self):
        """Stops the server; the spans that it exported, and the lines that it wrote."""
        self.process.terminate()
        told = self.process.communicate(timeout=60)[0].split()
        check_quietly("the server ends in order", self.process.returncode == 0)
        with open(self.log, "rb") as file:
            lines = sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))
        return int(told[1]), lines


def check_quietly(what, is_true, told=""):
    if not is_true:
        check(what, is_true, told)


def h2load(server, protocol, *arguments):
    command = ["h2load", *PROTOCOLS[protocol], *arguments, f"{server.gateway}/products/lamp"]
    done = subprocess.run(command, capture_output=True, text=True)
    check_quietly("h2load", done.returncode == 0, done.stderr)
    return done.stdout


def errors(report):
    """How many requests were not answered with 2xx."""
    numbers = r"(\d+) total, \d+ started, \d+ done, (\d+) succeeded, (\d+) failed, (\d+) errored"
    total, succeeded, failed, errored = map(int, re.search(numbers, report).groups())
    good = int(re.search(r"status codes: (\d+) 2xx", report)[1])
    return max(total - succeeded, total - good, failed + errored)


def round_of(program, stack, protocol, requests, work):
    log, times = os.path.join(work, "log"), os.path.join(work, "times")
    for old in (log, times):
        if os.path.exists(old):
            os.remove(old)
    server = Server(program, stack, log)
    try:
        h2load(server, protocol, "-n", str(WARM))
        before = server.cpu()
        report = h2load(server, protocol, "-n", str(requests), f"--log-file={times}")
        cpu, export = (now - then for now, then in zip(server.cpu(), before))
        resident = server.resident()
        left = server.end()
    finally:
        server.process.kill()
    wanted = tuple(of[stack] * (requests + WARM) for of in (SPANS, LINES))
    check_quietly(f"{stack}: (spans, lines) are {wanted}", left == wanted, left)
    with open(times, encoding="utf-8") as file:
        took = sorted(int(line.split("\t")[2]) for line in file)
    check_quietly(f"{stack}: each request is timed", len(took) == requests, len(took))
    return {
        "rps": float(re.search(r"finished in .*?, ([\d.]+) req/s", report)[1]),
        "p50": took[len(took) // 2],
        "p99": took[len(took) * 99 // 100],
        "mean": statistics.fmean(took),
        "errors": errors(report),
        "cpu": cpu * 10_000 / requests,
        "export": export * 10_000 / requests,
        "resident": resident,
    }


def loss(rounds, stack):
    """The share of the throughput that a stack costs, round by round."""
    pairs = zip(rounds["none"], rounds[stack])
    return statistics.median(1 - one["rps"] / none["rps"] for none, one in pairs)


def added(rounds, stack, without_export=False):
    """The CPU seconds that a stack adds to 10 000 requests: of the best rounds, as noise only adds."""
    export = float(without_export)
    least = {of: min(one["cpu"] - export * one["export"] for one in rounds[of]) for of in ("none", stack)}
    return least[stack] - least["none"]


def table(protocol, rounds):
    head = "requests/s   p50 µs   p99 µs  mean µs  errors  CPU s/10 000  export's  resident MB"
    print(f"\n{protocol}   {head}")
    median = {}
    for stack in STACKS:
        of = {key: statistics.median(one[key] for one in rounds[stack]) for key in rounds[stack][0]}
        of["errors"] = sum(one["errors"] for one in rounds[stack])
        median[stack] = of
        print(
            f"{stack:<6} {of['rps']:9.0f} {of['p50']:8.0f} {of['p99']:8.0f} {of['mean']:8.0f}"
            f" {of['errors']:7} {of['cpu']:13.3f} {of['export']:9.3f} {of['resident'] / 1024:12.1f}"
        )
    return median


def judge(protocol, rounds, median):
    """Prints what is promised, and answers what failed."""
    failed = []

    def judged(name, value, promised, fails):
        word = "" if value <= promised else " MISSED"
        print(f"load {protocol}-{name} {value:.3f}{word}")
        if value > fails:
            failed.append(f"{protocol}-{name}: {value:.3f}, at most {fails:.3f}")

    for stack in STACKS:
        print(f"load {protocol}-{stack}-requests-per-second {median[stack]['rps']:.0f}")
        judged(f"{stack}-errors", median[stack]["errors"], 0, 0)
    for stack in ("plain", "tuned"):
        theirs = loss(rounds, stack)
        print(f"load {protocol}-{stack}-throughput-loss {theirs:.3f}")
        for name, without_export in ("added-cpu", False), ("added-cpu-without-export", True):
            print(f"load {protocol}-{stack}-{name} {added(rounds, stack, without_export):.3f}")
        slowest = median[stack]["p99"]
        for own in OURS:
            most = theirs * PROMISED, theirs + NOISE
            judged(f"{own}-throughput-loss-beside-{stack}", loss(rounds, own), *most)
            for name, without_export in ("added-cpu", False), ("added-cpu-without-export", True):
                of = {one: added(rounds, one, without_export) for one in (own, stack)}
                judged(f"{own}-to-{stack}-{name}", of[own] / of[stack], PROMISED, SHARE[stack])
            fails = max(slowest * LATER, slowest + AT_LEAST)
            judged(f"{own}-p99-beside-{stack}", median[own]["p99"], slowest, fails)
    return failed


def compare(program, requests, rounds, work):
    failed = []
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores before the first round")
    for protocol in PROTOCOLS:
        seen = {stack: [] for stack in STACKS}
        for _ in range(rounds):
            for stack in STACKS:
                seen[stack].append(round_of(program, stack, protocol, requests, work))
        failed += judge(protocol, seen, table(protocol, seen))
    check("ours costs what is promised", not failed, "\n".join(failed))


def executed(program, stack, requests, work):
    """The instructions of all threads for so many requests."""
    report = os.path.join(work, "report")
    under = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    server = Server(program, stack, os.path.join(work, "log"), [*under, f"--log-file={report}"])
    try:
        check_quietly("no errors", errors(h2load(server, "h1", "-n", str(requests))) == 0)
        server.end()
    finally:
        server.process.kill()
    with open(report, encoding="utf-8") as file:
        return int(re.search(r"I +refs: +([\d,]+)", file.read())[1].replace(",", ""))


def instructions(program, work):
    """What a request costs without noise, but for the system's own work."""
    few, many = 200, 1200
    of = {}
    for stack in STACKS:
        difference = executed(program, stack, many, work) - executed(program, stack, few, work)
        of[stack] = difference / (many - few)
        print(f"load instructions-{stack} {of[stack]:.0f}")
    failed = []
    for stack, share in SHARE.items():
        for own in OURS:
            ratio = (of[own] - of["none"]) / (of[stack] - of["none"])
            missed = " MISSED" if ratio > PROMISED else ""
            print(f"load instructions-{own}-to-{stack} {ratio:.3f}{missed}")
            failed += [stack] if ratio > share else []
    check("ours adds no larger share of instructions than before", not failed, failed)


def soak(program, seconds, work):
    """Ours for as long as is said: the resident memory stays what it is."""
    server = Server(program, "ours", "/dev/null")
    try:
        url = f"{server.gateway}/products/lamp"
        command = ["h2load", *PROTOCOLS["h1"], "--rps", RATE, "-D", str(seconds), url]
        client = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        sizes = []
        while client.poll() is None:
            time.sleep(1)
            sizes.append(server.resident())
            fetch(f"{server.admin}/metrics")
        report = client.communicate()[0]
        spans = server.end()[0]
    finally:
        server.process.kill()
    half = sizes[len(sizes) // 2 :]
    tenth = max(1, len(half) // 10)
    first, last = (statistics.median(part) for part in (half[:tenth], half[-tenth:]))
    print(re.search(r"finished in .*", report)[0])
    print(f"load soak-resident-mb {last / 1024:.1f}\nload soak-growth-kb {last - first:.0f}")
    check("no errors", errors(report) == 0, report)
    check("each request left its spans", spans >= 2 * int(re.search(r"(\d+) done", report)[1]))
    check("the last half grows by less than 2 MB", last - first < 2048, sizes)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--requests", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--soak", type=int, metavar="SECONDS")
    parser.add_argument("--instructions", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        if arguments.soak:
            soak(arguments.program, arguments.soak, work)
        elif arguments.instructions:
            instructions(arguments.program, work)
        else:
            compare(arguments.program, arguments.requests, arguments.rounds, work)


main()
