"""What importers and `parcours redetect` ask of the gateway."""

from typing import Annotated

from msgspec import Meta, Struct

_Name = Annotated[str, Meta(min_length=1, max_length=256)]


class ImportRequest(Struct):
    """An import begins or ends: the source that its events carry."""

    source: _Name


class RedetectionRequest(Struct):
    """A redetection begins or ends: its name."""

    run: _Name
