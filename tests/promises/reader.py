"""Read a workspace again and again until a file appears: ``reader.py WORKSPACE STOP``.

Prints one JSON line per look: what each quarter holds, and how long the look took.
"""

import json
import sys
import time
from pathlib import Path

from suanheng.config.workspace import open_workspace
from suanheng.warehouse.lake import reading

LOOK = """
    WITH months AS (
        SELECT
            site_id, indicator, strftime(date_trunc('quarter', period_start), '%Y') || 'Q'
                || quarter(period_start) AS quarter, sum(numerator) AS numerator, sum(denominator) AS denominator
        FROM indicators."all" WHERE period_kind = 'month' GROUP BY ALL
    ),
    sums AS (
        SELECT
            quarters.site_id,
            quarters.period,
            count(*) AS indicators,
            bool_and(months.numerator IS NOT DISTINCT FROM quarters.numerator
                AND months.denominator IS NOT DISTINCT FROM quarters.denominator) AS is_sum_of_months
        FROM indicators."all" AS quarters
        JOIN months ON months.site_id = quarters.site_id
            AND months.quarter = quarters.period AND months.indicator = quarters.indicator
        WHERE quarters.period_kind = 'quarter'
            AND quarters.indicator IN (SELECT DISTINCT indicator FROM indicators.monthly_facts)
        GROUP BY quarters.site_id, quarters.period
    ),
    runs AS (
        SELECT
            site_id,
            strftime(period_start, '%Y') || 'Q' || quarter(period_start) AS period,
            list(DISTINCT run_id) AS run_ids,
            count(*) AS scorecards
        FROM scorecards.composites WHERE period_kind <> 'year' GROUP BY ALL
    )
    SELECT
        site_id, period, indicators, is_sum_of_months, run_ids, scorecards,
        (SELECT count(*) FROM scorecards.indicators AS i WHERE i.site_id = sums.site_id AND i.period = sums.period)
            AS scored,
        (SELECT run_id FROM ops.builds AS b WHERE b.site_id = sums.site_id
            AND strftime(quarter_start, '%Y') || 'Q' || quarter(quarter_start) = period) AS built_by
    FROM sums JOIN runs USING (site_id, period) ORDER BY ALL
"""


def main(root: str, stop: str) -> None:
    with reading(open_workspace(Path(root))) as lake:
        while not Path(stop).exists():
            began = time.monotonic()
            quarters = lake.frame(LOOK).to_dicts()
            print(json.dumps({"seconds": time.monotonic() - began, "quarters": quarters}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
