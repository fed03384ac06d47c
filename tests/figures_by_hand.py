"""The demo's indicators worked out a second time: plain Polars and Python over the landing files.

Nothing of transforms/ is used, neither recipe nor code; files are read by the contracts' spellings alone. What the demo
guarantees is relied on and checked on the way: telemetry is hourly, meters are read in every hour, every day is billed.
All times are the centres' own, UTC+8 without daylight saving. A figure is (value, coverage).
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from suanheng.schemas.staged import DATASETS

Row = dict[str, Any]

EIGHT_HOURS = timedelta(hours=8)
PEAK_PFLOPS = 0.312
"""A100 and A800, dense BF16 or FP16, vendor's data sheet."""
KGCO2_PER_KWH = {
    ("CN-HE", 2022): 0.7252,
    ("CN-HE", 2023): 0.6516,
    ("CN-SC", 2022): 0.1404,
    ("CN-SC", 2023): 0.1564,
    ("CN-SH", 2022): 0.5849,
    ("CN-SH", 2023): 0.5737,
}
"""Average of the province, announcements of the ministry for 2022 and 2023."""
KGCO2E_PER_KWH_OF_DIESEL = 0.268022761
"""UK Government conversion factors 2023, diesel, per kWh on the net basis, as reference.fuel_factors has it."""

WITHOUT_TRADED_GREEN_POWER = {2023: 0.6096}
"""Average of the nation without traded non-fossil power; that of 2022 is disputed and not used."""
WAIT_AT_MOST = timedelta(hours=1)
OPEN_LICENCES = {"Apache-2.0", "MIT", "BSD-3-Clause", "GPL-2.0-only", "GPL-2.0-or-later"}
BENCHMARK_SET = {"GSM8K", "MMLU", "MATH", "ARC-C"}
IT_CLASSES = {"accelerator", "accelerator_server", "server", "storage", "network"}


class Figure(NamedTuple):
    """An indicator: its value and its coverage."""

    value: float
    coverage: float


def months_of(start: date, end: date) -> list[tuple[date, date]]:
    """First days of the months from start to end, each with that of the next."""
    firsts = pl.date_range(start, end, "1mo", eager=True).to_list()
    return list(pairwise(firsts))


def year_before(end: date) -> list[tuple[date, date]]:
    """The twelve months before a day."""
    return months_of(end.replace(year=end.year - 1), end)


def share_within(first: datetime, last: datetime, start: date, end: date) -> float:
    """Share of a stretch of time that is in some days."""
    length = (last - first).total_seconds()
    return hours_within(first, last, start, end) * 3600 / length if length else 0.0


def hours_within(first: datetime, last: datetime, start: date, end: date) -> float:
    """Hours of a stretch of time that are in some days."""
    begin, finish = (datetime.combine(day, datetime.min.time()) for day in (start, end))
    return max((min(last, finish) - max(first, begin)).total_seconds(), 0.0) / 3600


def days_from(start: date, end: date) -> Iterator[date]:
    """Every day from start to end, exclusive."""
    return (start + timedelta(days=number) for number in range((end - start).days))


class CentreByHand:
    """One demo centre, from its folder in the landing zone."""

    def __init__(self, folder: Path, region_code: str) -> None:
        self.folder = folder
        self.region_code = region_code

    # --- files

    def rows(self, dataset: str) -> list[Row]:
        """Rows of a dataset, one per key: of the highest revision, then of the file that sorts last."""
        contract = DATASETS[dataset]
        kept: dict[tuple, tuple[tuple[int, int], Row]] = {}
        for number, path in enumerate(sorted((self.folder / dataset).glob("*.csv"))):
            for row in self._typed(path, dataset).iter_rows(named=True):
                key = tuple(row.get(name) for name in contract.key if name != "site_id")
                rank = (row.get("revision") or 0, number)
                if key not in kept or rank > kept[key][0]:
                    kept[key] = (rank, row)
        return [row for _, row in kept.values()]

    def _typed(self, path: Path, dataset: str) -> pl.DataFrame:
        frame = pl.read_csv(path, infer_schema=False)
        names = {
            spelling: name
            for name, column in DATASETS[dataset].columns.items()
            for spelling in column.spellings
            if spelling in frame.columns
        }
        frame = frame.rename(names)
        dtypes = DATASETS[dataset].dtypes()
        return frame.select(_typed(pl.col(name), dtypes[name]) for name in frame.columns if name in dtypes)

    # --- telemetry

    @cached_property
    def device_hours(self) -> dict[date, tuple[float, float]]:
        """By month: device-hours of which utilisation is known, and those of them that were busy.

        A device counts once: by its own utilisation, or by the mean over the slices it is cut into.
        """
        paths = sorted((self.folder / "accelerator_samples").glob("*.parquet"))
        samples = pl.concat([pl.read_parquet(path) for path in paths])
        assert samples.select((pl.col("interval_s") == 3600).all() & (pl.col("device_count") == 1).all()).item()
        is_whole = pl.col("instance_id") == ""
        hourly = (
            samples.group_by("device_id", "sampled_at_utc")
            .agg(
                whole=pl.col("utilisation_ratio").filter(is_whole).first(),
                slices=pl.col("utilisation_ratio").filter(~is_whole).mean(),
            )
            .with_columns(utilisation=pl.coalesce("whole", "slices"))
            .filter(pl.col("utilisation").is_not_null())
        )
        monthly = hourly.group_by(
            (pl.col("sampled_at_utc") + EIGHT_HOURS).dt.date().dt.truncate("1mo").alias("month")
        ).agg(known=pl.len(), busy=pl.col("utilisation").sum())
        return {month: (float(known), busy) for month, known, busy in monthly.iter_rows()}

    # --- inventory

    @cached_property
    def assets(self) -> list[Row]:
        """All hardware."""
        return self.rows("hardware_assets")

    def _in_service(self, start: date, end: date) -> Iterator[tuple[Row, date]]:
        """Every asset on every day it is in service."""
        for day in days_from(start, end):
            for asset in self.assets:
                last = asset["in_service_to"]
                if asset["in_service_from"] <= day and (last is None or day < last):
                    yield asset, day

    def installed_hours(self, start: date, end: date) -> float:
        """Device-hours of the accelerators in service."""
        return sum(24 * a["quantity"] for a, _ in self._in_service(start, end) if a["asset_class"] == "accelerator")

    # --- energy

    @cached_property
    def readings(self) -> pl.DataFrame:
        """Energy and water by boundary and local day, with the hours read."""
        rows = pl.DataFrame(self.rows("facility_readings"), infer_schema_length=None)
        return rows.group_by("boundary", pl.col("started_at_utc").dt.date().alias("day")).agg(
            kwh=pl.col("energy_kwh").sum(), m3=pl.col("water_m3").sum(), hours=pl.len()
        )

    def metered_kwh(self, boundary: str, start: date, end: date) -> float | None:
        """Energy at a boundary, or nothing where no meter sits."""
        days = self.readings.filter(boundary=boundary).filter(pl.col("day").is_between(start, end, closed="left"))
        if days.is_empty():
            return None
        assert days["hours"].to_list() == [24] * (end - start).days, "the demo reads its meters in every hour"
        return float(days["kwh"].sum())

    @cached_property
    def billed_days(self) -> dict[str, dict[date, float]]:
        """Quantity on bills by commodity and day.

        Electricity of a service period that is metered on every day is spread by the metered load, all else evenly.
        """
        load = dict(self.readings.filter(boundary="utility").select("day", "kwh").iter_rows())
        by_day: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
        for line in self.rows("utility_bills"):
            quantity = line["water_m3"] if line["commodity"] == "water" else line["energy_kwh"]
            if quantity is None:
                continue
            days = list(days_from(line["service_start"], line["service_end"]))
            is_shaped = line["commodity"] == "electricity" and all(day in load for day in days)
            weights = [load[day] if is_shaped else 1.0 for day in days]
            for day, weight in zip(days, weights, strict=True):
                by_day[line["commodity"]][day] += quantity * weight / math.fsum(weights)
        return by_day

    def billed(self, commodity: str, start: date, end: date) -> float:
        """Quantity on bills."""
        days = self.billed_days[commodity]
        return math.fsum(days[day] for day in _all_present(days_from(start, end), days))

    def facility_kwh(self, start: date, end: date) -> float:
        """Electricity of the centre: from the grid and from its own roof."""
        return self.billed("electricity", start, end) + (self.metered_kwh("on_site_renewable", start, end) or 0.0)

    def claimed_kwh(self, start: date, end: date, *instruments: str) -> float:
        """Cancelled claims of green power, evenly over their vintage."""
        claims = (c for c in self.rows("energy_certificates") if c["retired_on"] and c["instrument"] in instruments)
        return math.fsum(
            claim["energy_kwh"]
            * sum(start <= day < end for day in days_from(claim["vintage_start"], claim["vintage_end"]))
            / (claim["vintage_end"] - claim["vintage_start"]).days
            for claim in claims
        )

    # --- work

    @cached_property
    def runs(self) -> list[Row]:
        """All runs."""
        return self.rows("workload_runs")

    def parts(self, start: date, end: date) -> Iterator[tuple[Row, float, float]]:
        """Ended runs on accelerators that touch the days: the run, its share in them, its device-hours in them."""
        for run in self.runs:
            first, last = run["started_at_utc"], run["ended_at_utc"]
            if first is None or last is None or not run["device_count"]:
                continue
            if share := share_within(first, last, start, end):
                yield run, share, run["device_count"] * hours_within(first, last, start, end)

    def compute(self, start: date, end: date) -> "Compute":
        """What the runs of a month achieved and could have."""
        compute = Compute()
        for run, share, device_hours in self.parts(start, end):
            peak = PEAK_PFLOPS * device_hours if run["precision"] in ("BF16", "FP16", None) and run["sku"] else None
            flop = run["model_pflop"]
            compute.allocated_h += device_hours
            compute.peak_pflop_h += peak or 0.0
            if peak is not None and flop is not None and flop * share <= peak * 3600:
                compute.covered_h += device_hours
                compute.covered_peak_pflop_h += peak
                compute.achieved_pflop_h += flop * share / 3600
        return compute

    # --- indicators

    def resource_utilisation(self, end: date) -> Figure:
        """Busy over observed device-hours, over a year."""
        months = year_before(end)
        known = math.fsum(self.device_hours[start][0] for start, _ in months)
        busy = math.fsum(self.device_hours[start][1] for start, _ in months)
        return Figure(busy / known, known / self.installed_hours(months[0][0], end))

    def theoretical_efficiency(self, start: date, end: date) -> Figure:
        """Peak GFLOPS over the rated power of the outermost IT equipment, day by day."""
        gflops = watts = 0.0
        inner = {asset["asset_id"] for asset in self.assets if asset["parent_asset_id"]}
        for asset, _ in self._in_service(start, end):
            if asset["asset_class"] == "accelerator":
                gflops += asset["quantity"] * PEAK_PFLOPS * 1e6
            if asset["asset_class"] in IT_CLASSES and asset["asset_id"] not in inner:
                watts += asset["quantity"] * asset["rated_power_w"]
        return Figure(gflops / watts, 1.0)

    def measured_performance(self, start: date, end: date) -> Figure:
        """Achieved over peak PFLOP-hours of the runs that state their operations, and of benchmarks."""
        monthly = [self.compute(*month) for month in months_of(start, end)]
        achieved = math.fsum(c.achieved_pflop_h for c in monthly)
        peak = math.fsum(c.covered_peak_pflop_h for c in monthly)
        covered = math.fsum(c.covered_h for c in monthly)
        allocated = math.fsum(c.allocated_h for c in monthly)
        for result in self.rows("benchmark_results"):
            hours = hours_within(result["started_at_utc"], result["ended_at_utc"], start, end)
            if result["unit"] == "TFLOP/s" and result["is_valid"] is not False:
                achieved += result["value"] / 1000 * hours
                peak += result["peak_value"] / 1000 * hours
                covered += result["device_count"] * hours
                allocated += result["device_count"] * hours
        return Figure(achieved / peak, covered / allocated)

    def model_compute_efficiency(self, start: date, end: date) -> Figure:
        """Accuracy over GFLOP per token of the models served, by tokens; evaluations count for a year."""
        points = work = known = served = 0.0
        for first, last in months_of(start, end):
            for run, share, _ in self.parts(first, last):
                if run["workload_class"] != "inference" or run["tokens"] is None:
                    continue
                tokens = run["tokens"] * share
                served += tokens
                latest = self._evaluations(run["model_name"], last)
                if latest.keys() == BENCHMARK_SET:
                    known += tokens
                    points += tokens * 100 * math.fsum(e["accuracy_ratio"] for e in latest.values()) / 4
                    newest = max(latest.values(), key=lambda e: e["evaluated_on"])
                    work += tokens * 2 * newest["active_params_billion"]
        return Figure(points / work, known / served)

    def _evaluations(self, model: str, before: date) -> dict[str, Row]:
        latest: dict[str, Row] = {}
        for row in self._all_evaluations:
            is_known = before - timedelta(days=366) <= row["evaluated_on"] < before
            if row["model_name"] == model and row["benchmark"] in BENCHMARK_SET and is_known:
                earlier = latest.get(row["benchmark"])
                if earlier is None or earlier["evaluated_on"] < row["evaluated_on"]:
                    latest[row["benchmark"]] = row
        return latest

    @cached_property
    def _all_evaluations(self) -> list[Row]:
        return self.rows("model_evaluations")

    def productive_goodput(self, start: date, end: date) -> Figure:
        """Productive over allocated device-hours of training and fine-tuning."""
        productive = known = allocated = 0.0
        for run, share, device_hours in self.parts(start, end):
            if run["workload_class"] in ("training", "fine_tuning"):
                allocated += device_hours
                if run["productive_s"] is not None:
                    known += device_hours
                    productive += run["device_count"] * run["productive_s"] * share / 3600
        return Figure(productive / known, known / allocated)

    def operational_carbon_intensity(self, start: date, end: date) -> Figure:
        """Carbon of grid electricity by place, over effective compute."""
        return self._carbon_intensity(start, end, self._carbon_by_place, 1.0)

    def market_carbon_intensity(self, start: date, end: date) -> Figure:
        """Carbon of the grid electricity that nothing claims, over effective compute."""
        return self._carbon_intensity(start, end, self._carbon_by_market, 1.0)

    def lifecycle_carbon_intensity(self, start: date, end: date) -> Figure:
        """Carbon by place and carbon of making the hardware, over effective compute."""
        known = every = 0
        for asset, _ in self._in_service(start, end):
            every += asset["quantity"]
            known += asset["quantity"] if asset["embodied_kgco2e"] is not None else 0
        return self._carbon_intensity(
            start, end, lambda a, b: self._carbon_by_place(a, b) + self._embodied(a, b), known / every
        )

    def _carbon_intensity(self, start: date, end: date, carbon, share_of_assets: float) -> Figure:
        kg = pflop_h = seen = 0.0
        for first, last in months_of(start, end):
            compute = self.compute(first, last)
            kg += carbon(first, last)
            pflop_h += compute.effective_pflop_h
            seen += (last - first).days * min(compute.covered_h / compute.allocated_h, share_of_assets)
        return Figure(kg / pflop_h, seen / (end - start).days)

    def _carbon_by_place(self, start: date, end: date) -> float:
        grid = self.billed("electricity", start, end) * KGCO2_PER_KWH[self.region_code, start.year]
        return grid + self._carbon_of_fuel(start, end)

    def _carbon_by_market(self, start: date, end: date) -> float:
        """Claims are matched over the year: a month may have more of them than it uses."""
        factor = WITHOUT_TRADED_GREEN_POWER.get(start.year, KGCO2_PER_KWH[self.region_code, start.year])
        claimed = self.claimed_kwh(start, end, "gec", "irec", "goo", "ppa")
        unclaimed = (self.billed("electricity", start, end) - claimed) * factor
        return unclaimed + self._carbon_of_fuel(start, end)

    def _carbon_of_fuel(self, start: date, end: date) -> float:
        burnt = self.billed("diesel", start, end) if "diesel" in self.billed_days else 0.0
        return burnt * KGCO2E_PER_KWH_OF_DIESEL

    def _embodied(self, start: date, end: date) -> float:
        kg = 0.0
        for asset, day in self._in_service(start, end):
            life_days = (asset["service_life_years"] or 0) * 365
            if asset["embodied_kgco2e"] is not None and (day - asset["in_service_from"]).days < life_days:
                kg += asset["quantity"] * asset["embodied_kgco2e"] / life_days
        return kg

    def demand_fulfilment(self, start: date, end: date) -> Figure:
        """Device-hours asked for that started within an hour, over all asked for."""
        started = asked = sized = requests = 0.0
        for run in self.runs:
            if not start <= run["submitted_at_utc"].date() < end:
                continue
            if self._is_withdrawn_early(run):
                continue
            requests += 1
            hours = _demanded_hours(run)
            if hours is None or not self._is_judged(run):
                continue
            sized += 1
            asked += hours
            if run["started_at_utc"] and run["started_at_utc"] - run["submitted_at_utc"] <= WAIT_AT_MOST:
                started += hours
        return Figure(started / asked, sized / requests)

    @staticmethod
    def _is_withdrawn_early(run: Row) -> bool:
        """Whether its user gave it up before anybody could have served it in time."""
        if run["started_at_utc"] or run["state"] != "cancelled" or not run["ended_at_utc"]:
            return False
        return run["ended_at_utc"] - run["submitted_at_utc"] <= WAIT_AT_MOST

    def _is_judged(self, run: Row) -> bool:
        """Whether it is known by now whether it was served in time."""
        if run["started_at_utc"] or run["ended_at_utc"]:
            return True
        last_word = max(
            moment
            for other in self.runs
            for moment in (other["submitted_at_utc"], other["started_at_utc"], other["ended_at_utc"])
            if moment
        )
        return run["state"] != "cancelled" and run["submitted_at_utc"] + WAIT_AT_MOST <= last_word

    def affordability(self, start: date, end: date) -> Figure:
        """Charged, else listed, prices over the effective compute they bought."""
        yuan = pflop_h = priced = allocated = 0.0
        for first, last in months_of(start, end):
            monthly = self.compute(first, last)
            mean_share = monthly.achieved_pflop_h / monthly.covered_peak_pflop_h
            for run, share, device_hours in self.parts(first, last):
                allocated += device_hours
                if run["precision"] not in ("BF16", "FP16", None) or not run["sku"]:
                    continue
                price, hours = self._price(run, share, device_hours, first, last)
                possible = PEAK_PFLOPS * device_hours
                achieved = None if run["model_pflop"] is None else run["model_pflop"] * share / 3600
                if achieved is None or achieved > possible:
                    achieved = possible * mean_share
                yuan += price
                priced += hours
                pflop_h += achieved * hours / device_hours
        return Figure(yuan / pflop_h, priced / allocated)

    def _price(self, run: Row, share: float, device_hours: float, first: date, last: date) -> tuple[float, float]:
        """What the part of a run in a month costs, and the device-hours of it that have a price."""
        if run["charged_amount"] is not None:
            return run["charged_amount"] * share, device_hours
        price = hours = 0.0
        for day in days_from(first, last):
            part = run["device_count"] * hours_within(
                run["started_at_utc"], run["ended_at_utc"], day, day + timedelta(days=1)
            )
            listed = self._listed(run["sku"], run["precision"] or "BF16", day) if part else None
            if listed is not None:
                price += part * listed
                hours += part
        return price, hours

    def _listed(self, sku: str, precision: str, day: date) -> float | None:
        for offer in self._offers:
            is_valid = offer["valid_from"] <= day and (offer["valid_to"] is None or day < offer["valid_to"])
            fits = offer["sku"] in (sku, None) and offer["precision"] in (precision, None)
            if is_valid and fits and offer["unit"] == "device_hour":
                return offer["price"]
        return None

    @cached_property
    def _offers(self) -> list[Row]:
        return self.rows("service_offers")

    def compatibility(self, start: date, end: date) -> Figure:
        """Weight of the required tests that passed, over those that were run; the latest result counts."""
        passed = tested = required = 0.0
        for _, last in months_of(start, end):
            latest: dict[tuple, Row] = {}
            for test in sorted(self.rows("compatibility_tests"), key=lambda t: t["tested_on"]):
                if last - timedelta(days=366) <= test["tested_on"] < last:
                    latest[test["test_id"], test["sku"]] = test
            for test in latest.values():
                if test["is_required"]:
                    required += test["weight"]
                    tested += test["weight"] if test["result"] != "not_run" else 0.0
                    passed += test["weight"] if test["result"] == "passed" else 0.0
        return Figure(passed / tested, tested / required)

    def supply_chain_completeness(self, start: date, end: date) -> Figure:
        """Value of parts with two suppliers and enough stock, over the value of parts of which that is known.

        Each part weighs by the servers of its model that are in service on the last day of the month.
        """
        secured = value = known = parts = 0.0
        for _, last in months_of(start, end):
            for part in self._snapshot("bom_parts", last):
                assets = sum(
                    asset["quantity"]
                    for asset in self.rows("hardware_assets")
                    if asset["sku"] == part["asset_sku"] and asset["in_service_from"] < last
                )
                parts += assets
                two = part["qualified_suppliers"] >= 2
                needed = part["daily_use_units"] * part["lead_time_days"]
                lasts = part["stock_units"] >= needed if part["stock_units"] is not None else None
                if two and lasts is None:
                    continue
                known += assets
                value += assets * part["quantity"] * part["unit_value"]
                secured += assets * part["quantity"] * part["unit_value"] if two and lasts else 0.0
        return Figure(secured / value, known / parts)

    def ecosystem_openness(self, start: date, end: date) -> Figure:
        """Components that are open, over those of which it is known."""
        is_open = known = components = 0
        for _, last in months_of(start, end):
            for component in self._snapshot("software_components", last):
                components += 1
                licence = component["licence_spdx"]
                if licence is not None or component["implements_open_standard"]:
                    known += 1
                    is_open += bool(component["implements_open_standard"] or licence in OPEN_LICENCES)
        return Figure(is_open / known, known / components)

    def _snapshot(self, dataset: str, before: date) -> list[Row]:
        rows = [row for row in self.rows(dataset) if row["observed_on"] < before]
        newest = max(row["observed_on"] for row in rows)
        return [row for row in rows if row["observed_on"] == newest]

    def pue(self, end: date) -> Figure:
        """Electricity of the centre over that of the IT equipment, over a year."""
        months = year_before(end)
        total = math.fsum(self.facility_kwh(*month) for month in months)
        return Figure(total / self._it_kwh(months), 1.0)

    def wue(self, end: date) -> Figure:
        """Litres of water over electricity of the IT equipment, over a year."""
        months = year_before(end)
        return Figure(1000 * math.fsum(self.billed("water", *month) for month in months) / self._it_kwh(months), 1.0)

    def ref(self, end: date) -> Figure:
        """Green power claimed or made on the roof over the electricity of the centre, month by month at most all.

        Before the centre's first claim nobody knows.
        """
        green = total = known = 0.0
        first_claim = min(claim["vintage_start"] for claim in self.rows("energy_certificates"))
        months = year_before(end)
        for start, last in months:
            if last <= first_claim:
                continue
            used = self.facility_kwh(start, last)
            made = self.metered_kwh("on_site_renewable", start, last)
            own = self.claimed_kwh(start, last, "on_site") if made is None else made
            green += min(self.claimed_kwh(start, last, "gec", "irec", "goo", "ppa") + own, used)
            total += used
            known += (last - start).days
        return Figure(green / total, known / (end - months[0][0]).days)

    def _it_kwh(self, months: Iterable[tuple[date, date]]) -> float:
        return math.fsum(self.metered_kwh("ups_output", *month) or math.nan for month in months)

    def utilisation_chain(self, end: date) -> dict[str, Figure]:
        """Availability, allocation and activity of the device-hours that telemetry saw, over a year."""
        installed = seen = available = allocated = busy = known = 0.0
        for start, last in year_before(end):
            in_service = self.installed_hours(start, last)
            month_known, month_busy = self.device_hours[start]
            share = month_known / in_service
            lost = math.fsum(
                incident["devices_affected"]
                * hours_within(incident["started_at_utc"], incident["ended_at_utc"], start, last)
                for incident in self._incidents
            )
            installed += in_service
            known += month_known
            seen += in_service * share
            available += (in_service - lost) * share
            allocated += math.fsum(hours for _, _, hours in self.parts(start, last)) * share
            busy += month_busy
        return {
            "availability": Figure(available / seen, 1.0),
            "allocation_ratio": Figure(allocated / available, 1.0),
            "activity_ratio": Figure(busy / allocated, known / installed),
        }

    @cached_property
    def _incidents(self) -> list[Row]:
        return self.rows("incidents")


class Compute:
    """Device-hours and PFLOP-hours of the runs of a month."""

    def __init__(self) -> None:
        self.allocated_h = self.covered_h = 0.0
        self.peak_pflop_h = self.covered_peak_pflop_h = self.achieved_pflop_h = 0.0

    @property
    def effective_pflop_h(self) -> float:
        """Achieved compute; runs that do not state theirs are taken to do as well as the others of the month."""
        return self.achieved_pflop_h * self.peak_pflop_h / self.covered_peak_pflop_h


def _demanded_hours(run: Row) -> float | None:
    """Device-hours a run took; those asked for where it has not run to its end."""
    first, last = run["started_at_utc"], run["ended_at_utc"]
    devices = run["device_count"] or run["requested_device_count"]
    if first and last and devices is not None:
        return devices * (last - first).total_seconds() / 3600
    asked = run["requested_device_count"] or run["device_count"]
    if asked is None or run["requested_s"] is None:
        return None
    return asked * run["requested_s"] / 3600


def _all_present(days: Iterable[date], billed: dict[date, float]) -> Iterator[date]:
    for day in days:
        assert day in billed, f"the demo bills every day, but not {day}"
        yield day


def _typed(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Boolean:
        return column.is_in(["true", "是"]).and_(column.is_not_null())
    if isinstance(dtype, pl.Datetime):
        utc = column.str.strip_suffix("Z").str.replace("T", " ").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False)
        return pl.when(column.str.ends_with("Z")).then(utc + EIGHT_HOURS).otherwise(utc)
    if dtype == pl.Date:
        return column.str.to_date("%Y-%m-%d")
    return column.cast(dtype)
