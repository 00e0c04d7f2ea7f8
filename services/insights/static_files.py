"""Style sheets and pictures, read once at start, served with an ETag and under a name that changes with them."""

import hashlib
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
_REVALIDATE: Final = "public, max-age=0, must-revalidate"
_A_YEAR: Final = "public, max-age=31536000, immutable"


class StaticFile(Struct, frozen=True):
    """One file: its bytes, its type, a fingerprint of its content."""

    content: bytes
    media_type: str
    fingerprint: str


def read_static() -> dict[str, StaticFile]:
    """The files of the folder `static` by name."""
    return {
        path.name: StaticFile(
            (content := path.read_bytes()), _TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:16]
        )
        for path in sorted(_FOLDER.iterdir())
        if path.suffix in _TYPES
    }


def static_address(files: dict[str, StaticFile], name: str) -> str:
    """The address of a file, which may be cached for ever: it changes with the content."""
    return f"/static/{name}?v={files[name].fingerprint}"


def static_routes() -> APIRouter:
    """`/static/NAME`"""
    router = APIRouter(include_in_schema=False)
    files = read_static()

    @router.get("/static/{name}")
    def static(request: Request, name: str) -> Response:
        file = files.get(name)
        if file is None:
            raise HTTPException(404)
        etag = f'"{file.fingerprint}"'
        fresh = request.query_params.get("v") == file.fingerprint
        headers = {"etag": etag, "cache-control": _A_YEAR if fresh else _REVALIDATE}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(file.content, media_type=file.media_type, headers=headers)

    @router.get("/favicon.ico")
    def favicon(request: Request) -> Response:
        return static(request, "mark.svg")

    return router
