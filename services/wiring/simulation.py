"""Trying other rule settings on the past: what is loaded is read here, and folded by a process of its own."""

from collections.abc import Callable

from services.simulation.job import Simulations
from shared.store.client import Store
from shared.store.past_of_people import PastOfPeople


def build_simulations(store: Store, now_us: Callable[[], int]) -> Simulations:
    """The runs of this process, over a store."""
    return Simulations(lambda from_us, to_us, service: PastOfPeople(store, from_us, to_us, service), now_us)
