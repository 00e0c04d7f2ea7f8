"""What people write down, by API: annotations and improvements, read, added, changed, removed; every version is kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Query
from msgspec import Struct
from starlette.requests import Request

from services.insights.api.bodies import body_of, described
from services.insights.api.models import NOT_FOUND, PROBLEMS
from services.insights.context import Context
from services.insights.filters import only_known
from services.insights.language import N_
from services.insights.problems import Problem, record_conflict
from shared.errors import RecordConflict, RecordRefused
from shared.registry.annotations import Annotation, AnnotationValues
from shared.registry.improvements import Improvement, ImprovementValues
from shared.registry.record import VersionedRecords, is_id

Values = TypeVar("Values", bound=Struct)
Record = TypeVar("Record", bound=Struct)

VersionQuery = Annotated[
    int,
    Query(ge=1, le=2**31 - 1, description="The version that this replaces: 409 where it is no longer the present one."),
]
_CHANGES: Final[dict[int | str, dict[str, Any]]] = {409: {"description": "Changed by somebody else meanwhile"}}


def routes(context: Context) -> APIRouter:
    """`/api/v1/annotations` and `/api/v1/improvements`, each with `/{record}` and `/{record}/history`"""
    router = APIRouter(responses=PROBLEMS)
    router.include_router(_annotations(context))
    router.include_router(_improvements(context))
    return router


def _annotations(context: Context) -> APIRouter:
    router, records = APIRouter(prefix="/api/v1", tags=["annotations"]), context.records.annotations

    @router.get("/annotations", openapi_extra=described(_listing("annotations", Annotation)))
    def annotations(request: Request) -> dict[str, Any]:
        """Every annotation, the latest day first."""
        only_known(request.query_params, ("lang",))
        return {"annotations": msgspec.to_builtins(records.all())}

    _reading_routes(router, "annotations", records, Annotation)
    _changing_routes(router, "annotations", records, AnnotationValues, Annotation)
    return router


def _improvements(context: Context) -> APIRouter:
    router, records = APIRouter(prefix="/api/v1", tags=["improvements"]), context.records.improvements

    @router.get("/improvements", openapi_extra=described(_listing("improvements", Improvement)))
    def improvements(request: Request) -> dict[str, Any]:
        """Every improvement, the latest start first; what each has done is told by the figures on improvements."""
        only_known(request.query_params, ("lang",))
        return {"improvements": msgspec.to_builtins(records.all())}

    _reading_routes(router, "improvements", records, Improvement)
    _changing_routes(router, "improvements", records, ImprovementValues, Improvement)
    return router


def _listing(name: str, kind: type[Struct]) -> Any:
    """The type of a list under its name."""
    return msgspec.defstruct(name.capitalize(), [(name, list[kind])])  # type: ignore[valid-type]


def _reading_routes(router: APIRouter, name: str, records: VersionedRecords[Any, Any], kind: type[Struct]) -> None:
    @router.get(f"/{name}/{{record}}", responses=NOT_FOUND, openapi_extra=described(kind))
    def look(request: Request, record: str) -> Any:
        """One of them, as it is kept."""
        only_known(request.query_params, ("lang",))
        return msgspec.to_builtins(_found(records, record))

    @router.get(f"/{name}/{{record}}/history", responses=NOT_FOUND)
    def history(request: Request, record: str) -> dict[str, Any]:
        """What stood there before, the first version first; also of one that was removed."""
        only_known(request.query_params, ("lang",))
        earlier = records.history(record) if is_id(record) else []
        if not earlier:
            _found(records, record)
        return {"versions": msgspec.to_builtins(earlier)}


def _changing_routes(
    router: APIRouter, name: str, records: VersionedRecords[Values, Record], values: type[Values], kind: type[Record]
) -> None:
    one, read = f"/{name}/{{record}}", Depends(body_of(values))

    @router.post(f"/{name}", status_code=201, openapi_extra=described(kind, values, 201))
    def add(request: Request, given: Any = read) -> Any:
        """Keep a new one, version 1."""
        only_known(request.query_params, ("lang",))
        with _typed_problems():
            return msgspec.to_builtins(records.add(given))

    @router.put(one, responses={**NOT_FOUND, **_CHANGES}, openapi_extra=described(kind, values))
    def change(request: Request, record: str, version: VersionQuery, given: Any = read) -> Any:
        """Put these values in place of a version, which stays in the history."""
        only_known(request.query_params, ("version", "lang"))
        _found(records, record)
        with _typed_problems():
            return msgspec.to_builtins(records.change(record, version, given))

    @router.delete(one, status_code=204, responses={**NOT_FOUND, **_CHANGES})
    def remove(request: Request, record: str, version: VersionQuery) -> None:
        """Remove it; its history stays."""
        only_known(request.query_params, ("version", "lang"))
        _found(records, record)
        with _typed_problems():
            records.remove(record, version)


@contextmanager
def _typed_problems() -> Iterator[None]:
    try:
        yield
    except RecordRefused as error:
        detail = N_("This cannot be kept as it is: look at “%(field)s”.")
        raise Problem(422, "record-refused", detail, field=error.field or "*") from error
    except RecordConflict as error:
        raise record_conflict() from error


def _found(records: VersionedRecords[Values, Record], record: str) -> Record:
    found = records.get(record)
    if found is None:
        raise Problem(404, "no-record", N_("There is none with this id (any more)."))
    return found
