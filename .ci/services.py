"""What the scripts need that run real servers."""

import socket
import sys
import time
import urllib.error
import urllib.request

DEADLINE = 120


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def fetch(url, method="GET", body=None, **headers):
    request = urllib.request.Request(url, method=method, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


def until(what, ask):
    """Asks until there is an answer; what is not there in time fails."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        try:
            answer = ask()
            if answer:
                return answer
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit(f"{what}: not within {DEADLINE} s")


def check(what, is_true, told=""):
    if not is_true:
        sys.exit(f"FAILED: {what}\n{told}")
    print(f"ok: {what}", flush=True)
