"""Runs ``cellar`` commands in processes of their own, forked from one that has done the imports.

A start of Python with all imports costs a second, a fork a tenth of it. Each command still has its own process, its own
standard streams and its own exit code.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SERVER: Final = "import cellar_runner; cellar_runner.serve()"


@dataclass(frozen=True)
class Said:
    """What a command said and with which code it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return its output as one JSON document."""
        return json.loads(self.out)

    def lines(self) -> list[dict[str, Any]]:
        """Return its output as JSON objects, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class Runner:
    """A process that forks a child for every command."""

    def __init__(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CELLAR_")}
        environment["PYTHONPATH"] = str(Path(__file__).parent)
        # A reader's process a command would cost what the fork saves; `test_apart.py` has commands with one.
        environment["CELLAR_READERS"] = "inside"
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._server: subprocess.Popen[str] = subprocess.Popen(  # type: ignore[call-overload]  # the pipes are as named
            [sys.executable, "-c", SERVER], env=environment, **pipes
        )

    def run(self, arguments: list[str], folder: Path) -> Said:
        """Run one command in a folder."""
        requests, answers = self._server.stdin, self._server.stdout
        assert requests is not None
        assert answers is not None
        requests.write(json.dumps({"arguments": arguments, "folder": str(folder)}) + "\n")
        requests.flush()
        return Said(**json.loads(answers.readline()))

    def close(self) -> None:
        """End the process."""
        self._server.communicate()


def serve() -> None:
    """Answer requests until there are none; one JSON object a line."""
    import flows.cli  # noqa: PLC0415 only the server pays for it
    import parsers  # noqa: PLC0415 the same as above

    parsers.formats()
    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = os.fork()
            if child == 0:
                os.chdir(request["folder"])
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                sys.argv = ["cellar", *request["arguments"]]
                os._exit(_code_of(flows.cli.main))
            _, status = os.waitpid(child, 0)
            said = {"code": os.waitstatus_to_exitcode(status), "out": _text(out), "err": _text(err)}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


def _code_of(main: Any) -> int:
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:  # noqa: BLE001 as the interpreter does at the top
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else 1


def _text(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode())
