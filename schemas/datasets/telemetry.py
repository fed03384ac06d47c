"""Contracts of the telemetry family: devices, meters, jobs, benchmarks, model evaluations, incidents."""

import polars as pl

from suanheng.schemas.columns import (
    PRECISIONS,
    amount,
    choice,
    count,
    flag,
    instant,
    name,
    provenance,
    ratio,
)
from suanheng.schemas.contract import Column, Contract, rule

BOUNDARIES = (
    "utility",
    "generator",
    "on_site_renewable",
    "export",
    "ups_output",
    "pdu_output",
    "it_input",
    "psu_input",
    "cooling",
    "heat_reuse",
    "water",
    "other",
)
"""Where a meter sits, from the grid connection inwards. ``export`` is what the site gives back to the grid, which it
does not consume. ``psu_input`` is one of several power supplies of a server: a
part of its ``it_input``, never added to it."""

JOB_STATES = (
    "pending",
    "running",
    "completed",
    "failed",
    "cancelled",
    "timeout",
    "node_failure",
    "out_of_memory",
    "preempted",
    "requeued",
    "suspended",
)

WORKLOAD_CLASSES = ("training", "fine_tuning", "inference", "hpc", "other")

NODE_LIMIT_W = 20_000
"""More power than one server with its accelerators draws; energy beyond it comes from a misread counter."""

INCIDENT_CAUSES = ("accelerator", "node", "network", "storage", "power", "cooling", "software", "operator", "unknown")

ACCELERATOR_SAMPLES = Contract(
    "accelerator_samples",
    "one accelerator at one instant, or the mean of equal accelerators over an interval that begins there",
    key=("device_id", "instance_id", "sampled_at_utc"),
    happened=("sampled_at_utc", "sampled_at_utc"),
    is_large=True,
    is_dated=True,
    is_staged_by_day=True,
    span_rank=1,
    columns={
        **provenance(),
        "node_id": name("Server that holds the device.", "node", "hostname", "主机", "节点"),
        "device_id": name("Device, by its own unique id where it has one.", "uuid", "gpu", "设备", required=True),
        "instance_id": Column(
            pl.String,
            "Slice of a partitioned device (MIG); empty for the whole device.",
            spellings=("gpu_instance_id", "实例"),
            matches=r"[A-Za-z0-9./_-]{0,60}",
            required=True,
            default="",
        ),
        "sku": name("Accelerator model as in reference.accelerators.", "model", "型号"),
        "sampled_at_utc": instant(
            "Instant of the sample, or start of its interval.", "timestamp", "采样时间", required=True
        ),
        "interval_s": amount("s", "Seconds the values are means over; empty for an instantaneous reading.", "采样间隔"),
        "device_count": count("Equal devices the row is the mean of.", "设备数", at_least=1, required=True, default=1),
        "utilisation_ratio": ratio("Share of time in which the device was busy.", "utilization", "利用率"),
        "tensor_active_ratio": ratio("Share of cycles in which tensor units were busy.", "张量活跃率"),
        "memory_used_bytes": amount("B", "Device memory in use.", "显存占用"),
        "memory_total_bytes": amount("B", "Device memory.", "显存容量"),
        "power_w": amount(
            "W", "Electrical power of the device (of one device where device_count > 1).", "功率", at_most=20_000
        ),
        "energy_counter_j": amount("J", "Energy since the counter last started from zero.", "能量计数"),
        "temperature_c": Column(
            pl.Float64, "Device temperature.", unit="°C", spellings=("温度",), at_least=-50, at_most=150
        ),
        "sm_clock_mhz": amount("MHz", "Clock of the compute units.", "频率", at_most=10_000),
        "error_code": count("Last error code the device reported (XID).", "xid", "错误码"),
    },
    rules=[
        rule(
            "memory_used_within_total",
            pl.col("memory_used_bytes") <= pl.col("memory_total_bytes"),
            "memory in use exceeds the device's memory: check the unit of both",
        )
    ],
)

FACILITY_READINGS = Contract(
    "facility_readings",
    "one meter at one instant, or over one interval",
    key=("meter_id", "started_at_utc", "ended_at_utc"),
    happened=("started_at_utc", "ended_at_utc"),
    is_large=True,
    is_dated=True,
    is_staged_by_day=True,
    span_rank=1,
    columns={
        **provenance(),
        "meter_id": name("Meter or measuring point.", "meter", "电表", "表号", required=True),
        "boundary": choice(BOUNDARIES, "Where the meter sits.", "计量边界", required=True),
        "parent_meter_id": name(
            "Meter that this one is behind, so that the same energy passes both; never added to it.",
            "上级电表",
            "上级表号",
        ),
        "node_id": name("Server behind the meter, where it serves only one.", "node"),
        "started_at_utc": instant(
            "Start of the interval, or the instant.", "start", "timestamp", "开始时间", required=True
        ),
        "ended_at_utc": instant(
            "End of the interval (exclusive); equal to the start for an instant.", "end", "结束时间", required=True
        ),
        "energy_kwh": amount("kWh", "Energy that passed in the interval.", "电量", "热量"),
        "power_w": amount("W", "Power at the instant, or mean over the interval.", "功率"),
        "energy_counter_kwh": amount("kWh", "Counter reading at the instant.", "表底"),
        "water_m3": amount("m3", "Water that passed in the interval.", "用水量"),
        "temperature_c": Column(pl.Float64, "Temperature.", unit="°C", spellings=("温度",), at_least=-80, at_most=200),
        "is_estimated": flag("Whether the reading was estimated, not taken.", "估读"),
        "is_suspect": flag(
            "Whether the source itself calls the reading unreliable; it is kept, and no figure rests on it.",
            "可疑",
            default=False,
        ),
    },
    rules=[
        rule(
            "interval_not_reversed",
            pl.col("started_at_utc") <= pl.col("ended_at_utc"),
            "the interval ends before it starts",
        ),
        rule(
            "something_was_read",
            pl.any_horizontal(
                pl.col("energy_kwh", "power_w", "energy_counter_kwh", "water_m3", "temperature_c").is_not_null()
            ),
            "the row holds no reading",
        ),
        rule(
            "energy_has_an_interval",
            pl.col("energy_kwh").is_null() | (pl.col("ended_at_utc") > pl.col("started_at_utc")),
            "energy needs an interval longer than zero; a counter reading belongs in energy_counter_kwh",
        ),
    ],
)

WORKLOAD_RUNS = Contract(
    "workload_runs",
    "one scheduler job, or one training or serving run",
    key=("cluster_id", "job_id", "submitted_at_utc"),
    happened=("submitted_at_utc", "ended_at_utc"),
    is_dated=True,
    span_rank=2,
    columns={
        **provenance(),
        "cluster_id": name("Cluster.", "cluster", "集群", required=True),
        "job_id": name("Job id; schedulers reuse it, so it is no key alone.", "jobid", "作业号", required=True),
        "submitted_at_utc": instant("When it was asked for.", "submit", "提交时间", required=True),
        "started_at_utc": instant("When it began to run; empty if it never did.", "start", "开始时间"),
        "ended_at_utc": instant("When it ended; empty while it runs.", "end", "结束时间"),
        "state": choice(JOB_STATES, "State at the last look.", "状态", required=True),
        "user_id": name("Who submitted it.", "user", "用户"),
        "tenant_id": name("Account that is charged.", "account", "租户"),
        "queue": name("Queue or partition.", "partition", "队列"),
        "workload_class": choice(WORKLOAD_CLASSES, "What kind of work it is.", "负载类型"),
        "sku": name("Accelerator model as in reference.accelerators.", "model", "型号"),
        "node_count": count("Nodes allocated.", "nnodes", "节点数"),
        "device_count": count("Accelerators allocated.", "ngpus", "卡数"),
        "cpu_count": count("CPU cores allocated.", "ncpus", "核数"),
        "requested_device_count": count("Accelerators asked for.", "申请卡数"),
        "requested_s": amount("s", "Run time asked for.", "timelimit", "申请时长"),
        "requested_memory_bytes": amount("B", "Memory asked for, on all nodes together.", "申请内存"),
        "is_submission_known": flag(
            "Whether submitted_at_utc is when the run was asked for; false where it stands in for an unknown time, so "
            "that nobody takes the wait for zero.",
            "提交时间已知",
            required=True,
            default=True,
        ),
        "model_name": name("AI model that ran.", "模型"),
        "precision": choice(PRECISIONS, "Number format of the arithmetic.", "精度"),
        "tokens": amount("1", "Tokens processed.", "词元数"),
        "model_pflop": amount(
            "PFLOP", "Model floating-point operations carried out, without recomputation.", "模型计算量"
        ),
        "hardware_pflop": amount(
            "PFLOP", "Floating-point operations carried out, recomputation included.", "硬件计算量"
        ),
        "flops_convention": choice(
            ("palm", "megatron", "other"),
            "How model_pflop was counted; utilisations of different conventions are never added up.",
            "口径",
        ),
        "productive_s": amount("s", "Seconds of the run that moved the work forward.", "有效时长"),
        "energy_j": amount("J", "Energy the scheduler or the run reports for all its devices.", "能耗"),
        "charged_amount": amount("currency", "Price charged for the run.", "费用"),
        "currency": Column(
            pl.String, "Currency of charged_amount (ISO 4217).", spellings=("币种",), matches=r"[A-Z]{3}"
        ),
    },
    rules=[
        rule(
            "not_started_before_submitted",
            pl.col("submitted_at_utc") <= pl.col("started_at_utc"),
            "the run starts before it was submitted",
        ),
        rule(
            "not_ended_before_started",
            pl.col("started_at_utc") <= pl.col("ended_at_utc"),
            "the run ends before it starts",
        ),
        rule(
            "productive_within_run",
            pl.col("productive_s")
            <= (pl.col("ended_at_utc") - pl.col("started_at_utc")).dt.total_milliseconds() / 1000 + 1,
            "productive seconds exceed the run's own length",
        ),
        rule(
            "energy_within_nodes",
            pl.col("energy_j")
            <= pl.coalesce("node_count", "device_count")
            * NODE_LIMIT_W
            * ((pl.col("ended_at_utc") - pl.col("started_at_utc")).dt.total_seconds() + 60),
            f"more energy than its nodes can use at {NODE_LIMIT_W // 1000} kW each: a counter was misread",
        ),
        rule(
            "model_within_hardware_flops",
            pl.col("model_pflop") <= pl.col("hardware_pflop"),
            "more model operations than the hardware carried out: recomputation adds to them, it takes none away",
        ),
    ],
)

BENCHMARK_RESULTS = Contract(
    "benchmark_results",
    "one outcome of one benchmark run",
    key=("benchmark", "scenario", "system_name", "metric", "configuration", "started_at_utc"),
    happened=("started_at_utc", "ended_at_utc"),
    columns={
        **provenance(),
        "benchmark": name("Benchmark, e.g. hpl, mlperf_inference/llama2-70b-99.", "测试", required=True),
        "benchmark_version": name("Version or round.", "版本"),
        "scenario": name("Scenario or task; empty where there is only one.", "场景"),
        "system_name": name("System under test.", "system", "系统", required=True),
        "configuration": name("How this run differs from others of the same benchmark on the same system.", "配置"),
        "metric": name("What was measured, e.g. hpl_rmax, output_tokens_per_s.", "指标", required=True),
        "value": amount("unit", "The measured value, in the unit named beside it.", "数值", required=True),
        "unit": name("Unit of value, e.g. TFLOP/s, tokens/s.", "单位", required=True),
        "peak_value": amount("unit", "Theoretical peak of the same metric in the same unit.", "峰值"),
        "precision": choice(PRECISIONS, "Number format of the arithmetic.", "精度"),
        "sku": name("Accelerator model as in reference.accelerators.", "型号"),
        "device_count": count("Accelerators used.", "卡数"),
        "mean_power_w": amount("W", "Mean power during the run, as its publisher states it.", "平均功率"),
        "power_boundary": choice(("wall", "it_input", "accelerators"), "What mean_power_w covers.", "功率边界"),
        "stated_energy_per_unit_j": amount("J", "Energy per unit of work, as its publisher states it.", "单位能耗"),
        "stated_gflops_per_w": amount("GFLOPS/W", "Efficiency as its publisher states it.", "能效"),
        "meter_id": name("Meter in facility_readings that measured the run.", "表号"),
        "started_at_utc": instant("Start of the measured window.", "start", "开始时间", required=True),
        "ended_at_utc": instant("End of the measured window.", "end", "结束时间", required=True),
        "is_valid": flag("Whether the benchmark's own rules call the run valid.", "有效"),
    },
    rules=[
        rule(
            "not_ended_before_started",
            pl.col("started_at_utc") <= pl.col("ended_at_utc"),
            "the run ends before it starts",
        )
    ],
)

MODEL_EVALUATIONS = Contract(
    "model_evaluations",
    "one model's accuracy on one benchmark",
    key=("model_name", "benchmark", "benchmark_version", "evaluated_on"),
    happened=None,
    columns={
        **provenance(),
        "model_name": name("AI model.", "模型", required=True),
        "benchmark": name("Benchmark, e.g. GSM8K.", "测试集", required=True),
        "benchmark_version": name("Version of the benchmark set.", "版本"),
        "evaluated_on": Column(
            pl.Date, "Day of the evaluation.", spellings=("评测日期",), required=True, time_formats=("%Y-%m-%d",)
        ),
        "accuracy_ratio": ratio("Share of right answers.", "准确率", required=True),
        "active_params_billion": amount("1e9", "Parameters used per token.", "激活参数量"),
        "total_params_billion": amount("1e9", "All parameters.", "总参数量"),
    },
    rules=[
        rule(
            "active_within_total",
            pl.col("active_params_billion") <= pl.col("total_params_billion"),
            "more active than total parameters",
        )
    ],
)

INCIDENTS = Contract(
    "incidents",
    "one interruption of service",
    key=("incident_id",),
    happened=("started_at_utc", "ended_at_utc"),
    columns={
        **provenance(),
        "incident_id": name("Incident.", "id", "事件号", required=True),
        "cluster_id": name("Cluster.", "cluster", "集群"),
        "started_at_utc": instant("When service was lost.", "start", "开始时间", required=True),
        "ended_at_utc": instant("When service was restored; empty while it lasts.", "end", "结束时间"),
        "devices_affected": count("Accelerators out of service.", "影响卡数", required=True),
        "jobs_interrupted": count("Jobs that were interrupted.", "中断作业数"),
        "cause": choice(INCIDENT_CAUSES, "What failed.", "原因", required=True),
        "is_planned": flag("Whether it was announced maintenance.", "计划内", required=True),
    },
    rules=[
        rule(
            "not_ended_before_started",
            pl.col("started_at_utc") <= pl.col("ended_at_utc"),
            "service is restored before it is lost",
        )
    ],
)
