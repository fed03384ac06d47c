"""Interruptions of a month."""

from datetime import date, datetime

APRIL, MAY, JUNE = date(2023, 4, 1), date(2023, 5, 1), date(2023, 6, 1)


def months(warehouse, *incidents):
    """Rows by month, over the given incidents."""
    for number, incident in enumerate(incidents):
        warehouse.stage(
            "incidents",
            {"incident_id": str(number), "devices_affected": 8, "cause": "network", "is_planned": False, **incident},
        )
    rows = warehouse.run("rollups/incident_month.sql").rows(named=True)
    return {row["month_start"]: row for row in rows}


def test_an_interruption_counts_once_and_its_hours_fall_where_they_were_lost(warehouse) -> None:
    # Ten hours across midnight of 1 June in Shanghai (16:00 UTC): 4 h × 8 devices in May, 6 h × 8 in June.
    rows = months(warehouse, {"started_at_utc": datetime(2023, 5, 31, 12), "ended_at_utc": datetime(2023, 5, 31, 22)})
    assert (rows[MAY]["interruptions"], float(rows[MAY]["unplanned_device_hours"])) == (1, 32)
    assert (rows[JUNE]["interruptions"], float(rows[JUNE]["unplanned_device_hours"])) == (0, 48)


def test_a_month_of_the_log_without_incidents_had_none(warehouse) -> None:
    rows = months(warehouse, {"started_at_utc": datetime(2023, 5, 2), "ended_at_utc": datetime(2023, 5, 2, 1)})
    assert APRIL not in rows, "before the first record nobody knows"
    assert rows[JUNE]["interruptions"] == 0
    assert float(rows[JUNE]["unplanned_device_hours"]) == 0
    assert max(rows) == date(2024, 4, 1), "365 days later the log says nothing any more"


def test_announced_maintenance_is_no_interruption(warehouse) -> None:
    maintenance = {
        "started_at_utc": datetime(2023, 5, 2),
        "ended_at_utc": datetime(2023, 5, 2, 1),
        "is_planned": True,
    }
    may = months(warehouse, maintenance)[MAY]
    assert (may["interruptions"], may["planned_interruptions"]) == (0, 1)
    assert (float(may["unplanned_device_hours"]), float(may["planned_device_hours"])) == (0, 8)


def test_what_an_incident_without_an_end_costs_is_unknown(warehouse) -> None:
    rows = months(
        warehouse,
        {"started_at_utc": datetime(2023, 5, 2)},
        {"started_at_utc": datetime(2023, 4, 2), "ended_at_utc": datetime(2023, 4, 2, 1)},
    )
    assert float(rows[APRIL]["unplanned_device_hours"]) == 8
    for month in (MAY, JUNE):
        assert (rows[month]["open_incidents"], rows[month]["unplanned_device_hours"]) == (1, None)
    assert rows[MAY]["interruptions"] == 1


def test_overlapping_incidents_are_one_outage(warehouse) -> None:
    # 0-4 h of 8 devices and 2-6 h of 16, in one cluster: 2 h x 8 + 4 h x 16 = 80 device-hours, not 32 + 64 = 96.
    at = datetime(2023, 5, 2)
    may = months(
        warehouse,
        {"started_at_utc": at, "ended_at_utc": at.replace(hour=4)},
        {"started_at_utc": at.replace(hour=2), "ended_at_utc": at.replace(hour=6), "devices_affected": 16},
    )[MAY]
    assert (may["interruptions"], float(may["unplanned_device_hours"])) == (2, 80)


def test_incidents_of_two_clusters_are_two_outages(warehouse) -> None:
    at, end = datetime(2023, 5, 2), datetime(2023, 5, 2, 4)
    may = months(
        warehouse,
        {"started_at_utc": at, "ended_at_utc": end, "cluster_id": "a"},
        {"started_at_utc": at, "ended_at_utc": end, "cluster_id": "b"},
    )[MAY]
    assert float(may["unplanned_device_hours"]) == 64


def test_what_fails_during_maintenance_is_lost_once(warehouse) -> None:
    # Maintenance of 8 devices for 6 h; 2 h of them 4 fail besides: 8 device-hours unplanned, 8 x 6 - 8 planned.
    at = datetime(2023, 5, 2)
    may = months(
        warehouse,
        {"started_at_utc": at, "ended_at_utc": at.replace(hour=6), "is_planned": True},
        {"started_at_utc": at.replace(hour=1), "ended_at_utc": at.replace(hour=3), "devices_affected": 4},
    )[MAY]
    assert (float(may["unplanned_device_hours"]), float(may["planned_device_hours"])) == (8, 40)


def test_jobs_of_an_incident_count_in_the_month_it_began_in(warehouse) -> None:
    rows = months(
        warehouse,
        {"started_at_utc": datetime(2023, 5, 31, 12), "ended_at_utc": datetime(2023, 6, 1), "jobs_interrupted": 50},
        {"started_at_utc": datetime(2023, 6, 2), "ended_at_utc": datetime(2023, 6, 3)},
    )
    assert (rows[MAY]["interrupted_jobs"], rows[JUNE]["interrupted_jobs"]) == (50, None)
