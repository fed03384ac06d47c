"""JSON Schemas of the settings files, for editors."""

import json

from suanheng.config.settings import Table, json_schema
from suanheng.schemas.formats import readable
from suanheng.schemas.staged import DATASETS


def settings_schema(model: type[Table]) -> str:
    """JSON Schema of a settings file, with the formats and datasets there are."""
    schema = json_schema(model)
    if source := schema.get("$defs", {}).get("Source"):
        source["properties"]["format"]["enum"] = sorted(readable())
        source["properties"]["dataset"]["enum"] = sorted(DATASETS)
    return json.dumps(schema, ensure_ascii=False, indent=2, default=str) + "\n"
