"""The console's own files: style, scripts and pictures.

Each path has a digest, so that a browser may keep the file for ever.
"""

import gzip
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
FOR_EVER: Final = "public, max-age=31536000, immutable"

_FOLDER: Final = files("worker.web") / "static"


@cache
def _all() -> dict[str, tuple[bytes, bytes]]:
    """Every file by name, as it is and compressed, read once."""
    # A path that is no name here leads nowhere, so none can climb out.
    read = {entry.name: entry.read_bytes() for entry in _FOLDER.iterdir() if entry.name.rpartition(".")[2] in TYPES}
    return {name: (content, gzip.compress(content, 9, mtime=0)) for name, content in read.items()}


@cache
def asset(name: str) -> str:
    """The path of a file for a page."""
    return f"/static/{sha256(_all()[name][0]).hexdigest()[:12]}/{name}"


async def static(request: Request) -> Response:
    """One file.

    An older page may ask by an older digest: it gets what there is, and keeps it for no longer than
    a page.
    """
    name = request.path_params["name"]
    if name not in _all():
        raise HTTPException(404)
    content, packed = _all()[name]
    # Only under the digest of what is answered: a proxy would else keep the new file under the old
    # path for a year.
    current = request.url.path == asset(name)
    headers = {"cache-control": FOR_EVER if current else "no-store", "vary": "accept-encoding"}
    # Pages are not compressed: how well that works would tell what stands beside a text that
    # another party chose.
    if "gzip" in request.headers.get("accept-encoding", ""):
        content, headers = packed, {**headers, "content-encoding": "gzip"}
    return Response(content, media_type=TYPES[name.rpartition(".")[2]], headers=headers)


routes: Final = [Route("/static/{digest}/{name}", static)]
