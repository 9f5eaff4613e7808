#!/usr/bin/env python3
"""Parses the queries of the dashboard with promtool, and lists how many there were."""

import json
import subprocess
import sys
import tempfile

directory = sys.argv[1]
with open(f"{directory}/dashboard.json", encoding="utf-8") as file:
    panels = json.load(file)["panels"]
queries = [target["expr"] for panel in panels for target in panel.get("targets", [])]
if len(queries) < 30:
    sys.exit(f"only {len(queries)} queries in the dashboard")
rules = [
    {"record": f"query:{number}:parsed", "expr": query.replace("$__rate_interval", "1m")}
    for number, query in enumerate(queries)
]
with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
    json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
    file.flush()
    subprocess.run(["promtool", "check", "rules", "--lint-fatal", file.name], check=True)
print(f"{len(queries)} queries of the dashboard are PromQL")
