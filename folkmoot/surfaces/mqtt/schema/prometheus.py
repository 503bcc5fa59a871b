"""The numbers for Prometheus, and what is set about them (contract §2.9)."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

Mode = Literal["node", "all_nodes_aggregated", "all_nodes_unaggregated"]
Switch = Literal["enabled", "disabled"]


class ExpositionQuery(Struct):
    mode: Mode = "node"
    node: str | None = None


class PushGateway(Struct):
    enable: bool = False
    url: str = "http://127.0.0.1:9091"
    interval: str | int = "15s"
    method: Literal["put", "post"] = "put"
    headers: dict[str, str] = field(default_factory=dict)
    job_name: str = "${name}/instance/${name}~${host}"


class Collectors(Struct):
    vm_dist: Switch = "disabled"
    mnesia: Switch = "disabled"
    vm_statistics: Switch = "disabled"
    vm_system_info: Switch = "disabled"
    vm_memory: Switch = "disabled"
    vm_msacc: Switch = "disabled"


class Prometheus(Struct):
    enable_basic_auth: bool = False
    push_gateway: PushGateway = field(default_factory=PushGateway)
    collectors: Collectors = field(default_factory=Collectors)
