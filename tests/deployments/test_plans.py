"""Which deployments there are, and whose time zone they follow."""

from pathlib import Path

import pytest
import yaml

from suanheng.config.errors import BadSettings
from suanheng.config.workspace import open_workspace
from suanheng.flows.orchestration.deployments import PLANS, zone_of

ROOT = Path(__file__).parents[2]


def test_prefect_yaml_deploys_the_same() -> None:
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    written = [
        (
            each["name"],
            each["description"],
            each["entrypoint"],
            [schedule["cron"] for schedule in each.get("schedules", [])],
            each["concurrency_limit"],
        )
        for each in deployments
    ]
    one_at_a_time = {"limit": 1, "collision_strategy": "ENQUEUE"}
    assert written == [
        (
            plan.name,
            plan.description,
            f"flows/{plan.module}.py:{plan.flow}",
            [plan.cron] if plan.cron else [],
            one_at_a_time,
        )
        for plan in PLANS
    ]


@pytest.fixture
def workspace_in(tmp_path):
    """``workspace_in(zone, …)``: a workspace with one site in each of these time zones."""

    def make(*zones: str):
        (tmp_path / "suanheng.toml").write_text("")
        (tmp_path / "sites.toml").write_text(
            "".join(
                f'[[site]]\nsite_id = "site-{number}"\nname_en = "Site"\ntime_zone = "{zone}"\n'
                for number, zone in enumerate(zones, 1)
            )
        )
        return open_workspace(tmp_path)

    return make


@pytest.mark.parametrize(
    ("zones", "name", "why"),
    [
        (["Asia/Shanghai", "Asia/Shanghai"], "Asia/Shanghai", "the zone of all sites"),
        (["Asia/Urumqi", "Asia/Shanghai"], "Asia/Urumqi", "the zone of site-1, the first site; others are elsewhere"),
    ],
)
def test_schedules_follow_the_common_zone_or_that_of_the_first_site(workspace_in, zones, name, why) -> None:
    zone = zone_of(workspace_in(*zones))
    assert (zone.name, zone.why) == (name, why)


@pytest.mark.parametrize(
    ("zones", "message"), [([], "names no site"), (["Asia/Atlantis"], 'time_zone: .*, but got "Asia/Atlantis"')]
)
def test_a_zone_that_is_not_known_is_a_matter_of_settings(workspace_in, zones, message) -> None:
    with pytest.raises(BadSettings, match=message):
        zone_of(workspace_in(*zones))
