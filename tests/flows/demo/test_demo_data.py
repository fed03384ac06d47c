"""The demo data: the same bytes from the same seed, contracts kept, energy that adds up, peculiarities in place."""

import hashlib
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from suanheng.config.sites import read_sites
from suanheng.config.sources import read_sources, source_files
from suanheng.flows.demo import generate
from suanheng.flows.demo.workspace import chinese_header
from suanheng.schemas.checking.records import Chunk, check
from suanheng.schemas.formats import readable
from suanheng.schemas.staged import DATASETS

SITES = ("qinglan", "xiliu", "chaosheng")
IN_DEMO = {name: contract for name, contract in DATASETS.items() if name not in {"part_supplies", "product_footprints"}}
"""The demo states the facts of the other two in bom_parts and hardware_assets."""

PROVENANCE = ("site_id", "file_id", "row_number", "evidence_class")
FIRST_HOUR = datetime(2021, 12, 31, 16)
"""2022-01-01 00:00 in China, in UTC."""

HOURS = 17_520
"""Two years of 365 days."""


class Demo:
    """A generated workspace, every dataset read once through the gate."""

    def __init__(self, root: Path) -> None:
        self.root = root
        sources = read_sources(root / "sources.toml", readable(), DATASETS)
        self.files = list(source_files(root, sources))
        self._checked: dict[str, tuple[pl.DataFrame, pl.DataFrame]] = {}

    def checked(self, dataset: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Accepted rows (with ``path``) and rejected rows of all files of a dataset."""
        if dataset not in self._checked:
            by_site = [self._check(dataset, site_id) for site_id in SITES]
            self._checked[dataset] = (pl.concat([a for a, _ in by_site]), pl.concat([r for _, r in by_site]))
        return self._checked[dataset]

    def rows(self, dataset: str, site_id: str) -> pl.DataFrame:
        return self.checked(dataset)[0].filter(pl.col("site_id") == site_id)

    def _check(self, dataset: str, site_id: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        files = [file for file in self.files if (file.source.dataset, file.site_id) == (dataset, site_id)]
        rows = pl.concat([read(file.path, dataset) for file in files], how="diagonal").with_row_index("row_number", 1)
        provenance = {"site_id": site_id, "file_id": "0" * 64, "evidence_class": "simulated"}
        rows = rows.with_columns(pl.col("row_number").cast(pl.Int64), **{k: pl.lit(v) for k, v in provenance.items()})
        result = check(Chunk(rows), DATASETS[dataset], files[0].source.time_zone)
        return result.accepted.join(rows.select("row_number", "path"), on="row_number"), result.rejected


def read(path: Path, dataset: str) -> pl.DataFrame:
    """One file under the contract's column names: text of a CSV file, typed columns of a Parquet file."""
    contract = DATASETS[dataset]
    if path.suffix == ".parquet":
        rows = pl.read_parquet(path)
    else:
        rows = pl.read_csv(path, infer_schema=False)
        names = {chinese_header(contract, name): name for name in contract.columns if name not in PROVENANCE}
        rows = rows.rename({header: names.get(header, header) for header in rows.columns})
    assert set(rows.columns) <= set(contract.columns), path
    return rows.with_columns(path=pl.lit(path.name))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    root = tmp_path_factory.mktemp("demo")
    generate(root)
    return Demo(root)


def digests(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def hour_index(column: str) -> pl.Expr:
    return (pl.col(column) - FIRST_HOUR).dt.total_hours()


def hourly(rows: pl.DataFrame, column: str, value: pl.Expr) -> np.ndarray:
    """Sum of a value over the rows of every hour of the two years."""
    sums = np.zeros(HOURS)
    grouped = rows.group_by(hour_index(column).alias("hour")).agg(value.sum().alias("value"))
    sums[grouped["hour"].to_numpy()] = grouped["value"].to_numpy()
    return sums


def metered(demo: Demo, site_id: str, boundary: str, quantity: str = "energy_kwh") -> np.ndarray:
    rows = demo.rows("facility_readings", site_id).filter(pl.col("boundary") == boundary)
    return hourly(rows, "started_at_utc", pl.col(quantity))


def whole_devices(demo: Demo, site_id: str) -> pl.DataFrame:
    return demo.rows("accelerator_samples", site_id).filter(pl.col("instance_id") == "")


def device_kwh(demo: Demo, site_id: str) -> np.ndarray:
    return hourly(whole_devices(demo, site_id), "sampled_at_utc", pl.col("power_w") / 1000)


def hours_between(start: date, end: date) -> slice:
    return slice((start - date(2022, 1, 1)).days * 24, (end - date(2022, 1, 1)).days * 24)


class TestFiles:
    def test_the_same_seed_gives_the_same_bytes(self, demo: Demo, tmp_path: Path) -> None:
        generate(tmp_path)
        assert digests(tmp_path) == digests(demo.root)

    def test_another_seed_gives_other_telemetry_and_the_same_inventory(self, demo: Demo, tmp_path: Path) -> None:
        generate(tmp_path, seed=7)
        ours, other = digests(demo.root), digests(tmp_path)
        telemetry = "landing/xiliu/accelerator_samples/accelerator_samples_2022-05.parquet"
        inventory = "landing/xiliu/hardware_assets/hardware_assets_2021-12-31.csv"
        assert ours[telemetry] != other[telemetry]
        assert ours[inventory] == other[inventory]

    def test_every_site_has_files_of_thirteen_datasets(self, demo: Demo) -> None:
        found = {(file.site_id, file.source.dataset) for file in demo.files}
        assert found == {(site_id, dataset) for site_id in SITES for dataset in IN_DEMO}

    def test_sites_are_read_by_the_settings_reader(self, demo: Demo) -> None:
        sites = read_sites(demo.root / "sites.toml")
        assert [(site.site_id, site.region_code) for site in sites] == [
            ("qinglan", "CN-HE"),
            ("xiliu", "CN-SC"),
            ("chaosheng", "CN-SH"),
        ]
        assert all("fictitious" in site.name_en and "虚构" in site.name_zh for site in sites)
        assert all(value is not None for site in sites for _, value in site)

    def test_all_rows_are_declared_simulated(self, demo: Demo) -> None:
        assert {file.source.evidence for file in demo.files} == {"simulated"}

    def test_telemetry_is_one_parquet_file_per_month_and_half_a_million_rows(self, demo: Demo) -> None:
        files = [file.path for file in demo.files if file.source.dataset == "accelerator_samples"]
        assert len(files) == 3 * 24
        assert {path.suffix for path in files} == {".parquet"}
        assert 450_000 < demo.checked("accelerator_samples")[0].height < 650_000

    def test_one_site_writes_chinese_headers_and_local_times(self, demo: Demo) -> None:
        path = demo.root / "landing/xiliu/facility_readings/facility_readings_2022-01.csv"
        header, first = path.read_text(encoding="utf-8").splitlines()[:2]
        assert header == "电表,计量边界,开始时间,结束时间,电量,用水量,估读"
        assert first.startswith("SC-E-UTILITY,utility,2022-01-01 00:00:00,2022-01-01 01:00:00,")


class TestContracts:
    @pytest.mark.parametrize("dataset", IN_DEMO)
    def test_every_row_keeps_its_contract(self, demo: Demo, dataset: str) -> None:
        accepted, rejected = demo.checked(dataset)
        assert rejected.is_empty(), rejected.head(3).rows()
        assert accepted.height > 0

    @pytest.mark.parametrize("dataset", IN_DEMO)
    def test_no_file_tells_a_row_twice(self, demo: Demo, dataset: str) -> None:
        accepted, _ = demo.checked(dataset)
        key = ["site_id", "path", *DATASETS[dataset].key]
        assert accepted.select(key).is_duplicated().sum() == 0

    def test_rows_told_again_are_only_those_that_were_corrected_or_completed(self, demo: Demo) -> None:
        again = {
            dataset
            for dataset, contract in IN_DEMO.items()
            if demo.checked(dataset)[0].select("site_id", *contract.key).is_duplicated().any()
        }
        assert again == {"utility_bills", "energy_certificates", "hardware_assets", "service_offers"}

    @pytest.mark.parametrize("site_id", SITES)
    def test_forty_to_eighty_jobs_are_submitted_each_month(self, demo: Demo, site_id: str) -> None:
        local_month = (pl.col("submitted_at_utc") + timedelta(hours=8)).dt.truncate("1mo")
        jobs = demo.rows("workload_runs", site_id).group_by(local_month).len().sort("submitted_at_utc")
        assert jobs["submitted_at_utc"][0] == datetime(2021, 12, 1)
        assert jobs["len"][1:].len() == 24
        assert jobs["len"][1:].is_between(40, 80).all()


class TestEnergy:
    @pytest.mark.parametrize("site_id", SITES)
    def test_devices_use_less_than_it_and_it_less_than_the_total(self, demo: Demo, site_id: str) -> None:
        devices, it = device_kwh(demo, site_id), metered(demo, site_id, "ups_output")
        total = metered(demo, site_id, "utility") + metered(demo, site_id, "on_site_renewable")
        assert (devices < it).all()
        assert (it < total).all()
        assert it.min() > 0

    @pytest.mark.parametrize("site_id", SITES)
    def test_total_is_it_plus_ups_loss_cooling_and_the_rest(self, demo: Demo, site_id: str) -> None:
        it, cooling = metered(demo, site_id, "ups_output"), metered(demo, site_id, "cooling")
        total = metered(demo, site_id, "utility") + metered(demo, site_id, "on_site_renewable")
        # A UPS of 95.5 % takes 1/0.955 = 1.04712 of what it gives; lighting and the like take 2 % of IT energy.
        # Each of the three meters is rounded to 1 Wh, so the sum is off by no more than 0.003 kWh.
        assert np.abs(it * 1.04712 + it * 0.02 + cooling - total).max() < 0.003
        assert cooling.min() > 0

    @pytest.mark.parametrize(
        ("site_id", "lowest", "highest"), [("qinglan", 1.18, 1.42), ("xiliu", 1.15, 1.27), ("chaosheng", 1.33, 1.50)]
    )
    def test_pue_follows_the_season(self, demo: Demo, site_id: str, lowest: float, highest: float) -> None:
        it = metered(demo, site_id, "ups_output")
        total = metered(demo, site_id, "utility") + metered(demo, site_id, "on_site_renewable")
        months = {
            month: total[span].sum() / it[span].sum()
            for month in range(1, 13)
            for span in [hours_between(date(2022, month, 1), date(2022 + month // 12, month % 12 + 1, 1))]
        }
        assert lowest < min(months.values()) < max(months.values()) < highest
        assert months[7] > months[1]

    @pytest.mark.parametrize("site_id", SITES)
    def test_counters_rise_by_power_times_time(self, demo: Demo, site_id: str) -> None:
        steps = (
            whole_devices(demo, site_id)
            .sort("device_id", "sampled_at_utc")
            .with_columns(
                risen_j=pl.col("energy_counter_j").shift(-1).over("device_id") - pl.col("energy_counter_j"),
                step=pl.col("sampled_at_utc").shift(-1).over("device_id") - pl.col("sampled_at_utc"),
            )
            .filter((pl.col("step") == timedelta(hours=1)) & (pl.col("risen_j") >= 0))
        )
        assert steps.height > 60_000
        assert (steps["risen_j"] - steps["power_w"] * 3600).abs().max() < 0.1

    @pytest.mark.parametrize("site_id", SITES)
    def test_bills_equal_the_meter_within_half_a_percent(self, demo: Demo, site_id: str) -> None:
        utility = metered(demo, site_id, "utility")
        bills = demo.rows("utility_bills", site_id).filter(
            (pl.col("commodity") == "electricity")
            & (pl.col("line_type") == "consumption")
            & ~pl.col("is_estimated")
            & (pl.col("service_start") >= date(2022, 1, 1))
            & (pl.col("service_end") <= date(2024, 1, 1))
        )
        assert bills.height >= 23
        for start, end, kwh in bills.select("service_start", "service_end", "energy_kwh").iter_rows():
            # The two meters differ by at most 0.5 %; the bill is rounded to 0.01 kWh.
            assert kwh == pytest.approx(utility[hours_between(start, end)].sum(), rel=0.00501)

    def test_bills_cover_the_eight_quarters_without_a_hole(self, demo: Demo) -> None:
        for site_id, first, last in [
            ("qinglan", date(2021, 12, 18), date(2024, 1, 18)),
            ("xiliu", date(2022, 1, 1), date(2024, 1, 1)),
            ("chaosheng", date(2021, 12, 25), date(2024, 1, 25)),
        ]:
            periods = (
                demo.rows("utility_bills", site_id)
                .filter((pl.col("commodity") == "electricity") & (pl.col("line_type") == "consumption"))
                .select("service_start", "service_end")
                .unique()
                .sort("service_start")
            )
            assert periods["service_start"].to_list() == [first, *periods["service_end"][:-1].to_list()]
            assert periods["service_end"][-1] == last

    def test_heat_is_reused_at_one_site_and_in_winter_only(self, demo: Demo) -> None:
        readings, _ = demo.checked("facility_readings")
        assert readings.filter(pl.col("boundary") == "heat_reuse")["site_id"].unique().to_list() == ["qinglan"]
        heat = metered(demo, "qinglan", "heat_reuse")
        assert heat[hours_between(date(2022, 7, 1), date(2022, 8, 1))].sum() == 0
        january = hours_between(date(2022, 1, 1), date(2022, 2, 1))
        assert heat[january].sum() == pytest.approx(
            0.2 * metered(demo, "qinglan", "ups_output")[january].sum(), rel=1e-3
        )

    @pytest.mark.parametrize("site_id", SITES)
    def test_no_more_green_power_is_claimed_than_electricity_was_used(self, demo: Demo, site_id: str) -> None:
        claims = demo.rows("energy_certificates", site_id)
        latest = claims.sort("path").unique("certificate_id", keep="last")
        used = metered(demo, site_id, "utility").sum() + metered(demo, site_id, "on_site_renewable").sum()
        assert 0 < latest.filter(pl.col("retired_on").is_not_null())["energy_kwh"].sum() < used

    def test_on_site_claims_are_what_the_panels_metered(self, demo: Demo) -> None:
        claims = demo.rows("energy_certificates", "qinglan").filter(pl.col("instrument") == "on_site")
        solar = metered(demo, "qinglan", "on_site_renewable")
        assert claims.height == 8
        for start, end, kwh in claims.select("vintage_start", "vintage_end", "energy_kwh").iter_rows():
            assert kwh == pytest.approx(solar[hours_between(start, end)].sum(), abs=0.001)


class TestUse:
    def allocated(self, demo: Demo, site_id: str) -> np.ndarray:
        """Device-hours that runs hold in every hour; a run that has not ended holds them to the end of the data."""
        held = np.zeros(HOURS + 1)
        runs = demo.rows("workload_runs", site_id).filter(pl.col("started_at_utc").is_not_null())
        for started, ended, devices in runs.select("started_at_utc", "ended_at_utc", "device_count").iter_rows():
            first = max(0.0, (started - FIRST_HOUR) / timedelta(hours=1))
            last = min(float(HOURS), (ended - FIRST_HOUR) / timedelta(hours=1) if ended else HOURS)
            hours = np.arange(int(first), int(np.ceil(last)))
            held[hours] += devices * (np.minimum(hours + 1, last) - np.maximum(hours, first))
        return held[:HOURS]

    def installed(self, site_id: str) -> np.ndarray:
        devices = np.full(HOURS, {"qinglan": 16, "xiliu": 8, "chaosheng": 4}[site_id])
        if site_id == "qinglan":
            devices[(date(2023, 4, 1) - date(2022, 1, 1)).days * 24 :] = 24
        return devices

    def busy(self, demo: Demo, site_id: str) -> np.ndarray:
        """Busy device-hours; of a partitioned device the mean of its three equal instances."""
        samples = demo.rows("accelerator_samples", site_id)
        weight = pl.when(pl.col("instance_id") == "").then(1.0).otherwise(1 / 3)
        return hourly(samples, "sampled_at_utc", pl.col("utilisation_ratio") * weight)

    @pytest.mark.parametrize("site_id", SITES)
    def test_busy_is_within_allocated_and_allocated_within_installed(self, demo: Demo, site_id: str) -> None:
        busy, allocated, installed = self.busy(demo, site_id), self.allocated(demo, site_id), self.installed(site_id)
        assert (busy <= allocated + 1e-6).all()
        assert (allocated <= installed + 1e-6).all()

    @pytest.mark.parametrize("site_id", SITES)
    def test_utilisation_is_between_a_quarter_and_six_tenths_in_every_quarter(self, demo: Demo, site_id: str) -> None:
        busy, installed = self.busy(demo, site_id), self.installed(site_id)
        starts = [date(2022 + n // 4, 3 * (n % 4) + 1, 1) for n in range(8)]
        for start, end in zip(starts, [*starts[1:], date(2024, 1, 1)], strict=True):
            span = hours_between(start, end)
            assert 0.25 < busy[span].sum() / installed[span].sum() < 0.6, start

    @pytest.mark.parametrize("site_id", SITES)
    def test_training_reaches_thirty_to_forty_five_percent_of_peak(self, demo: Demo, site_id: str) -> None:
        stated = demo.rows("workload_runs", site_id).filter(
            pl.col("workload_class").is_in(["training", "fine_tuning"]) & pl.col("model_pflop").is_not_null()
        )
        seconds = (stated["ended_at_utc"] - stated["started_at_utc"]).dt.total_seconds()
        # Peak of an A100 or A800 in dense BF16 is 312 TFLOP/s (reference/accelerators.csv), that is 0.312 PFLOP/s.
        assert 0.30 < stated["model_pflop"].sum() / (seconds * stated["device_count"] * 0.312).sum() < 0.45

    @pytest.mark.parametrize("site_id", SITES)
    def test_some_runs_state_no_flops_and_some_wait(self, demo: Demo, site_id: str) -> None:
        finished = demo.rows("workload_runs", site_id).filter(pl.col("tokens").is_not_null())
        assert 0.2 < finished["model_pflop"].null_count() / finished.height < 0.7
        waited = (finished["started_at_utc"] - finished["submitted_at_utc"]).dt.total_seconds()
        assert (waited == 0).any()
        assert (waited > 24 * 3600).any()

    def test_energy_of_runs_is_part_of_the_energy_of_devices(self, demo: Demo) -> None:
        runs = demo.rows("workload_runs", "qinglan").filter(pl.col("started_at_utc") >= FIRST_HOUR)
        runs_kwh = runs["energy_j"].sum() / 3.6e6
        # Devices idle for four tenths of the time at about 57 W and draw about 300 W in runs: runs are well above half.
        assert 0.6 < runs_kwh / device_kwh(demo, "qinglan").sum() < 1.0


class TestPeculiarities:
    def test_xiliu_sends_no_telemetry_for_four_days(self, demo: Demo) -> None:
        sampled = hourly(whole_devices(demo, "xiliu"), "sampled_at_utc", pl.col("device_count"))
        gap = hours_between(date(2022, 11, 8), date(2022, 11, 12))
        assert sampled[gap].sum() == 0
        assert (np.delete(sampled, np.arange(gap.start, gap.stop)) == 8).all()

    def test_counters_of_one_server_begin_again_after_an_outage(self, demo: Demo) -> None:
        samples, _ = demo.checked("accelerator_samples")
        falls = (
            samples.filter(pl.col("instance_id") == "")
            .sort("device_id", "sampled_at_utc")
            .with_columns(risen_j=pl.col("energy_counter_j").diff().over("device_id"))
            .filter(pl.col("risen_j") < 0)
        )
        # 07:00 on 14 September in China is 23:00 the day before in UTC.
        assert falls["sampled_at_utc"].unique().to_list() == [datetime(2022, 9, 13, 23)]
        assert falls["node_id"].to_list() == ["he-gpu-01"] * 8
        assert falls["energy_counter_j"].to_list() == [0.0] * 8

    def test_a_partitioned_device_repeats_its_counter_on_every_instance(self, demo: Demo) -> None:
        samples = demo.rows("accelerator_samples", "chaosheng")
        instances = samples.filter(pl.col("instance_id") != "")
        assert instances["device_id"].n_unique() == 1
        assert sorted(instances["instance_id"].unique()) == ["3", "4", "5"]
        # July, August and September 2023: 92 days of 24 hours, three instances.
        assert instances.height == 92 * 24 * 3
        whole = samples.filter(pl.col("instance_id") == "").select("device_id", "sampled_at_utc", "energy_counter_j")
        paired = instances.join(whole, on=["device_id", "sampled_at_utc"], suffix="_of_device")
        assert (paired["energy_counter_j"] == paired["energy_counter_j_of_device"]).all()
        silent = samples.filter(pl.col("utilisation_ratio").is_null())
        assert silent.height == 92 * 24
        assert silent["power_w"].null_count() == 0

    def test_a_bill_arrives_five_months_late(self, demo: Demo) -> None:
        late = demo.rows("utility_bills", "chaosheng").filter(pl.col("path") == "utility_bills_2023Q1_late.csv")
        assert late.select("line_type", "service_start", "service_end").rows() == [
            ("consumption", date(2022, 8, 25), date(2022, 9, 25)),
            ("adjustment", date(2022, 8, 25), date(2022, 9, 25)),
        ]
        assert late["amount"].to_list()[1] == -120.0

    def test_an_estimated_bill_is_corrected(self, demo: Demo) -> None:
        bills = demo.rows("utility_bills", "xiliu").filter(
            (pl.col("commodity") == "electricity") & (pl.col("service_start") == date(2023, 2, 1))
        )
        issued = bills.sort("revision").select("path", "revision", "is_estimated").rows()
        assert issued == [
            ("utility_bills_2023Q1.csv", 0, True),
            ("utility_bills_2023Q2_revised.csv", 1, False),
        ]
        estimated_kwh, corrected_kwh = bills.sort("revision")["energy_kwh"]
        assert estimated_kwh == pytest.approx(1.12 * corrected_kwh, abs=0.51)

    def test_bills_of_two_sites_straddle_months(self, demo: Demo) -> None:
        bills, _ = demo.checked("utility_bills")
        electricity = bills.filter(pl.col("commodity") == "electricity")
        days = electricity.group_by("site_id").agg(pl.col("service_start").dt.day().unique())
        assert dict(days.rows()) == {"qinglan": [18], "xiliu": [1], "chaosheng": [25]}

    def test_one_part_changes_its_supplier(self, demo: Demo) -> None:
        parts = demo.rows("bom_parts", "qinglan").sort("observed_on")
        changed = parts.group_by("part_id").agg(pl.col("supplier").n_unique()).filter(pl.col("supplier") > 1)
        assert changed["part_id"].to_list() == ["P-OPT"]
        optics = parts.filter(pl.col("part_id") == "P-OPT")
        new = optics.filter(pl.col("observed_on") >= date(2022, 12, 31))
        assert new["supplier"].unique().to_list() == ["Supplier Ginkgo"]
        assert new["qualified_suppliers"].unique().to_list() == [2]
        assert optics.height == 8

    def test_stock_of_one_part_is_unknown(self, demo: Demo) -> None:
        unknown = demo.rows("bom_parts", "xiliu").filter(pl.col("stock_units").is_null())
        assert unknown["part_id"].unique().to_list() == ["P-FAN"]

    def test_chaosheng_evaluates_no_models_before_2023(self, demo: Demo) -> None:
        evaluations, _ = demo.checked("model_evaluations")
        first = dict(evaluations.group_by("site_id").agg(pl.col("evaluated_on").min()).rows())
        assert first["chaosheng"] == date(2023, 1, 10)
        assert first["qinglan"] == first["xiliu"] == date(2021, 12, 10)
        assert sorted(evaluations["benchmark"].unique()) == ["ARC-C", "GSM8K", "HumanEval", "MATH", "MMLU"]

    def test_qinglan_grows_by_a_server(self, demo: Demo) -> None:
        first = whole_devices(demo, "qinglan").group_by("node_id").agg(pl.col("sampled_at_utc").min())
        # 2023-04-01 00:00 in China.
        assert dict(first.rows())["he-gpu-03"] == datetime(2023, 3, 31, 16)
        assets = demo.rows("hardware_assets", "qinglan").filter(pl.col("path") == "hardware_assets_2023-04-01.csv")
        accelerators = assets.filter(pl.col("asset_class") == "accelerator")
        assert accelerators["quantity"].sum() == 24
        assert accelerators["parent_asset_id"].is_in(assets["asset_id"].to_list()).all()

    def test_incidents_are_planned_and_unplanned_and_some_interrupt_jobs(self, demo: Demo) -> None:
        incidents, _ = demo.checked("incidents")
        planned = dict(incidents.group_by("site_id").agg(pl.col("is_planned").sum()).rows())
        assert planned == {"qinglan": 8, "xiliu": 8, "chaosheng": 8}
        cut_short = demo.checked("workload_runs")[0].filter(pl.col("state") == "node_failure").height
        assert 0 < cut_short <= incidents.filter(~pl.col("is_planned"))["jobs_interrupted"].sum()

    def test_job_ids_are_used_again_after_the_scheduler_was_installed_anew(self, demo: Demo) -> None:
        runs = demo.rows("workload_runs", "qinglan")
        assert runs.select("job_id").is_duplicated().any()
        assert not runs.select("job_id", "submitted_at_utc").is_duplicated().any()

    @pytest.mark.parametrize("site_id", SITES)
    def test_some_requests_are_withdrawn_before_they_start(self, demo: Demo, site_id: str) -> None:
        never = demo.rows("workload_runs", site_id).filter(pl.col("started_at_utc").is_null())
        assert never.height > 5
        assert set(never["state"]) <= {"cancelled", "pending"}
        assert (never["device_count"] == 0).all()
        assert (never["requested_device_count"] > 0).all()

    @pytest.mark.parametrize(
        ("site_id", "day", "prices"),
        [
            ("qinglan", date(2023, 1, 1), [9.2, 8.4]),
            ("xiliu", date(2023, 7, 1), [7.6, 6.8]),
            ("chaosheng", date(2023, 1, 1), [14.5, 12.8]),
        ],
    )
    def test_the_price_of_a_device_hour_changes_once(
        self, demo: Demo, site_id: str, day: date, prices: list[float]
    ) -> None:
        offers = demo.rows("service_offers", site_id).filter(pl.col("offer_id").str.contains("HOUR-A100"))
        latest = offers.sort("path").unique(["offer_id", "valid_from"], keep="last").sort("valid_from")
        assert latest["price"].to_list() == prices
        assert latest["valid_from"].to_list() == [date(2021, 12, 1), day]
        assert latest["valid_to"].to_list() == [day, None]

    def test_a_certificate_is_first_unretired_and_then_retired(self, demo: Demo) -> None:
        certificate = demo.rows("energy_certificates", "qinglan").filter(pl.col("certificate_id") == "HE-GEC-2022Q4")
        assert certificate.sort("path").select("path", "retired_on").rows() == [
            ("energy_certificates_2022.csv", None),
            # 78 days after 1 January 2023.
            ("energy_certificates_2023.csv", date(2023, 3, 20)),
        ]

    def test_certificates_of_the_last_quarter_are_not_retired(self, demo: Demo) -> None:
        certificates, _ = demo.checked("energy_certificates")
        last = certificates.filter((pl.col("vintage_end") == date(2024, 1, 1)) & (pl.col("instrument") != "on_site"))
        assert last["site_id"].n_unique() == 3
        assert last["retired_on"].null_count() == last.height
