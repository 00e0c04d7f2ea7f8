"""The fields of a form that a page sends, small and each named once."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from services.insights.language import N_
from services.insights.problems import Problem

MAX_FIELDS: Final = 100
_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields, without surrounding blanks; a dependency of routes that take a form.

    Raises `Problem` 422 for a body that no form of this site sends.
    """
    body = await request.body()
    try:
        if body and request.headers.get("content-type", "").partition(";")[0].strip().lower() != _MEDIA_TYPE:
            raise ValueError  # noqa: TRY301  # answered as every other body that is no form
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
        fields = {name: value.replace("\r\n", "\n").strip() for name, value in pairs}
        if len(fields) != len(pairs) or any("\0" in each for each in fields.values()):
            raise ValueError  # noqa: TRY301
    except ValueError as error:
        raise Problem(422, "invalid-form", N_("This form cannot be read: send it again from its page.")) from error
    return fields
