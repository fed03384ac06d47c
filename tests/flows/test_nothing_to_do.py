"""A night that has nothing to do says so without starting an engine; whatever there is to do is seen."""

import pytest
from typer.testing import CliRunner

from suanheng.flows import night
from suanheng.flows.commands import app, run
from suanheng.flows.orchestration.steps import Steps
from suanheng.flows.plan import is_up_to_date
from suanheng.warehouse.lake import writing
from tests.conftest import NOW


def test_a_night_with_nothing_to_do_is_seen_without_an_engine(built_workspace, monkeypatch) -> None:
    workspace = built_workspace.workspace
    assert not is_up_to_date(workspace, NOW), "pages were never written"
    night.night(workspace, Steps(), NOW)
    assert is_up_to_date(workspace, NOW)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)

    def started(*_: object, **__: object) -> None:
        raise AssertionError("an engine was started")

    monkeypatch.setattr(run, "_as_flow", started)
    said = CliRunner().invoke(app, ["nightly", "--workspace", str(built_workspace.root)])
    assert (said.exit_code, said.stdout.strip()) == (0, "Nothing has changed: no new file, nothing to build.")

    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    said = CliRunner().invoke(app, ["nightly", "--workspace", str(built_workspace.root)])
    assert isinstance(said.exception, AssertionError), "a server wants to know of every run"


@pytest.mark.parametrize("what", ["a file", "a fact", "a page that is missing in the ledger", "a year that ends"])
def test_a_night_with_something_to_do_is_seen(built_workspace, what: str) -> None:
    workspace, now = built_workspace.workspace, NOW
    night.night(workspace, Steps(), NOW)
    if what == "a file":
        path = built_workspace.files()[0]
        path.with_name("another.csv").write_bytes(path.read_bytes() + b"\n")
    elif what == "a fact":
        (built_workspace.root / "reference").mkdir(exist_ok=True)
        facts = "reference_id,name,value,text_value,unit,meaning,valid_from,valid_to,source,confidence,is_usable\n"
        row = "parameters/snapshot_max_age_days,snapshot_max_age_days,30,,d,x,2000-01-01,9999-12-31,ours,high,true\n"
        (built_workspace.root / "reference" / "parameters.csv").write_text(facts + row, encoding="utf-8")
    elif what == "a page that is missing in the ledger":
        with writing(workspace) as lake, lake.transaction("forget pages"):
            lake.execute("DELETE FROM ops.reports")
    else:
        with writing(workspace) as lake, lake.transaction("built before its end"):
            lake.execute(
                "UPDATE ops.builds SET made_from = replace(made_from, '\"is_over\": true', '\"is_over\": false')"
            )
    assert not is_up_to_date(workspace, now)
