"""A web server on loopback for tests: a function a path, and a list of what was asked."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Web:
    """The address of a running server, its pages by path, and the requests so far (method, path, headers in lower case)."""

    address: str
    pages: dict[str, Answer] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def asked(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [path for _, path, _ in self.requests]


def send(raw: bytes, media_type: str = "text/html; charset=utf-8", status: int = 200, **headers: str) -> Answer:
    """An answer with these bytes; where it has an `ETag` or `Last_Modified`, a request that knows it gets 304."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        known = (handler.headers.get("If-None-Match"), handler.headers.get("If-Modified-Since"))
        is_known = any(value is not None and value in named.values() for value in known)
        handler.send_response(304 if is_known else status)
        for name, value in {**named, "Content-Type": media_type}.items():
            handler.send_header(name, value)
        if not is_known and "Content-Length" not in named:
            handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        if not is_known and handler.command == "GET":
            handler.wfile.write(raw)

    return answer


def redirect(path: str) -> Answer:
    """An answer that leads to another path."""
    return send(b"", status=302, Location=path)


@contextmanager
def serve(pages: Mapping[str, Answer] | None = None) -> Iterator[Web]:
    """Run a server on a free port of loopback; what it has no page for is 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.requests.append(
                (self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
            )
            answer = web.pages.get(self.path) or web.pages.get(self.path.partition("?")[0])
            with suppress(ConnectionError):
                (answer or send(b"", status=404))(self)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    web = Web(f"http://127.0.0.1:{server.server_port}", dict(pages or {}))
    server.closing = web.closing  # type: ignore[attr-defined]  # an answer that takes its time waits for it
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield web
    finally:
        web.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
