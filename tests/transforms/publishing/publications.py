"""What the tests of publishing do again and again."""

from datetime import UTC, datetime

from suanheng.flows.publish import publish_scorecard
from suanheng.transforms.publishing.publish import Request

FEBRUARY = datetime(2024, 2, 1, tzinfo=UTC)
MARCH = datetime(2024, 3, 1, tzinfo=UTC)


def publish(centre, period: str = "2023Q1", now: datetime = FEBRUARY, **more):
    return publish_scorecard(centre.workspace, Request("tiny", period, now, **more)).publication


def correct_a_bill(centre) -> None:
    """January's bill becomes 1500 kWh; it was 1310 kWh."""
    electricity, water = centre.rows("utility_bills", "2023-01")
    centre.write("utility_bills", "2023-01", [{**electricity, "energy_kwh": 1500}, water])
