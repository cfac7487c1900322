"""A temporary Prefect server for a build where there is no other: it starts beside the imports and ends with its parent.

Prefect can start one itself, but only after the flow was imported, and it imports the whole server into the flow's process
for it: on two cores that is the longer half of a small build.
"""

import atexit
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import UsageError


@dataclass
class TemporaryServer:
    """A server process. Its standard input is its lifeline: when this process ends, however, the server ends too."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def api_url(self) -> str:
        """The address for `PREFECT_API_URL`."""
        return f"http://127.0.0.1:{self.port}/api"

    def wait_until_ready(self, seconds: float = 120) -> None:
        """Wait until the server answers; raises `UsageError`, which names its log, when it ended or takes too long."""
        deadline = time.monotonic() + seconds
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise UsageError(f"the Prefect server did not start, see {self.log}; --engine-free builds without one")
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server, and wait for its end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.api_url}/health", timeout=10) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


def start_server(home: Path) -> TemporaryServer:
    """Start a server whose database and log lie in `home`; it is stopped when this process ends.

    Call it before Prefect is imported: what Prefect has to tell the server at its own end must come before that.
    """
    log = home / "server.log"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.server", str(port)], stdin=subprocess.PIPE, stdout=output, stderr=output
        )
    server = TemporaryServer(process, port, log)
    atexit.register(server.stop)
    return server


def serve(port: int) -> None:
    """Serve Prefect's API on a port of this machine until standard input ends."""
    import uvicorn
    from prefect.server.api.server import create_app

    app = create_app(ephemeral=True, final=True)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="on"))

    def wait_for_parent() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True

    threading.Thread(target=wait_for_parent, daemon=True).start()
    server.run()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
