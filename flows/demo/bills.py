"""Datasets ``utility_bills`` and ``energy_certificates``: what is paid for the metered energy, and where it came from.

A bill's own meter differs from the centre's by a few thousandths, as two good meters do.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from suanheng.flows.demo.centres import Centre
from suanheng.flows.demo.clock import (
    DATA_FROM,
    DATA_TO,
    Floats,
    Period,
    hour_at,
    months,
    next_month,
    quarter_name,
    quarters,
    stream,
)
from suanheng.flows.demo.energy import Supply

METER_DIFFERENCE = 0.002
"""Standard deviation of the relative difference between the bill's meter and the centre's."""

ESTIMATE_EXCESS = 1.12
WATER_PRICE_PER_M3 = 6.1
LATE_CREDIT = -120.0
DIESEL_PRICE_PER_KWH = 0.75
CURRENCY = "CNY"

Row = dict[str, Any]


def bills(centre: Centre, supply: Supply, seed: int) -> list[tuple[str, pl.DataFrame]]:
    """Files of bills: what each is named after, and its rows. Bills come with the quarter in which they end."""
    chance = stream(seed, centre.site_id, "bills")
    files: dict[str, list[Row]] = defaultdict(list)
    for period in _electricity_periods(centre):
        for name, row in _electricity(centre, supply, period, chance):
            files[name].append(row)
    for period in _water_periods(centre):
        files[_quarter_of(period.end)].append(_water(centre, supply, period, chance))
    if centre.facility.diesel_kwh:
        for period in quarters():
            files[_quarter_of(period.end)].append(_diesel(centre, period, chance))
    return [(name, _table(files[name])) for name in sorted(files)]


def certificates(centre: Centre, supply: Supply) -> list[tuple[str, pl.DataFrame]]:
    """Files of green-power claims, one for every year in which there are any, as the register's statement has them."""
    claims = list(_claims(centre, supply))
    statements = []
    for year in (2022, 2023):
        closes = date(year + 1, 1, 1)
        rows = [_as_known(claim, closes) for claim in claims if claim["vintage_start"].year == year]
        rows += [claim for claim in claims if _was_retired_after_statement(claim, year)]
        if rows:
            statements.append((str(year), pl.DataFrame(rows, schema_overrides={"retired_on": pl.Date})))
    return statements


def _electricity_periods(centre: Centre) -> Iterator[Period]:
    yield from months(DATA_FROM if centre.billing_day == 1 else date(2021, 12, centre.billing_day))


def _water_periods(centre: Centre) -> Iterator[Period]:
    """Water is read every two months where the bills follow the calendar, else together with electricity."""
    if centre.billing_day != 1:
        yield from _electricity_periods(centre)
        return
    for number in range(0, 24, 2):
        yield Period(next_month(DATA_FROM, number), next_month(DATA_FROM, number + 2))


def _electricity(
    centre: Centre, supply: Supply, period: Period, chance: np.random.Generator
) -> Iterator[tuple[str, Row]]:
    """Name of the file each line of an electricity bill arrives in, and the line."""
    start, end = period
    arrives = _quarter_of(end)
    metered_kwh = _within(supply.utility_kwh, period)
    kwh = round(metered_kwh * (1 + float(np.clip(chance.normal(0, METER_DIFFERENCE), -0.005, 0.005))), 2)
    row = _line(centre, "electricity", period, energy_kwh=kwh, amount=kwh * centre.tariff.electricity)
    if start == centre.estimated_bill:
        guess = round(kwh * ESTIMATE_EXCESS, 0)
        yield (
            arrives,
            row
            | {
                "energy_kwh": guess,
                "amount": round(guess * centre.tariff.electricity, 2),
                "is_estimated": True,
            },
        )
        yield f"{_quarter_of(next_month(end, 2))}_revised", row | {"revision": 1}
    elif start == centre.late_bill:
        yield f"{_quarter_of(next_month(end, 5))}_late", row
    else:
        yield arrives, row
    if centre.tariff.capacity:
        peak_kw = float(supply.utility_kwh[hour_at(start) : hour_at(end)].max())
        demand = _line(centre, "electricity", period, amount=peak_kw * centre.tariff.capacity)
        yield arrives, demand | {"line_type": "demand"}
    if start == centre.late_bill:
        credit = _line(centre, "electricity", period, amount=LATE_CREDIT)
        yield f"{_quarter_of(next_month(end, 5))}_late", credit | {"line_type": "adjustment"}


def _water(centre: Centre, supply: Supply, period: Period, chance: np.random.Generator) -> Row:
    metered_m3 = _within(supply.water_m3, period)
    water_m3 = round(metered_m3 * (1 + float(np.clip(chance.normal(0, METER_DIFFERENCE), -0.005, 0.005))), 3)
    return _line(centre, "water", period, water_m3=water_m3, amount=water_m3 * WATER_PRICE_PER_M3)


def _diesel(centre: Centre, period: Period, chance: np.random.Generator) -> Row:
    kwh = round(centre.facility.diesel_kwh * chance.uniform(0.8, 1.2), 1)
    return _line(centre, "diesel", period, energy_kwh=kwh, amount=kwh * DIESEL_PRICE_PER_KWH)


def _line(
    centre: Centre,
    commodity: str,
    period: Period,
    *,
    amount: float,
    energy_kwh: float | None = None,
    water_m3: float | None = None,
) -> Row:
    return {
        "invoice_id": f"{centre.code}-{commodity[:2].upper()}-{period.end:%Y%m%d}",
        "meter_id": f"{centre.code}-ACCOUNT-{commodity.upper()}",
        "commodity": commodity,
        "line_type": "consumption",
        "service_start": period.start,
        "service_end": period.end,
        "energy_kwh": energy_kwh,
        "water_m3": water_m3,
        "amount": round(amount, 2),
        "currency": CURRENCY,
        "is_estimated": False,
        "revision": 0,
    }


def _table(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema_overrides={"energy_kwh": pl.Float64, "water_m3": pl.Float64})


def _within(quantity: Floats, period: Period) -> float:
    return float(quantity[hour_at(period.start) : hour_at(period.end)].sum())


def _quarter_of(end: date) -> str:
    """Quarter of the last day of a service period whose end is exclusive."""
    return quarter_name(end - timedelta(days=1))


def _claims(centre: Centre, supply: Supply) -> Iterator[Row]:
    """All claims of a centre as they stand in the end."""
    for quarter in quarters():
        used_kwh = _within(supply.utility_kwh, quarter)
        if centre.facility.solar_kw:
            made_kwh = round(_within(supply.solar_kwh, quarter), 3)
            made_here = {"retired_on": quarter.end, "technology": "solar", "region_code": centre.region_code}
            yield _claim(centre, "on_site", made_kwh, quarter) | made_here
        yield from _bought(centre, used_kwh, quarter)


def _bought(centre: Centre, used_kwh: float, quarter: Period) -> Iterator[Row]:
    """The quarter's claim. Certificates (gec) come in whole MWh; those of the last quarter are not cancelled yet."""
    green = centre.green_power
    claimed_kwh = used_kwh * green.share.get(quarter.start.year, 0.0)
    claimed_kwh = 1000.0 * round(claimed_kwh / 1000) if green.instrument == "gec" else round(claimed_kwh, 1)
    retired_on = None if quarter.end == DATA_TO else quarter.end + timedelta(days=green.days_to_retire)
    if claimed_kwh:
        made_there = {"retired_on": retired_on, "technology": green.technology, "region_code": green.region_code}
        yield _claim(centre, green.instrument, claimed_kwh, quarter) | made_there


def _claim(centre: Centre, instrument: str, energy_kwh: float, quarter: Period) -> Row:
    """What is claimed of a quarter; when it was retired, and what made it where, comes to it."""
    return {
        "certificate_id": f"{centre.code}-{instrument.upper()}-{quarter_name(quarter.start)}",
        "instrument": instrument,
        "energy_kwh": energy_kwh,
        "vintage_start": quarter.start,
        "vintage_end": quarter.end,
    }


def _as_known(claim: Row, day: date) -> Row:
    retired_on = claim["retired_on"]
    return claim | {"retired_on": retired_on if retired_on and retired_on <= day else None}


def _was_retired_after_statement(claim: Row, year: int) -> bool:
    """Whether a claim of an earlier vintage was cancelled in ``year``, after the statement of its own year."""
    retired_on = claim["retired_on"]
    vintage_year = claim["vintage_start"].year
    return vintage_year < year and retired_on is not None and retired_on > date(vintage_year + 1, 1, 1)
