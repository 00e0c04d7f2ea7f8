"""What people write down about services, and what they open: one place for pages and API."""

from typing import Final

from sqlalchemy import Engine

from shared.registry.annotations import Annotations
from shared.registry.improvements import Improvements
from shared.registry.notes import Notes
from shared.registry.openings import Openings


class Records:
    """The records of one registry."""

    def __init__(self, engine: Engine) -> None:
        self.annotations: Final = Annotations(engine)
        self.improvements: Final = Improvements(engine)
        self.notes: Final = Notes(engine)
        self.openings: Final = Openings(engine)
