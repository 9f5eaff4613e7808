"""Asks a running example for its health: by grpcio-health-checking's client, and by curl."""

import json
import os
import subprocess
import sys
import time

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def check(what, holds):
    print(("ok: " if holds else "NOT ok: ") + what, flush=True)
    if not holds:
        sys.exit(1)


def equal(what, found, expected):
    check(f"{what}: {found!r}" if found == expected else f"{what}: {found!r}, not {expected!r}", found == expected)


environment = os.environ | {"HEALTH_ADDR": "127.0.0.1:0", "GRPC_ADDR": "127.0.0.1:0", "DRAIN_SECONDS": "2"}
example = subprocess.Popen(
    sys.argv[1:2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
)


def told():
    name, address = example.stdout.readline().split()
    return address


def tell(line):
    example.stdin.write(line + "\n")
    example.stdin.flush()


def curl(path, *arguments):
    """The exit code of `curl --fail`, the status and the body."""
    command = ["curl", "-sS", "--fail-with-body", "-w", "\n%{http_code}", *arguments, f"http://{http}{path}"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=10)
    body, _, status = ended.stdout.rpartition("\n")
    return ended.returncode, int(status), body


def code(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code()


def until(holds):
    """Waits for what the next run of the check finds."""
    deadline = time.monotonic() + 10
    while not holds():
        if time.monotonic() > deadline:
            check("it changes within 10 s", False)
        time.sleep(0.02)


try:
    http = told()
    channel = grpc.insecure_channel(told())
    stub = health_pb2_grpc.HealthStub(channel)

    def asked(service):
        return stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5).status

    def watch(service):
        return stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=60)

    equal("/livez", curl("/livez"), (0, 200, '{"status":"pass","checks":{}}'))
    equal("/readyz fails before the first pass", curl("/readyz")[:2], (22, 503))
    equal("and so does /startupz", curl("/startupz")[:2], (22, 503))
    equal("Check of the server", asked(""), NOT_SERVING)
    equal("Check of a service", asked("shop.Payment"), NOT_SERVING)
    equal("Check of live", asked("live"), SERVING)
    equal("Check of a stranger", code(lambda: asked("shop.Other")), grpc.StatusCode.NOT_FOUND)
    watched, unknown = watch("shop.Payment"), watch("shop.Other")
    equal("Watch", next(watched).status, NOT_SERVING)
    equal("Watch of a stranger", next(unknown).status, SERVICE_UNKNOWN)

    tell("up")
    equal("Watch tells that it serves", next(watched).status, SERVING)
    equal("Check", asked(""), SERVING)
    lines = "[+]database ok\n[+]disk ok\nreadyz check passed\n"
    until(lambda: "warning" not in curl("/readyz?verbose")[2])
    equal("/readyz?verbose", curl("/readyz?verbose"), (0, 200, lines))
    lines = lines.replace("[+]disk ok", "[+]disk excluded: ok")
    equal("/readyz?verbose&exclude=disk", curl("/readyz?verbose&exclude=disk"), (0, 200, lines))
    equal("HEAD", curl("/readyz", "--head")[:2], (0, 200))
    equal("POST", curl("/readyz", "-XPOST")[:2], (22, 405))
    document = json.loads(curl("/health")[2])
    equal("members", list(document), ["status", "version", "releaseId", "checks"])
    equal("of the disk", document["checks"]["disk"][0]["observedUnit"], "%")
    if hasattr(stub, "List"):
        listed = stub.List(health_pb2.HealthListRequest(), timeout=5).statuses
        expected = ["", "live", "ready", "shop.Payment", "startup"]
        equal("List", sorted(listed), expected)
        check("all of them serve", all(one.status == SERVING for one in listed.values()))
    else:
        print("this client has no List")

    tell("down")
    equal("Watch tells that it does not", next(watched).status, NOT_SERVING)
    equal("/readyz", curl("/readyz")[:2], (22, 503))
    lines = "[-]database failed: reason withheld\n[+]disk ok\nreadyz check failed\n"
    equal("/readyz?verbose", curl("/readyz?verbose"), (22, 503, lines))
    equal("output for those who read", json.loads(curl("/health")[2])["checks"]["database"][0]["output"], "connection refused")
    equal("/startupz stays", curl("/startupz")[:2], (0, 200))
    tell("up")
    equal("Watch", next(watched).status, SERVING)

    tell("drain")
    equal("the drain is told to the Watch", next(watched).status, NOT_SERVING)
    equal("which ends", list(watched), [])
    equal("and so does that of a stranger", list(unknown), [])
    equal("/readyz", curl("/readyz")[:2], (22, 503))
    equal("/livez", curl("/livez")[:2], (0, 200))
    equal("Check", asked(""), NOT_SERVING)
    equal("a new Watch", code(lambda: next(watch(""))), grpc.StatusCode.UNAVAILABLE)
    equal("it ends by itself", example.wait(timeout=20), 0)
    equal("and says so", example.stdout.read(), "stopped\n")
finally:
    example.kill()
