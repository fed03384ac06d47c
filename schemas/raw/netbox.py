"""Contract of objects exported from NetBox: devices, and what belongs to them."""

import polars as pl

from suanheng.schemas.columns import ISO_DATES, amount, choice, count, name, text
from suanheng.schemas.contract import UTC, Column, Contract, rule
from suanheng.schemas.datasets.assets import accelerators_are_whole
from suanheng.schemas.datasets.supply_chain import ASSET_CLASSES

TITLE = "NetBox export (devices as CSV; REST API lists as JSON)"
FEEDS = ("hardware_assets",)
OPTIONS = {
    "in_service_from": "first day in service of every device without a day of its own (YYYY-MM-DD)",
    "fields": "custom field by column: in_service_from, in_service_to, rated_power_w, accelerator_model, "
    "accelerator_count",
    "asset_classes": "class by device role, where that is not a common word",
    "skus": "model as in reference.accelerators, by the device type, part number or name NetBox has",
}
TIMES = "stated"
HOLDS = "document"
SAMPLE = "data/netbox_devices.json"
SAMPLE_SOURCE: dict[str, object] = {
    "options": {"fields": {"in_service_from": "commissioned", "accelerator_model": "gpu", "accelerator_count": "gpus"}}
}
REFUSES = (
    "JSON that is no list of one of the API's endpoints devices, inventory-items, power-ports or device-types.",
    "CSV without columns for status, role and device type.",
    "Devices for which neither a custom field nor sources.toml says since when they serve: NetBox does not know.",
)
LIMITS = (
    "A device that is planned, staged or in stock is not in service; what is offline or failed still is installed.",
    "A device that is being decommissioned needs a day out of service, or it would vanish from past months too.",
    "A device that a later export holds as in stock, or no longer holds, stays in service as the earlier one says, "
    "until a custom field gives its day out of service or the earlier file is replaced.",
    "Rated power is a custom field, else the sum of allocated_draw over the power ports, if each states one; "
    "maximum_draw is not summed, because redundant supplies would count twice.",
    "Accelerators are inventory items whose role is a common word for one, else a model and a count in custom fields.",
    "Rack height is known from CSV exports of all data, or from the list of device types.",
    "Modules, cables, and the history of an object are not read: one export a table, the last by path counts.",
)

ENDPOINTS = ("devices", "inventory-items", "power-ports", "device-types")
_STATUSES = ("active", "offline", "failed", "planned", "staged", "inventory", "decommissioning")


def _id(meaning: str) -> Column:
    return Column(pl.Int64, meaning, unit="1", at_least=1)


def _day(meaning: str) -> Column:
    return Column(pl.Date, meaning, time_formats=(*ISO_DATES, "%Y-%m-%d %H:%M:%S"))


_IS_DEVICE = pl.col("endpoint") == "devices"

CONTRACT = Contract(
    "netbox",
    "one object: a device, an inventory item, a power port or a device type",
    columns={
        "endpoint": Column(pl.String, "What it is, as the API calls the list.", one_of=ENDPOINTS, required=True),
        "id": _id("Number of the object in NetBox."),
        "name": name("Name."),
        "device": name("Device it belongs to."),
        "device.id": _id("Number of that device."),
        "device_type": name("Model of a device."),
        "device_type.id": _id("Number of the device type."),
        "manufacturer": name("Who made it."),
        "role": text("Role of a device or of an inventory item."),
        "asset_class": choice(ASSET_CLASSES, "What a device or an item is, by its role or sources.toml."),
        "status": Column(pl.String, "State of a device."),
        "tenant": text("Tenant."),
        "site": text("Site in NetBox."),
        "rack": text("Rack."),
        "position": text("Lowest unit it ingests the rack."),
        "u_height": amount("U", "Height of a device or of a device type."),
        "serial": name("Serial number."),
        "asset_tag": name("Asset tag."),
        "part_id": name("Part number of an inventory item."),
        "allocated_draw": amount("W", "Power budgeted for a power port."),
        "maximum_draw": amount("W", "Highest power of a power port."),
        "in_service_from": _day("First day in service, from a custom field or sources.toml."),
        "in_service_to": _day("Day after the last day in service, from a custom field."),
        "rated_power_w": amount("W", "Rated power, from a custom field."),
        "accelerator_model": name("Model of the accelerators in a device, from a custom field."),
        "accelerator_count": count("How many, from a custom field."),
        "sku": name("Model of a device or an item, from sources.toml."),
        "accelerator_sku": name("Model of the accelerators in a device, from sources.toml."),
        "last_updated": Column(UTC, "When the object was last changed.", time_formats=("%Y-%m-%dT%H:%M:%S%.f%#z",)),
    },
    rules=[
        rule(
            "asset_class_is_known",
            ~_IS_DEVICE | pl.col("asset_class").is_not_null(),
            "nobody said what this role is: name it in sources.toml, options = { asset_classes = { '…' = 'server' } }",
        ),
        rule(
            "status_is_known",
            ~_IS_DEVICE | pl.col("status").is_in(_STATUSES).fill_null(False),
            f"a device's status is one of {', '.join(_STATUSES)}",
        ),
        rule(
            "device_can_be_told_from_others",
            ~_IS_DEVICE | pl.any_horizontal(pl.col("name", "id", "asset_tag", "serial").is_not_null()),
            "neither name nor number nor asset tag nor serial number: nothing distinguishes this device from the next",
        ),
        rule(
            "device_has_a_model",
            ~_IS_DEVICE | pl.col("device_type").is_not_null(),
            "a device without a device type has no model",
        ),
        rule(
            "device_has_a_day",
            ~_IS_DEVICE | pl.col("in_service_from").is_not_null(),
            "no day in service: fill the custom field, or set in_service_from in sources.toml",
        ),
        rule(
            "decommissioning_has_an_end",
            (pl.col("status") != "decommissioning") | pl.col("in_service_to").is_not_null(),
            "it is being decommissioned, and no custom field says since when: its past service would be lost",
        ),
        rule(
            "part_belongs_to_a_device",
            ~pl.col("endpoint").is_in(["inventory-items", "power-ports"])
            | pl.any_horizontal(pl.col("device", "device.id").is_not_null()),
            "nothing says which device it belongs to",
        ),
        *accelerators_are_whole("accelerator_model", "accelerator_count"),
    ],
)
