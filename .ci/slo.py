#!/usr/bin/env python3
"""Parses the queries of the dashboard with promtool, and lists how many there were."""

import json
import subprocess
import sys
import tempfile


def queries(directory):
    """The queries of the dashboard, each with the title of its panel."""
    with open(f"{directory}/dashboard.json", encoding="utf-8") as file:
        panels = json.load(file)["panels"]
    found = [
        # what Grafana makes of it for a source that is scraped every 15 s
        (panel["title"], target["expr"].replace("$__rate_interval", "1m"))
        for panel in panels
        for target in panel.get("targets", [])
    ]
    if len(found) < 30:
        sys.exit(f"only {len(found)} queries in the dashboard")
    return found


def main(directory):
    found = queries(directory)
    rules = [
        {"record": f"query:{number}:parsed", "expr": query}
        for number, (_, query) in enumerate(found)
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
        file.flush()
        subprocess.run(["promtool", "check", "rules", "--lint-fatal", file.name], check=True)
    print(f"{len(found)} queries of the dashboard are PromQL")


if __name__ == "__main__":
    main(sys.argv[1])
