#!/usr/bin/env python3
"""Checks what can be known of an OpenTelemetry Collector's configuration without a Collector: that it is YAML in which
no key comes twice, that each component a pipeline names is defined and each one that is defined is used, of a type that
the distribution "contrib" has for that signal, and that the memory limiter stands first."""

import copy
import sys

import yaml

SECTIONS = {"receivers", "processors", "exporters"}
SIGNALS = {"traces", "metrics", "logs"}
# of those that the configuration may use: the signals they have
TYPES = {
    "receivers": {"otlp": SIGNALS, "filelog": {"logs"}},
    "processors": {
        "memory_limiter": SIGNALS,
        "batch": SIGNALS,
        "resource": SIGNALS,
        "tail_sampling": {"traces"},
    },
    "exporters": {"otlp": SIGNALS},
}


class Strict(yaml.SafeLoader):
    pass


def mapping(loader, node):
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        raise ValueError(f"{sorted(twice)} twice at line {node.start_mark.line + 1}")
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


Strict.add_constructor("tag:yaml.org,2002:map", mapping)


def check(configuration):
    """The complaints."""
    complaints = []
    unknown = set(configuration) - SECTIONS - {"service"}
    complaints += [f"{section} is no section" for section in sorted(unknown)]
    used = {section: set() for section in SECTIONS}
    pipelines = configuration.get("service", {}).get("pipelines", {})
    if not pipelines:
        complaints.append("there is no pipeline")
    for name, pipeline in pipelines.items():
        signal = name.split("/")[0]
        if signal not in SIGNALS:
            complaints.append(f"{name} is of no signal")
        for section in sorted(set(pipeline) - SECTIONS):
            complaints.append(f"{name} has {section}")
        for section in ("receivers", "exporters"):
            if not pipeline.get(section):
                complaints.append(f"{name} has no {section}")
        for section, components in pipeline.items():
            for component in components:
                kind = component.split("/")[0]
                used.setdefault(section, set()).add(component)
                if component not in (configuration.get(section) or {}):
                    complaints.append(f"{name}: {section} has no {component}")
                if signal not in TYPES.get(section, {}).get(kind, set()):
                    complaints.append(f"{name}: {kind} is nothing of {section} for {signal}")
        if pipeline.get("processors", [None])[0] != "memory_limiter":
            complaints.append(f"{name}: the memory limiter stands first")
    for section in sorted(SECTIONS):
        for component in sorted(set(configuration.get(section) or {}) - used[section]):
            complaints.append(f"{section}: {component} is used by no pipeline")
    return complaints


def broken(configuration):
    """Configurations that must be complained of: a check that takes anything has checked nothing."""
    def but(change):
        changed = copy.deepcopy(configuration)
        change(changed)
        return changed

    pipelines = lambda it: it["service"]["pipelines"]
    yield but(lambda it: it["exporters"].clear())
    yield but(lambda it: it["processors"].update(unused={}))
    yield but(lambda it: it.update(recievers={}))
    yield but(lambda it: pipelines(it).update(spans=pipelines(it)["traces"]))
    yield but(lambda it: pipelines(it)["traces"]["receivers"].append("filelog/access"))
    yield but(lambda it: pipelines(it)["logs"]["processors"].reverse())
    yield but(lambda it: pipelines(it)["logs"].pop("exporters"))


def main(path):
    with open(path, encoding="utf-8") as file:
        configuration = yaml.load(file, Strict)
    complaints = check(configuration)
    for complaint in complaints:
        print(f"{path}: {complaint}", file=sys.stderr)
    for number, wrong in enumerate(broken(configuration)):
        if not check(wrong):
            complaints.append(f"broken configuration {number} is taken")
            print(complaints[-1], file=sys.stderr)
    try:
        yaml.load("a: 1\na: 2\n", Strict)
        complaints.append("a key may come twice")
    except ValueError:
        pass
    if complaints:
        return 1
    print(f"{path}: {len(configuration['service']['pipelines'])} pipelines, of components that are defined")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
