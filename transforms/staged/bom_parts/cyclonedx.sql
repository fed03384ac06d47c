-- One row per device of a hardware bill of materials: a part of the asset the document is about.
-- The quantity is a text property, counted per enclosing device; parts inside parts are multiplied out. A device without
-- it is one piece: such documents list equal parts one by one. Parts of one name without a reference are numbered, so
-- that each stays a part.
-- leaves out: every component that is no device; software belongs to software_components.
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    "metadata.component.name" AS asset_sku,
    coalesce(
        "bom-ref",
        "name" || CASE WHEN nth_of_its_name > 1 THEN ' #' || nth_of_its_name ELSE '' END
    ) AS part_id,
    observed_on,
    CASE
        WHEN regexp_matches(lower("cdx:device:function"), '\b(accelerator|gpu|npu|tpu)') THEN 'accelerator'
        WHEN regexp_matches(lower("cdx:device:function"), '\b(cpu|processor)') THEN 'cpu'
        WHEN regexp_matches(lower("cdx:device:function"), '\b(memory|dram|dimm|hbm)') THEN 'memory'
        WHEN regexp_matches(lower("cdx:device:function"), '\b(optic|transceiver)') THEN 'optics'
        WHEN regexp_matches(lower("cdx:device:function"), '\b(network|nic|switch)') THEN 'network'
        WHEN regexp_matches(lower("cdx:device:function"), '\b(storage|ssd|disk|nvme)') THEN 'storage'
        WHEN regexp_matches(lower("cdx:device:function"), '\b(power|psu)') THEN 'power_supply'
        WHEN regexp_matches(lower("cdx:device:function"), '\b(cooling|fan|heatsink|cold plate)') THEN 'cooling'
        WHEN regexp_matches(lower("cdx:device:function"), '\b(mainboard|motherboard|baseboard|pcb)') THEN 'board'
        ELSE 'other'
    END AS component_class,
    "name" AS part_name,
    coalesce("supplier.name", "manufacturer.name", publisher) AS supplier,
    coalesce("cdx:device:quantity", 1) * "enclosing quantity" AS quantity
FROM (
    SELECT *, row_number() OVER (PARTITION BY site_id, file_id, "bom-ref", "name" ORDER BY row_number) AS nth_of_its_name
    FROM raw.cyclonedx
    WHERE "type" = 'device'
)
