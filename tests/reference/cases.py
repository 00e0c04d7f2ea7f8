"""All hand-written cases: for the reference, and for any other implementation of the page."""

from tests.reference import (
    cases_of_casework,
    cases_of_contacts,
    cases_of_deadlines,
    cases_of_forms,
    cases_of_journeys,
    cases_of_status_and_transfers,
    cases_of_waits_and_messages,
)
from tests.reference.case import Case

CASES: list[Case] = [
    *cases_of_contacts.CASES,
    *cases_of_status_and_transfers.CASES,
    *cases_of_forms.CASES,
    *cases_of_waits_and_messages.CASES,
    *cases_of_casework.CASES,
    *cases_of_deadlines.CASES,
    *cases_of_journeys.CASES,
]
