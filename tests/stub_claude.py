"""Stands in for the `claude` program: speaks its stream-json protocol, and does what a scenario file says.

Called as `stub_claude.py SCENARIO …flags`. What it was given (flags, environment, prompt, folder) is appended as a JSON
line to SCENARIO.log. Keys of a scenario, all optional: `files` (declared path -> content, written when the prompt asks
for it), `extra` (path -> content, written in any case), `links` (path -> where to), `removes`, `big` (path -> bytes),
`pieces` (seconds between two files), `daemon` (seconds that a process lives that leaves the group), `raw` (standard
output instead of messages), `result` (fields over those of a good result; null for none), `sleep`, `stderr`, `exit`,
`attempts` (fields over these, by how often it was called before).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

GOOD: dict[str, Any] = {
    "type": "result",
    "subtype": "success",
    "is_error": False,
    "num_turns": 3,
    "result": "DECISIONS: none",
    "stop_reason": "end_turn",
    "total_cost_usd": 0.25,
    "usage": {"input_tokens": 100, "output_tokens": 50, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 3},
}


def say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def write(path: str, content: str) -> None:
    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content, encoding="utf-8")


def wanted(prompt: str) -> list[str]:
    return re.findall(r"^  (\S+)$", prompt.partition("under exactly this path")[2], re.M)


def act(scenario: dict[str, Any], prompt: str) -> None:
    """The agent's work in the current folder."""
    table = scenario.get("files", {})
    for path in [path for path in wanted(prompt) if path in table]:
        write(path, table[path])
        say({"type": "assistant", "message": {"content": [{"type": "tool_use", "name": "Write"}]}})
        time.sleep(scenario.get("pieces", 0))
    for path, content in scenario.get("extra", {}).items():
        write(path, content)
    for path, target in scenario.get("links", {}).items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).symlink_to(target)
    for path, size in scenario.get("big", {}).items():
        write(path, "x" * size)
    for path in scenario.get("removes", []):
        Path(path).unlink()


def main() -> int:
    place = Path(sys.argv[1])
    scenario = json.loads(place.read_text(encoding="utf-8"))
    prompt = json.loads(sys.stdin.readline())["message"]["content"]
    log = Path(f"{place}.log")
    before = log.read_text(encoding="utf-8").count("\n") if log.is_file() else 0
    scenario |= (scenario.get("attempts") or [{}])[min(before, len(scenario.get("attempts") or [{}]) - 1)]
    seen = {"argv": sys.argv[2:], "env": dict(os.environ), "prompt": prompt, "cwd": str(Path.cwd()), "pid": os.getpid()}
    seen["there"] = sorted(str(p.relative_to(Path.cwd())) for p in Path.cwd().rglob("*") if p.is_file())
    if scenario.get("daemon"):
        command = [sys.executable, "-c", f"import time; time.sleep({scenario['daemon']})"]
        seen["daemon"] = subprocess.Popen(command, start_new_session=True).pid
    with log.open("a", encoding="utf-8") as out:
        out.write(json.dumps(seen) + "\n")
    if "raw" in scenario:
        sys.stdout.write(scenario["raw"])
    else:
        say({"type": "system", "subtype": "init", "model": "claude-stub-1", "tools": []})
        act(scenario, prompt)
    sys.stdout.flush()
    time.sleep(scenario.get("sleep", 0))
    sys.stderr.write(scenario.get("stderr", ""))
    if "raw" not in scenario and scenario.get("result", {}) is not None:
        say(GOOD | scenario.get("result", {}))
    return int(scenario.get("exit", 0))


if __name__ == "__main__":
    sys.exit(main())
