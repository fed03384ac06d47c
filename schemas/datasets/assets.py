"""Words by which registers call what they list, and what must hold of the accelerators they name."""

from collections.abc import Mapping

import pandera.polars as pa
import polars as pl

from suanheng.schemas.contract import rule

_CLASS_OF = {
    "accelerator": ("accelerator", "gpu", "npu", "tpu", "加速卡", "ai加速卡", "智能加速卡", "gpu卡", "npu卡", "显卡"),
    "accelerator_server": (
        *("accelerator server", "accelerator_server", "gpu server", "gpu node", "ai server", "npu server"),
        *("gpu服务器", "ai服务器", "npu服务器", "智算服务器", "加速服务器", "训练服务器", "推理服务器"),
    ),
    "server": (
        *("server", "compute", "compute node", "host", "management node", "login node"),
        *("服务器", "通用服务器", "机架式服务器", "管理服务器", "计算节点", "管理节点", "登录节点"),
    ),
    "storage": ("storage", "storage node", "存储", "存储设备", "存储服务器", "磁盘阵列"),
    "network": (
        *("network", "switch", "router", "firewall", "leaf", "spine", "leaf switch", "spine switch", "core switch"),
        *("access switch", "distribution switch", "网络设备", "交换机", "ib交换机", "路由器", "防火墙"),
    ),
    "ups": ("ups", "不间断电源", "ups电源"),
    "cooling": ("cooling", "crac", "crah", "cdu", "chiller", "空调", "精密空调", "冷却设备", "冷水机组"),
    "other": ("other", "pdu", "rack pdu", "patch panel", "kvm", "其他", "机柜", "配电柜", "配线架"),
}

_BY_WORD = {word: asset_class for asset_class, words in _CLASS_OF.items() for word in words}


def asset_class(word: str | None, own: Mapping[str, str]) -> str | None:
    """Class of an asset by what its register calls it; ``None`` where nobody said what that is.

    Args:
        word: category or role, whatever its case.
        own: words of this register, from sources.toml; they count first.
    """
    if word is None:
        return None
    plain = _plain(word)
    own_classes = {_plain(known): given for known, given in own.items()}
    return own_classes.get(plain) or _BY_WORD.get(plain)


def _plain(word: str) -> str:
    return " ".join(word.split()).casefold()


def class_is_known(name: str, word: str) -> pa.Check:
    """The rule that an asset's class is known; ``name`` holds the class, ``word`` what the register calls it."""
    return rule(
        "asset_class_is_known",
        pl.col(name).is_not_null(),
        f"nobody said what this {word} is: name it in sources.toml, "
        "options = { asset_classes = { '…' = 'server' } }",
    )


def accelerators_are_whole(model: str, count: str) -> list[pa.Check]:
    """The rules that accelerators built into an asset have both a name and a number, so that none drops out."""
    return [
        rule(
            "named_accelerators_are_counted",
            pl.col(model).is_null() | (pl.col(count).fill_null(0) > 0),
            f"accelerators are named, but {count} does not say how many: they would drop out",
        ),
        rule(
            "counted_accelerators_are_named",
            (pl.col(count).fill_null(0) == 0) | pl.col(model).is_not_null(),
            f"there are accelerators, but {model} does not say which",
        ),
    ]
