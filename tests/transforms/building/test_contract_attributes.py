"""A dataset whose contract says so is treated as special; nothing else need know it by name."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from suanheng.schemas.staged import DATASETS
from suanheng.transforms.building import periods, staleness
from suanheng.transforms.building.scratch import ScratchDatabase
from suanheng.transforms.scoring.methodology import load
from suanheng.warehouse.lake import Lake, writing
from tests.conftest import NOW, Centre

OF_ANOTHER = (
    "INSERT INTO staged.service_offers BY NAME SELECT * REPLACE ('other' AS site_id) FROM staged.service_offers"
)
SITES_SEEN = "SELECT DISTINCT site_id FROM bench.staged.service_offers ORDER BY ALL"


@pytest.fixture
def service_offers(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Says something else of the dataset."""

    def say(**attributes: Any) -> None:
        monkeypatch.setitem(DATASETS, "service_offers", replace(DATASETS["service_offers"], **attributes))

    return say


def _is_view(lake: Lake, dataset: str) -> bool:
    views = "SELECT view_name FROM duckdb_views() WHERE database_name = 'bench' AND schema_name = 'staged'"
    return (dataset,) in lake.frame(views).rows()


def test_a_large_dataset_is_read_where_it_is_stored(built_workspace: Centre, service_offers: Any) -> None:
    with writing(built_workspace.workspace) as lake:
        ScratchDatabase(lake, "bench").lay_out("tiny")
        assert (_is_view(lake, "service_offers"), _is_view(lake, "accelerator_samples")) == (False, True)
        lake.execute("DETACH bench")
        service_offers(is_large=True)
        ScratchDatabase(lake, "bench").lay_out("tiny")
        assert _is_view(lake, "service_offers")


def test_recipes_of_a_site_see_all_sites_where_the_contract_says_so(
    built_workspace: Centre, service_offers: Any
) -> None:
    with writing(built_workspace.workspace) as lake:
        lake.execute(OF_ANOTHER)
        scratch = ScratchDatabase(lake)
        scratch.lay_out("tiny")
        assert lake.frame(SITES_SEEN).rows() == [("tiny",)]
        service_offers(is_seen_by_all_sites=True)
        scratch.refresh()
        scratch.lay_out("tiny")
        assert lake.frame(SITES_SEEN).rows() == [("other",), ("tiny",)]


def test_a_quarter_is_built_again_when_another_site_claims_the_same(
    built_workspace: Centre, service_offers: Any
) -> None:
    with writing(built_workspace.workspace) as lake:
        lake.execute(OF_ANOTHER)

        def reasons() -> set[str]:
            stale = staleness.stale_scopes(lake, periods.scopes(lake), load("hqc-2024"), NOW)
            return {reason.text for quarter in stale for reason in quarter.reasons}

        claimed = "what other sites claim of the same changed"
        assert claimed not in reasons()
        service_offers(is_seen_by_all_sites=True)
        assert claimed in reasons()


def test_files_of_a_dated_dataset_count_for_the_quarters_around_them(service_offers: Any) -> None:
    *_, dated = staleness._asked([])
    assert "template_service_offers" not in dated
    assert {"template_workload_runs", "sacct"} <= set(dated)
    service_offers(is_dated=True)
    *_, dated = staleness._asked([])
    assert "template_service_offers" in dated


def test_the_dataset_of_the_lowest_rank_states_the_span_of_a_site(
    built_workspace: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    months = "SELECT DISTINCT month_start FROM reference.site_months ORDER BY ALL"
    with writing(built_workspace.workspace) as lake:
        assert lake.frame(months).to_series().to_list() == [date(2023, month, 1) for month in range(1, 7)]
        # The tiny site has incidents in February and May alone.
        monkeypatch.setitem(DATASETS, "incidents", replace(DATASETS["incidents"], span_rank=0))
        assert periods.rebuild(lake, NOW)
        assert lake.frame(months).to_series().to_list() == [date(2023, month, 1) for month in range(2, 6)]


def test_where_no_dataset_has_a_rank_all_state_the_span_of_a_site(
    built_workspace: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    with writing(built_workspace.workspace) as lake:
        for name, contract in list(DATASETS.items()):
            monkeypatch.setitem(DATASETS, name, replace(contract, span_rank=None))
        stated = "('template_incidents', 'template_benchmark_results')"
        lake.execute(f"DELETE FROM ops.files WHERE raw_table NOT IN {stated}")
        periods.rebuild(lake, NOW)
        # A benchmark in January, incidents in February and May.
        found = lake.frame("SELECT min(month_start), max(month_start) FROM reference.site_months").row(0)
        assert found == (date(2023, 1, 1), date(2023, 5, 1))
