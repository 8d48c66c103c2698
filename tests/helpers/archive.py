"""An archive on this machine: serves files over HTTP, and misbehaves as it is told."""

import gzip
import io
import threading
from collections import defaultdict
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import numpy as np
from astropy.io import fits

LOGIN = b"<!DOCTYPE html><html><body>Please log in</body></html>"


def fits_bytes(seed=0, n=3000):
    """Return a small FITS file."""
    out = io.BytesIO()
    fits.PrimaryHDU(np.random.default_rng(seed).normal(size=n)).writeto(out)
    return out.getvalue()


def gz_bytes(seed=0):
    return gzip.compress(fits_bytes(seed), mtime=0)


class Archive:
    """
    Files by path, and what goes wrong with them.

    Attributes
    ----------
    files : dict of path to bytes
    trouble : dict of path to list
        What happens to the next requests of a path, one each: a status; (status, headers); ("cut", n) ends the
        connection after n bytes; ("move", url); a bytes object is the body in place of the file.
    seen : list of (method, path with query, headers)
    etags, ranges : bool
        Whether the server has ETags, and answers requests for ranges.
    """

    def __init__(self):
        self.files, self.trouble, self.seen = {}, defaultdict(list), []
        self.etags = self.ranges = True
        self.url = ""

    def paths(self, method="GET"):
        return [urlsplit(path).path for kind, path, _ in self.seen if kind == method]


@contextmanager
def archive():
    served = Archive()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self._answer(with_body=False)

        def do_GET(self):
            self._answer(with_body=True)

        def _answer(self, *, with_body):
            path = urlsplit(self.path).path
            served.seen.append((self.command, self.path, dict(self.headers)))
            trouble = served.trouble[path].pop(0) if served.trouble[path] else None
            body, status, headers, cut = served.files.get(path), 200, {}, None
            if isinstance(trouble, int):
                status, body = trouble, b""
            elif isinstance(trouble, bytes):
                body = trouble
            elif isinstance(trouble, tuple) and trouble[0] == "cut":
                cut = trouble[1]
            elif isinstance(trouble, tuple) and trouble[0] == "move":
                status, body, headers = 302, b"", {"Location": trouble[1]}
            elif isinstance(trouble, tuple):
                status, headers = trouble
                body = b""
            if body is None:
                status, body = 404, b""
            etag = f'"{hash(body)}"'
            begin = self.headers.get("Range", "").removeprefix("bytes=").removesuffix("-")
            if status == 200 and served.ranges and begin and self.headers.get("If-Range") == etag:
                first = int(begin)
                if first >= len(body):
                    headers["Content-Range"] = f"bytes */{len(body)}"
                    status, body = 416, b""
                else:
                    headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
                    status, body = 206, body[first:]
            self.send_response(status)
            headers.setdefault("Content-Length", str(len(body)))
            if served.etags:
                headers["ETag"] = etag
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if with_body:
                self.wfile.write(body[:cut])
                if cut is not None:
                    self.wfile.flush()
                    self.close_connection = True
                    self.connection.close()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
