"""The three fictitious centres: what stands there, what runs there, what it costs. Nothing else decides a number.

The centres, operators, tenants and suppliers do not exist. Accelerator models are named as in
``reference.accelerators``; everything else is chosen so that it is where real centres are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True)
class Accelerator:
    """A device type: peak in dense BF16 TFLOP/s, design and idle power in W, memory in GiB."""

    sku: str
    peak_tflops: float
    tdp_w: float
    idle_w: float
    memory_gib: int


A100 = Accelerator("A100 SXM 80GB", peak_tflops=312, tdp_w=400, idle_w=56, memory_gib=80)
A800 = Accelerator("A800 SXM 80GB", peak_tflops=312, tdp_w=400, idle_w=58, memory_gib=80)


@dataclass(frozen=True)
class Server:
    """A server full of equal accelerators; rated power in W with the accelerators, height in rack units."""

    node_id: str
    accelerator: Accelerator
    devices: int
    in_service_from: date
    rated_power_w: float
    rack_units: int


@dataclass(frozen=True)
class Batch:
    """Equal assets beside the accelerator servers, put into service together; power in W and carbon of one item."""

    asset_class: str
    sku: str
    quantity: int
    rated_power_w: float
    rack_units: int
    embodied_kgco2e: float | None
    price: float
    in_service_to: date | None = None


@dataclass(frozen=True)
class Facility:
    """Power and water around the IT equipment.

    Attributes:
        support_kw: mean draw of general servers, storage and network.
        pue_mean: total over IT energy in spring and autumn.
        pue_swing: what the hottest week adds and the coldest takes away.
        water_l_per_kwh: water per kWh of IT energy in spring and autumn.
        heat_reuse_ratio: share of IT energy handed over as heat in the heating season.
        solar_kw: peak of the panels on the roof.
        diesel_kwh: fuel the standby generator burns in a quarter's test runs.
    """

    support_kw: float
    pue_mean: float
    pue_swing: float
    water_l_per_kwh: float
    heat_reuse_ratio: float = 0.0
    solar_kw: float = 0.0
    diesel_kwh: float = 0.0


@dataclass(frozen=True)
class Demand:
    """What tenants ask for.

    Attributes:
        jobs_per_month: requests per month on average.
        occupancy: device-hours asked for over device-hours in service, in the first and in the last month.
        mix: share of requests by workload class.
        sizes: accelerators asked for, by workload class.
        models: AI models that are trained and served.
        reports_energy: whether the scheduler states the energy of a run.
    """

    jobs_per_month: int
    occupancy: tuple[float, float]
    mix: Mapping[str, float]
    sizes: Mapping[str, tuple[int, ...]]
    models: tuple[str, ...]
    reports_energy: bool


@dataclass(frozen=True)
class Tariff:
    """Prices in CNY.

    Attributes:
        electricity: of a kWh.
        device_hour: asked for a device-hour before ``changes_on`` and from then on.
        changes_on: day on which the price of a device-hour changes.
        million_tokens: asked for a million tokens.
        capacity: of a kW of the highest hourly load of a month; zero where the contract knows no such price.
    """

    electricity: float
    device_hour: tuple[float, float]
    changes_on: date
    million_tokens: float
    capacity: float = 0.0

    def device_hour_on(self, day: date) -> float:
        """Listed price of a device-hour on a day."""
        return self.device_hour[day >= self.changes_on]


@dataclass(frozen=True)
class Partitioning:
    """A device that is cut into equal slices (MIG) for a while."""

    node_id: str
    position: int
    instances: tuple[str, ...]
    starts: date
    ends: date


@dataclass(frozen=True)
class Outage:
    """A node that loses power: it is off, sends nothing, and its counters begin again at zero."""

    node_id: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True)
class Gap:
    """Days, the last exclusive, from which no telemetry of accelerators arrived although the devices ran."""

    starts: date
    ends: date


@dataclass(frozen=True)
class GreenPower:
    """Green power bought quarter by quarter.

    Attributes:
        instrument: kind of claim.
        technology: kind of generation.
        region_code: where it is generated.
        share: share of the electricity from the grid, by year.
        days_to_retire: days from the end of a quarter until its claim is cancelled; the last quarter's is not yet.
    """

    instrument: str
    technology: str
    region_code: str
    share: Mapping[int, float]
    days_to_retire: int


@dataclass(frozen=True)
class SupplierChange:
    """A part that comes from another supplier from one inventory on, with one more supplier qualified."""

    part_id: str
    supplier: str
    first_seen: date


@dataclass(frozen=True)
class Centre:
    """One fictitious centre: the row of reference.sites, and what its data are made from.

    ``late_bill`` and ``estimated_bill`` are first days of service periods of electricity: the bill that arrives months
    late, and the bill that is estimated at first and corrected later. ``uncounted_parts`` are in stock in unknown
    number.
    """

    site_id: str
    code: str
    name_zh: str
    name_en: str
    region_code: str
    commissioned_on: date
    rack_units: float
    size_class: str
    is_new: bool
    is_hub_node: bool
    servers: tuple[Server, ...]
    batches: tuple[Batch, ...]
    facility: Facility
    demand: Demand
    tariff: Tariff
    billing_day: int
    evaluates_models_from: date
    green_power: GreenPower
    absent_software: frozenset[str]
    chinese_headers: bool = False
    partitioning: Partitioning | None = None
    outages: tuple[Outage, ...] = field(default=())
    gap: Gap | None = None
    late_bill: date | None = None
    estimated_bill: date | None = None
    supplier_change: SupplierChange | None = None
    uncounted_parts: frozenset[str] = frozenset()

    @property
    def cluster_id(self) -> str:
        """The one cluster of the centre."""
        return f"{self.site_id}-c1"

    @property
    def devices(self) -> int:
        """Accelerators the centre has in the end."""
        return len(self.device_types)

    @property
    def device_types(self) -> tuple[Accelerator, ...]:
        """The type of every accelerator, server by server; a device's position here is its number everywhere."""
        return tuple(server.accelerator for server in self.servers for _ in range(server.devices))

    @property
    def skus(self) -> tuple[str, ...]:
        """Accelerator models at the centre, in order of arrival."""
        return tuple(dict.fromkeys(kind.sku for kind in self.device_types))


OPERATOR = "示例算力有限公司 (fictitious)"

QINGLAN = Centre(
    site_id="qinglan",
    code="HE",
    name_zh="青岚智算中心（虚构）",
    name_en="Qinglan AI Computing Centre (fictitious)",
    region_code="CN-HE",
    commissioned_on=date(2021, 10, 1),
    rack_units=96,
    size_class="large",
    is_new=True,
    is_hub_node=True,
    servers=(
        Server("he-gpu-01", A100, 8, date(2021, 10, 1), rated_power_w=6500, rack_units=6),
        Server("he-gpu-02", A100, 8, date(2021, 10, 1), rated_power_w=6500, rack_units=6),
        Server("he-gpu-03", A800, 8, date(2023, 4, 1), rated_power_w=6500, rack_units=6),
    ),
    batches=(
        Batch("server", "Demo CS-2U", 8, 500, 2, 1215, 62_000),
        Batch("storage", "Demo ST-4U", 6, 550, 4, 900, 118_000),
        Batch("network", "Demo SW-1U", 6, 220, 1, 300, 74_000),
        Batch("ups", "Demo UPS-40", 1, 900, 0, 1500, 160_000),
        Batch("cooling", "Demo CRAC-30", 2, 4200, 0, 1800, 95_000),
    ),
    facility=Facility(
        2.6,
        pue_mean=1.30,
        pue_swing=0.09,
        water_l_per_kwh=0.35,
        heat_reuse_ratio=0.20,
        solar_kw=2.0,
        diesel_kwh=62.0,
    ),
    demand=Demand(
        jobs_per_month=60,
        occupancy=(0.60, 0.74),
        mix={"training": 0.35, "fine_tuning": 0.25, "inference": 0.15, "hpc": 0.15, "other": 0.10},
        sizes={
            "training": (4, 8, 8, 16),
            "fine_tuning": (2, 4, 8),
            "inference": (1, 2, 4),
            "hpc": (2, 4, 8),
            "other": (1, 2),
        },
        models=("Demo-Heron-34B", "Demo-Heron-7B", "Demo-Tern-MoE-40B"),
        reports_energy=True,
    ),
    tariff=Tariff(0.62, device_hour=(9.2, 8.4), changes_on=date(2023, 1, 1), million_tokens=3.0, capacity=38.0),
    billing_day=18,
    evaluates_models_from=date(2021, 12, 10),
    green_power=GreenPower("gec", "wind", "CN-HE", {2022: 0.22, 2023: 0.22}, days_to_retire=78),
    absent_software=frozenset({"tensorflow"}),
    supplier_change=SupplierChange("P-OPT", "Supplier Ginkgo", date(2022, 12, 31)),
    outages=(Outage("he-gpu-01", datetime(2022, 9, 14, 2), datetime(2022, 9, 14, 7)),),
)

XILIU = Centre(
    site_id="xiliu",
    code="SC",
    name_zh="溪流智算中心（虚构）",
    name_en="Xiliu AI Computing Centre (fictitious)",
    region_code="CN-SC",
    commissioned_on=date(2021, 6, 15),
    rack_units=42,
    size_class="small",
    is_new=True,
    is_hub_node=True,
    servers=(Server("sc-gpu-01", A100, 8, date(2021, 6, 15), rated_power_w=6500, rack_units=6),),
    batches=(
        Batch("server", "Demo CS-2U", 4, 500, 2, 1215, 62_000),
        Batch("storage", "Demo ST-4U", 3, 550, 4, 900, 118_000),
        Batch("network", "Demo SW-1U", 3, 220, 1, 300, 74_000),
        Batch("network", "Demo SW-1U-OLD", 2, 180, 1, 260, 21_000, in_service_to=date(2022, 10, 1)),
        Batch("ups", "Demo UPS-20", 1, 500, 0, 900, 90_000),
        Batch("cooling", "Demo EVAP-20", 1, 1500, 0, 1100, 70_000),
    ),
    facility=Facility(1.0, pue_mean=1.21, pue_swing=0.035, water_l_per_kwh=1.1),
    demand=Demand(
        jobs_per_month=52,
        occupancy=(0.50, 0.68),
        mix={"training": 0.30, "fine_tuning": 0.25, "inference": 0.15, "hpc": 0.20, "other": 0.10},
        sizes={
            "training": (2, 4, 8),
            "fine_tuning": (1, 2, 4),
            "inference": (1, 2),
            "hpc": (1, 2, 4),
            "other": (1,),
        },
        models=("Demo-Egret-13B", "Demo-Heron-7B"),
        reports_energy=False,
    ),
    tariff=Tariff(0.48, device_hour=(7.6, 6.8), changes_on=date(2023, 7, 1), million_tokens=2.4),
    billing_day=1,
    evaluates_models_from=date(2021, 12, 10),
    green_power=GreenPower("gec", "hydro", "CN-SC", {2022: 0.35, 2023: 0.50}, days_to_retire=20),
    absent_software=frozenset({"lustre", "tensorflow"}),
    uncounted_parts=frozenset({"P-FAN"}),
    chinese_headers=True,
    gap=Gap(date(2022, 11, 8), date(2022, 11, 12)),
    estimated_bill=date(2023, 2, 1),
)

CHAOSHENG = Centre(
    site_id="chaosheng",
    code="SH",
    name_zh="潮声智算中心（虚构）",
    name_en="Chaosheng AI Computing Centre (fictitious)",
    region_code="CN-SH",
    commissioned_on=date(2020, 5, 20),
    rack_units=42,
    size_class="small",
    is_new=False,
    is_hub_node=True,
    servers=(Server("sh-gpu-01", A100, 4, date(2021, 3, 1), rated_power_w=3300, rack_units=4),),
    batches=(
        Batch("server", "Demo CS-2U", 2, 500, 2, 1215, 65_000),
        Batch("storage", "Demo ST-4U", 2, 550, 4, 900, 121_000),
        Batch("network", "Demo SW-1U", 2, 220, 1, None, 76_000),
        Batch("ups", "Demo UPS-20", 1, 500, 0, 900, 93_000),
        Batch("cooling", "Demo CHW-20", 1, 3000, 0, 1600, 110_000),
    ),
    facility=Facility(0.55, pue_mean=1.42, pue_swing=0.06, water_l_per_kwh=1.8),
    demand=Demand(
        jobs_per_month=55,
        occupancy=(0.48, 0.66),
        mix={"training": 0.12, "fine_tuning": 0.23, "inference": 0.45, "hpc": 0.10, "other": 0.10},
        sizes={
            "training": (2,),
            "fine_tuning": (1, 2),
            "inference": (1, 1, 2),
            "hpc": (1, 2),
            "other": (1,),
        },
        models=("Demo-Heron-7B", "Demo-Tern-MoE-40B"),
        reports_energy=True,
    ),
    tariff=Tariff(0.86, device_hour=(14.5, 12.8), changes_on=date(2023, 1, 1), million_tokens=4.5),
    billing_day=25,
    evaluates_models_from=date(2023, 1, 10),
    green_power=GreenPower("ppa", "wind", "CN-JS", {2023: 0.25}, days_to_retire=0),
    absent_software=frozenset({"lustre", "slurm"}),
    partitioning=Partitioning("sh-gpu-01", 3, ("3", "4", "5"), date(2023, 7, 1), date(2023, 10, 1)),
    late_bill=date(2022, 8, 25),
)

CENTRES = (QINGLAN, XILIU, CHAOSHENG)
