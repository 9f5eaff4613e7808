"""Three instances behind a real Prometheus and a real Alertmanager: what objectives generate, at work.

A burst of errors and one of slowness must reach the webhook and be taken back; the budget that the rules
tell must be that of the instances' counters; every query of the dashboard must have data, and every
command of the runbooks must run.
"""

import json
import math
import os
import socket
import subprocess
import sys
import tempfile
import time

from fleet import TOKEN, Fleet, Traffic
from services import check, until
from slo import queries

RUNBOOK = "https://runbooks.example/fleet/ErrorBudgetBurn.md#"
WINDOWS = {"page": "10s/2m", "ticket": "1m/12m"}


def labelled(to, alertname, slo, severity, **more):
    labels = {"alertname": alertname, "job": "fleet", "slo": slo, "severity": severity}
    return to, tuple(sorted({**labels, "window": WINDOWS[severity], **more}.items()))


def of_objective(slo, instance):
    """What Prometheus tells of the fleet, and the instance of itself."""
    told = {labelled(f"/{one}", "ErrorBudgetBurn", slo, one) for one in WINDOWS}
    own = {"alertname": "InstanceErrorBudgetBurn", "instance": instance}
    return told | {labelled("/instance", slo=slo, severity=one, **own) for one in WINDOWS}


def tire_of(service):
    """Asks for a report and goes away."""
    host, port = service.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET /report HTTP/1.1\r\nHost: fleet\r\n\r\n")
        time.sleep(0.2)


def numbers(result):
    return [one for one in result if not math.isnan(float(one["value"][1]))]


def check_dashboard(fleet):
    silent = []
    found = queries(fleet.work)
    for panel, query in found:
        end = time.monotonic() + 20
        while not numbers(fleet.query(query)):
            if time.monotonic() > end:
                silent.append(f"{panel}: {query}")
                break
            time.sleep(0.5)
    check(f"all {len(found)} queries of the dashboard have data", not silent, "\n".join(silent))


def check_runbooks(fleet):
    listed = subprocess.run([fleet.example, "commands"], check=True, capture_output=True)
    commands = json.loads(listed.stdout)
    places = {"ADMIN": f"http://{fleet.instances[0]}", "PROMETHEUS": fleet.prometheus}
    environment = {**os.environ, **places, "TOKEN": TOKEN}
    for one in commands:
        done = subprocess.run(
            ["sh", "-c", one["command"]], env=environment, capture_output=True, text=True
        )
        if done.returncode != 0 or not done.stdout.strip():
            told = f"{one['command']}\n{done.returncode} {done.stdout} {done.stderr}"
            check(f"{one['alert']}: {one['shows']}", False, told)
    check(f"all {len(commands)} commands of the runbooks run and tell", len(commands) > 10)


def slack(fleet):
    """By how much increase() may be more than what was counted, as a share of it.

    It goes on from the last sample to when it is evaluated: at most 1.1 times the time between two
    samples, as a share of the time in which samples were taken. It does not go back before the first
    sample, as that is 0: so it is never less.
    """
    most = 0
    samples = fleet.query("slo_events_total[1d]")
    check("each counter was scraped", len(samples) == 3 * 2 * 2, samples)
    first = {series["values"][0][1] for series in samples}
    check("each was scraped when it was 0", first == {"0"}, first)
    for series in samples:
        times = [at for at, _ in series["values"]]
        most = max(most, 1.1 / (len(times) - 1))
    return most


def check_budgets(fleet, statuses):
    counted = fleet.counters()
    check(
        f"the counters are what customers saw: {statuses[200]} good, {statuses[503]} bad",
        set(statuses) == {200, 503}
        and counted["fleet-availability", "good"] == statuses[200]
        and counted["fleet-availability", "bad"] == statuses[503],
        f"{counted} {statuses}",
    )

    def scraped():
        sums = fleet.query("sum by (slo, outcome) (slo_events_total)")
        sums = {
            (one["metric"]["slo"], one["metric"]["outcome"]): int(one["value"][1]) for one in sums
        }
        return sums == counted

    until("Prometheus has the sums of the instances' counters", scraped)
    still = time.time()
    record = 'slo:error_budget_remaining:ratio{job="fleet"}'
    until(
        "the rules have been evaluated since",
        lambda: len(fleet.query(f"timestamp({record}) > {still + 2}")) == 2,
    )
    most = slack(fleet)
    print(f"increase() may tell up to {most:.2%} more than was counted")

    def recorded(name, slo):
        [one] = fleet.query(f'{name}{{job="fleet",slo="{slo}"}}')
        return float(one["value"][1])

    # what adding and multiplying f64 may lose
    noise = 1e-9
    for slo, allowed in [("fleet-availability", 0.001), ("fleet-latency", 0.005)]:
        good, bad = counted[slo, "good"], counted[slo, "bad"]
        for name, exact in [("events", good + bad), ("events_bad", bad)]:
            told = recorded(f"slo:{name}:increase1d", slo)
            check(
                f"{slo}: {name} of the rules, {told:.2f}, are the {exact} of the instances",
                bad > 0 and exact * (1 - noise) <= told <= exact * (1 + most + noise),
            )
        burnt, told = bad / (allowed * (good + bad)), recorded("slo:error_budget_remaining:ratio", slo)
        check(
            f"{slo}: the budget of the rules, {told:.4f}, is that of the instances, {1 - burnt:.4f}",
            burnt / (1 + most) - noise <= 1 - told <= burnt * (1 + most) + noise,
        )


def check_posted(fleet, expected):
    """That Alertmanager has them, with what a receiver needs to know."""
    alerts = fleet.alerts()
    labels = {tuple(sorted(alert["labels"].items())) for alert in alerts}
    wanted = {labels for _, labels in expected}
    check("GET /api/v2/alerts has those of Prometheus and of the instance", labels >= wanted, labels)
    for _, alert in fleet.notifications():
        annotations, slo = alert["annotations"], alert["labels"]["slo"]
        is_told = annotations["summary"] and annotations["description"]
        if not is_told or annotations["runbook_url"] != f"{RUNBOOK}{slo}":
            check("each names its runbook", False, alert)
    check("each names its runbook", True)


def check_death(fleet):
    """An instance that dies takes its own alerts with it."""

    def own():
        names = [alert["labels"]["alertname"] for alert in fleet.alerts()]
        return "InstanceErrorBudgetBurn" in names

    fleet.turn(fleet.instances[0], fail_one_in=2)
    traffic = Traffic(fleet.services[:1])
    try:
        until("an alert of an instance's own", own)
    finally:
        traffic.stop()
    fleet.kill("instance-0")
    check("it is still there when the instance is not", own())
    until("its end, of which nobody told Alertmanager", lambda: not own())
    check("the alerts of an instance that was killed end by themselves", True)


def main(example, work, processes):
    fleet = Fleet(example, work, processes)
    fleet.start_all()
    zeros = "count(slo_events_total == 0) == 12"
    until("Prometheus scraped all counters at 0", lambda: fleet.query(zeros))
    check("nobody has been told anything", fleet.notifications() == [] and fleet.alerts() == [])

    first = fleet.instances[0]
    traffic = Traffic(fleet.services)
    try:
        until("some traffic", lambda: len(traffic.statuses) >= 300)
        failing = of_objective("fleet-availability", first)
        fleet.turn(first, fail_one_in=10)
        until("the alerts of the errors at the webhook", lambda: fleet.told("firing") >= failing)
        check_posted(fleet, failing)
        check("no other alert has come", fleet.told("firing") == failing, fleet.told("firing"))
        check("and none has gone", fleet.told("resolved") == set(), fleet.told("resolved"))
        fleet.turn(first)

        for _ in range(3):
            tire_of(fleet.services[1])
        # a rate needs two scrapes
        tired = 'rate(http_server_request_duration_seconds_count{error_type="cancelled"}[1m])'
        until("the reports that nobody waited for", lambda: fleet.query(tired))
        check_dashboard(fleet)
        check_runbooks(fleet)

        slow = of_objective("fleet-latency", first)
        for instance in fleet.instances:
            fleet.turn(instance, delay_ms=600)
        until("the alerts of slowness at the webhook", lambda: fleet.told("firing") >= failing | slow)
        for instance in fleet.instances:
            fleet.turn(instance)
    finally:
        statuses = traffic.stop()
    until("the end of all alerts at the webhook", lambda: fleet.told("resolved") == failing | slow)
    check("no other alert has come", fleet.told("firing") == failing | slow, fleet.told("firing"))
    until("no alert in GET /api/v2/alerts", lambda: fleet.alerts() == [])
    check("pages, tickets and the instance's own were told and taken back", True)
    check_budgets(fleet, statuses)
    check_death(fleet)


if __name__ == "__main__":
    started, is_done = [], False
    with tempfile.TemporaryDirectory() as directory:
        try:
            main(sys.argv[1], directory, started)
            is_done = True
        finally:
            for name, process in started:
                ended = process.poll()
                if ended is not None:
                    is_done = False
                    print(f"{name} ended by itself: {ended}", file=sys.stderr)
                process.terminate()
            for name, process in started:
                process.wait()
                if not is_done:
                    with open(os.path.join(directory, f"{name}.log"), encoding="utf-8") as file:
                        print(f"--- {name}\n{file.read()[-3000:]}", file=sys.stderr)
    sys.exit(0 if is_done else 1)
