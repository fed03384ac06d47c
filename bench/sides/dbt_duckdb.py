"""The job as a dbt project on DuckDB: the rules are dbt's tests, the rollup is a model written as Parquet."""

import json
from pathlib import Path

import job
from dbt.cli.main import dbtRunner

PROFILE = {
    "scale": {
        "target": "local",
        "outputs": {"local": {"type": "duckdb", "path": ":memory:", "threads": 1}},
    }
}
PROJECT = {
    "name": "scale",
    "version": "1.0",
    "profile": "scale",
    "flags": {"send_anonymous_usage_stats": False},
    "data_tests": {"+severity": "warn"},
}
SAMPLES = "SELECT * FROM read_parquet('{file}', file_row_number = true)"
GOOD_SAMPLES = """
SELECT *
FROM {{{{ ref('samples') }}}}
WHERE {rules}
QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY file_row_number) = 1
"""
DEVICE_HOUR = "{{{{ config(materialized='external', location='{rollup}') }}}}\n{query}"
HOLDS = """
{% test holds(model, rule, condition) %}
SELECT * FROM {{ model }} WHERE NOT ({{ condition }})
{% endtest %}
"""
IS_UNIQUE = """
{% test is_unique(model, rule, key, condition) %}
SELECT {{ key }} FROM {{ model }} WHERE {{ condition }} GROUP BY {{ key }} HAVING count(*) > 1
{% endtest %}
"""


def conditions() -> dict[str, str]:
    """What each rule says in DuckDB's SQL; an unknown value breaks none."""
    identifier = job.IDENTIFIER.replace("'", "''")
    kept = {
        **{job.bound(*rule): job.bound(*rule) for rule in job.BOUNDS},
        **{job.is_stated(column): job.is_stated(column) for column in job.REQUIRED},
        **{job.is_name(column): f"regexp_full_match({column}, '{identifier}')" for column in job.NAMES},
        job.WITHIN_TOTAL: job.WITHIN_TOTAL,
    }
    return {rule: f"coalesce({condition}, true)" for rule, condition in kept.items()}


def write_project(folder: Path, file: Path, rollup: Path) -> None:
    """Write the project: three models, and the tests that the samples are held to."""
    all_hold = " AND ".join(conditions().values())
    key = ", ".join(job.KEY)
    tests = [
        {"holds": {"name": f"rule_{at}", "arguments": {"rule": rule, "condition": condition}}}
        for at, (rule, condition) in enumerate(conditions().items())
    ]
    tests.append({"is_unique": {"arguments": {"rule": job.UNIQUE, "key": key, "condition": all_hold}}})
    texts = {
        "dbt_project.yml": json.dumps(PROJECT),
        "profiles.yml": json.dumps(PROFILE),
        "models/schema.yml": json.dumps({"models": [{"name": "samples", "data_tests": tests}]}),
        "models/samples.sql": SAMPLES.format(file=file),
        "models/good_samples.sql": GOOD_SAMPLES.format(rules=all_hold, key=key),
        "models/device_hour.sql": DEVICE_HOUR.format(
            rollup=rollup, query=job.ROLLUP.format(samples="{{ ref('good_samples') }}")
        ),
        "tests/generic/holds.sql": HOLDS,
        "tests/generic/is_unique.sql": IS_UNIQUE,
    }
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def check_and_roll_up(file: Path, rollup: Path) -> dict[str, int]:
    """Run models and tests; a test warns with the number of rows that fail it.

    Raises:
        SystemExit: a model or a test could not be run.
    """
    project = rollup.parent / "project"
    write_project(project, file, rollup)
    outcome = dbtRunner().invoke(["--quiet", "build", "--project-dir", str(project), "--profiles-dir", str(project)])
    if not outcome.success:
        raise SystemExit(f"dbt build failed: {outcome.exception or outcome.result}")
    tests = [result for result in outcome.result if result.node.resource_type == "test"]
    return {test.node.test_metadata.kwargs["rule"]: test.failures for test in tests}


if __name__ == "__main__":
    job.run(check_and_roll_up)
