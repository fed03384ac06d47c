"""The supply-chain family: assets, parts, software, compatibility tests and offers. Suppliers are fictitious."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from suanheng.flows.demo.bills import CURRENCY
from suanheng.flows.demo.centres import Batch, Centre, Server
from suanheng.flows.demo.clock import UTC_OFFSET, quarters, stream

FIRST_INVENTORY = date(2021, 12, 31)
FIRST_OFFER = date(2021, 12, 1)
HALF_YEARS = (date(2021, 12, 31), date(2022, 6, 30), date(2022, 12, 31), date(2023, 6, 30))

Row = dict[str, Any]
Files = Iterator[tuple[str, pl.DataFrame]]


def hardware_assets(centre: Centre) -> Files:
    """Inventories, each complete: at the start, and whenever something came or went."""
    arrivals = {server.in_service_from for server in centre.servers}
    departures = {batch.in_service_to for batch in centre.batches if batch.in_service_to}
    later = {day for day in arrivals | departures if day > FIRST_INVENTORY}
    for day in (FIRST_INVENTORY, *sorted(later)):
        rows = [row for server in centre.servers for row in _server_assets(centre, server)]
        rows += [_batch_asset(centre, number, batch, day) for number, batch in enumerate(centre.batches, 1)]
        known = [row for row in rows if row["in_service_from"] <= day]
        yield (
            day.isoformat(),
            pl.DataFrame(known, schema_overrides={"in_service_to": pl.Date, "embodied_kgco2e": pl.Float64}),
        )


def _server_assets(centre: Centre, server: Server) -> list[Row]:
    server_id = f"{centre.code}-{server.node_id[-6:].upper()}"
    common = {"in_service_from": server.in_service_from, "in_service_to": None, "currency": CURRENCY}
    return [
        {
            "asset_id": server_id,
            "parent_asset_id": None,
            "asset_class": "accelerator_server",
            "vendor": "Demo Systems",
            "sku": f"Demo GX-{server.devices}",
            "node_id": server.node_id,
            "quantity": 1,
            "rated_power_w": server.rated_power_w,
            "rack_units": float(server.rack_units),
            "embodied_kgco2e": 300.0 * server.devices,
            "service_life_years": 5.0,
            "purchase_value": 41_000.0 * server.devices,
            **common,
        },
        {
            "asset_id": f"{server_id}-ACC",
            "parent_asset_id": server_id,
            "asset_class": "accelerator",
            "vendor": "NVIDIA",
            "sku": server.accelerator.sku,
            "node_id": server.node_id,
            "quantity": server.devices,
            "rated_power_w": server.accelerator.tdp_w,
            "rack_units": None,
            "embodied_kgco2e": 280.0,
            "service_life_years": 4.0,
            "purchase_value": 96_000.0,
            **common,
        },
    ]


def _batch_asset(centre: Centre, number: int, batch: Batch, day: date) -> Row:
    has_left = batch.in_service_to is not None and batch.in_service_to <= day
    return {
        "asset_id": f"{centre.code}-BATCH-{number:02d}",
        "parent_asset_id": None,
        "asset_class": batch.asset_class,
        "vendor": "Demo Systems",
        "sku": batch.sku,
        "node_id": None,
        "quantity": batch.quantity,
        "in_service_from": centre.commissioned_on,
        "in_service_to": batch.in_service_to if has_left else None,
        "rated_power_w": float(batch.rated_power_w),
        "rack_units": float(batch.rack_units),
        "embodied_kgco2e": batch.embodied_kgco2e,
        "service_life_years": 6.0,
        "purchase_value": float(batch.price),
        "currency": CURRENCY,
    }


@dataclass(frozen=True)
class Part:
    """A part of an accelerator server; ``per_device`` pieces for each accelerator, ``fixed`` ones besides.

    ``lead_days`` from order to delivery, ``cover_days`` the stock's usual reach, ``failures`` pieces used per day.
    """

    part_id: str
    component_class: str
    part_name: str
    supplier: str
    origin_country: str
    per_device: float
    fixed: int
    unit_value: float
    qualified_suppliers: int
    lead_days: int
    cover_days: int
    failures: float


PARTS = (
    Part("P-ACC", "accelerator", "Accelerator module", "Supplier Alder", "US", 1, 0, 96_000, 1, 180, 90, 0.004),
    Part("P-CPU", "cpu", "Server processor", "Supplier Birch", "US", 0, 2, 24_000, 2, 60, 95, 0.002),
    Part("P-MEM", "memory", "Memory module 64 GB", "Supplier Cedar", "KR", 4, 0, 1_450, 3, 35, 60, 0.020),
    Part("P-NIC", "network", "Network adapter 200G", "Supplier Elm", "IL", 1, 0, 6_200, 2, 75, 70, 0.004),
    Part("P-OPT", "optics", "Optical module 200G", "Supplier Fir", "CN", 2, 0, 2_300, 1, 45, 80, 0.030),
    Part("P-SSD", "storage", "NVMe drive 7.68 TB", "Supplier Hazel", "KR", 0, 4, 5_400, 3, 30, 75, 0.010),
    Part("P-PSU", "power_supply", "Power supply 3 kW", "Supplier Larch", "CN", 0, 6, 2_100, 2, 25, 60, 0.008),
    Part("P-FAN", "cooling", "Fan module", "Supplier Maple", "CN", 0, 12, 420, 2, 14, 45, 0.030),
    Part("P-BRD", "board", "Main board", "Supplier Oak", "CN", 0, 1, 18_500, 1, 50, 110, 0.002),
)


def bom_parts(centre: Centre, seed: int) -> Files:
    """Parts of the centre's server models on the last day before every quarter."""
    chance = stream(seed, centre.site_id, "parts")
    sizes = sorted({server.devices for server in centre.servers})
    for start, _ in quarters():
        day = start - timedelta(days=1)
        rows = [_part_row(centre, part, devices, day, chance) for devices in sizes for part in PARTS]
        yield day.isoformat(), pl.DataFrame(rows, infer_schema_length=None)


def _part_row(centre: Centre, part: Part, devices: int, day: date, chance: np.random.Generator) -> Row:
    daily_use = round(part.failures * centre.devices / 8, 4)
    stock = float(np.round(daily_use * part.cover_days * chance.uniform(0.6, 1.5)))
    change = centre.supplier_change
    changed = change is not None and part.part_id == change.part_id and day >= change.first_seen
    return {
        "asset_sku": f"Demo GX-{devices}",
        "part_id": part.part_id,
        "observed_on": day,
        "component_class": part.component_class,
        "part_name": part.part_name,
        "supplier": change.supplier if change and changed else part.supplier,
        "origin_country": part.origin_country,
        "quantity": part.per_device * devices + part.fixed,
        "unit_value": float(part.unit_value),
        "currency": CURRENCY,
        "qualified_suppliers": part.qualified_suppliers + changed,
        "lead_time_days": float(round(part.lead_days * chance.uniform(0.85, 1.2))),
        "stock_units": None if part.part_id in centre.uncounted_parts else stock,
        "daily_use_units": daily_use,
    }


@dataclass(frozen=True)
class Component:
    """A component of the software stack, with its version in every half-year."""

    name: str
    supplier: str | None
    licence: str | None
    package_url: str | None
    versions: tuple[str, str, str, str]
    states_dependencies: bool = True
    is_open_standard: bool = False


COMPONENTS = (
    Component(
        "linux",
        "Linux kernel organization",
        "GPL-2.0-only",
        "pkg:generic/linux",
        ("5.4", "5.4", "5.15", "5.15"),
        is_open_standard=True,
    ),
    Component(
        "kubernetes",
        "CNCF",
        "Apache-2.0",
        "pkg:github/kubernetes/kubernetes",
        ("1.22", "1.24", "1.25", "1.27"),
        is_open_standard=True,
    ),
    Component("slurm", "SchedMD", "GPL-2.0-or-later", "pkg:github/schedmd/slurm", ("21.08", "22.05", "22.05", "23.02")),
    Component(
        "prometheus",
        "CNCF",
        "Apache-2.0",
        "pkg:github/prometheus/prometheus",
        ("2.32", "2.36", "2.40", "2.45"),
        is_open_standard=True,
    ),
    Component("pytorch", "PyTorch Foundation", "BSD-3-Clause", "pkg:pypi/torch", ("1.10", "1.12", "1.13", "2.0")),
    Component("tensorflow", "Google", "Apache-2.0", "pkg:pypi/tensorflow", ("2.7", "2.9", "2.11", "2.12")),
    Component(
        "onnxruntime",
        "Microsoft",
        "MIT",
        "pkg:pypi/onnxruntime",
        ("1.10", "1.11", "1.13", "1.15"),
        is_open_standard=True,
    ),
    Component("nccl", "NVIDIA", "BSD-3-Clause", "pkg:github/nvidia/nccl", ("2.11", "2.12", "2.15", "2.18")),
    Component(
        "cuda-toolkit",
        "NVIDIA",
        "LicenseRef-NVIDIA-CUDA-Proprietary",
        "pkg:generic/cuda-toolkit",
        ("11.4", "11.6", "11.8", "12.1"),
        states_dependencies=False,
    ),
    Component(
        "gpu-driver",
        "NVIDIA",
        "LicenseRef-NVIDIA-Driver-Proprietary",
        None,
        ("470", "510", "520", "530"),
        states_dependencies=False,
    ),
    Component(
        "open-mpi",
        "Open MPI team",
        "BSD-3-Clause-Open-MPI",
        "pkg:github/open-mpi/ompi",
        ("4.1.2", "4.1.4", "4.1.4", "4.1.5"),
        is_open_standard=True,
    ),
    Component("lustre", "OpenSFS", "GPL-2.0-only", "pkg:generic/lustre", ("2.14", "2.15", "2.15", "2.15")),
    Component(
        "demo-portal",
        "Demo Systems",
        "LicenseRef-Proprietary",
        None,
        ("3.0", "3.1", "3.2", "4.0"),
        states_dependencies=False,
    ),
    Component("demo-billing", None, None, None, ("1.4", "1.4", "1.5", "1.6"), states_dependencies=False),
)


def software_components(centre: Centre) -> Files:
    """The centre's software stack at the end of every half-year."""
    for position, day in enumerate(HALF_YEARS):
        written = datetime(day.year, day.month, day.day, 18) - UTC_OFFSET
        rows = [
            {
                "component_ref": f"{component.name}@{component.versions[position]}",
                "observed_on": day,
                "component_name": component.name,
                "component_version": component.versions[position],
                "supplier": component.supplier,
                "licence_spdx": component.licence,
                "package_url": component.package_url and f"{component.package_url}@{component.versions[position]}",
                "has_dependencies_stated": component.states_dependencies,
                "sbom_author": f"{centre.name_en}, operations",
                "sbom_created_at_utc": written,
                "implements_open_standard": component.is_open_standard,
            }
            for component in COMPONENTS
            if component.name not in centre.absent_software
        ]
        yield day.isoformat(), pl.DataFrame(rows, infer_schema_length=None)


OPERATORS = (
    "matmul",
    "softmax",
    "layer_norm",
    "gelu",
    "attention",
    "conv2d",
    "embedding",
    "all_reduce",
    "all_to_all",
    "top_k",
    "rotary_embedding",
    "grouped_matmul",
)
FRAMEWORKS = ("PyTorch", "PaddlePaddle", "MindSpore", "TensorFlow")
TEST_WEIGHTS = {"operator": 1.0, "framework": 3.0, "model": 2.0}
NEVER_RUN = "MindSpore"


def compatibility_tests(centre: Centre, seed: int) -> Files:
    """Tests of every half-year on every device type then in service; more of them pass from round to round."""
    chance = stream(seed, centre.site_id, "tests")
    subjects = [("operator", name) for name in OPERATORS]
    subjects += [("framework", name) for name in FRAMEWORKS]
    subjects += [("model", name) for name in centre.demand.models]
    is_required = {subject: bool(chance.random() < 0.8) for subject in subjects}
    for number, day in enumerate(HALF_YEARS):
        skus = dict.fromkeys(s.accelerator.sku for s in centre.servers if s.in_service_from <= day)
        rows = [
            {
                "test_id": f"{kind}/{name}",
                "subject_kind": kind,
                "subject_name": name,
                "subject_version": f"demo-{number + 1}",
                "sku": sku,
                "tested_on": day - timedelta(days=10),
                "result": "not_run" if name == NEVER_RUN else _result(0.72 + 0.05 * number, chance),
                "is_required": is_required[kind, name],
                "weight": TEST_WEIGHTS[kind],
                "evidence_url": f"https://tests.example/{centre.site_id}/{day.isoformat()}/{kind}/{name}",
            }
            for sku in skus
            for kind, name in subjects
        ]
        yield day.isoformat(), pl.DataFrame(rows)


def _result(pass_rate: float, chance: np.random.Generator) -> str:
    return "passed" if chance.random() < pass_rate else "failed"


def service_offers(centre: Centre) -> Files:
    """Price lists, each complete: at the start, when prices change and when a device type is added."""
    first_offered = {
        server.accelerator.sku: max(FIRST_OFFER, server.in_service_from) for server in reversed(centre.servers)
    }
    for day in sorted({centre.tariff.changes_on, *first_offered.values()}):
        rows = [
            row
            for sku, offered_from in first_offered.items()
            if offered_from <= day
            for row in _device_hour_offers(centre, sku, offered_from, day)
        ]
        yield (
            day.isoformat(),
            pl.DataFrame([*rows, _token_offer(centre)], schema_overrides={"valid_to": pl.Date, "sku": pl.String}),
        )


def _device_hour_offers(centre: Centre, sku: str, offered_from: date, day: date) -> Iterator[Row]:
    """The offer at its first price and, once prices have changed, at the present one."""
    tariff = centre.tariff
    has_changed = offered_from < tariff.changes_on <= day
    offer = _offer(
        centre, f"{centre.code}-HOUR-{sku.split(maxsplit=1)[0]}", "device_hour", tariff.device_hour_on(offered_from)
    )
    offer |= {"sku": sku, "precision": "BF16", "valid_from": offered_from}
    yield offer | {"valid_to": tariff.changes_on if has_changed else None}
    if has_changed:
        yield offer | {"price": tariff.device_hour_on(day), "valid_from": tariff.changes_on}


def _token_offer(centre: Centre) -> Row:
    return _offer(centre, f"{centre.code}-TOKENS", "million_tokens", centre.tariff.million_tokens)


def _offer(centre: Centre, offer_id: str, unit: str, price: float) -> Row:
    return {
        "offer_id": offer_id,
        "unit": unit,
        "price": price,
        "currency": CURRENCY,
        "sku": None,
        "precision": None,
        "minimum_units": 1.0,
        "region_code": centre.region_code,
        "availability_ratio": 0.995,
        "valid_from": FIRST_OFFER,
        "valid_to": None,
    }
