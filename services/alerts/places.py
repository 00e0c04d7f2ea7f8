"""Where things are: which place of a service holds which other."""

from collections.abc import Iterator

from shared.alerts.finding import Series


def territory_holds(outer: str, inner: str) -> bool:
    """Whether `inner` is the territory `outer` or lies below it; '' is everywhere."""
    return outer in ("", inner) or inner.startswith(outer + "/")


def holds(outer: Series, inner: Series) -> bool:
    """Whether the place of `inner` is that of `outer` or lies within it."""
    return (
        outer.service in ("", inner.service)
        and outer.channel in ("", inner.channel)
        and territory_holds(outer.territory, inner.territory)
    )


def overlap(one: Series, other: Series) -> bool:
    """Whether something can happen in both places."""
    return (
        (one.service == other.service or not one.service or not other.service)
        and (one.channel == other.channel or not one.channel or not other.channel)
        and (territory_holds(one.territory, other.territory) or territory_holds(other.territory, one.territory))
    )


def territories_up(territory: str) -> Iterator[str]:
    """The territory and all that hold it, the widest ('') last."""
    while territory:
        yield territory
        territory = territory.rpartition("/")[0]
    yield ""


def places_above(series: Series) -> Iterator[tuple[str, str, str]]:
    """(service, channel, territory) of every place that holds this one, its own first."""
    for territory in territories_up(series.territory):
        for channel in dict.fromkeys((series.channel, "")):
            for service in dict.fromkeys((series.service, "")):
                yield service, channel, territory
