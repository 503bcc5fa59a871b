from __future__ import annotations

from pathlib import Path

from folkmoot.surfaces.mqtt import schema
from tests.surfaces.mqtt.management import NODE, Running, assert_error, scenario


def test_status(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for path in ("/status", "/api/v5/status"):
            answer = await here.rest.get(path)
            assert (answer.status_code, answer.text) == (200, f"Node {NODE} is started\nemqx is running")
            assert answer.headers["content-type"].startswith("text/plain")
            assert answer.headers["retry-after"] == "15"
            assert (await here.rest.get(path, params={"format": "json"})).json() == {
                "node_name": NODE,
                "rel_vsn": schema.VERSION,
                "broker_status": "started",
                "app_status": "running",
            }
        assert (await here.rest.get("/status", params={"format": "xml"})).status_code == 400
        here.program.ready = False
        answer = await here.rest.get("/status")
        assert (answer.status_code, answer.text) == (503, f"Node {NODE} is stopped\nemqx is not_running")
        assert (await here.rest.get("/status", params={"format": "json"})).json()["app_status"] == "not_running"

    scenario(tmp_path, play)


def test_nodes(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client():
            (node,) = (await here.ask("GET", "/nodes")).json()
            assert list(node) == list(schema.Node.__struct_fields__)
            assert (node["node"], node["node_status"], node["role"]) == (NODE, "running", "core")
            assert (node["connections"], node["live_connections"]) == (1, 1)
            assert node["uptime"] >= 0
            assert node["memory_total"][-1] in "KMG" and "." in node["memory_used"]
            one = (await here.ask("GET", f"/nodes/{NODE}")).json()
            assert one["node"] == NODE
        for path in ("/nodes/other@host", "/nodes/other@host/metrics", "/nodes/other@host/stats"):
            assert_error(await here.ask("GET", path), 404, "NOT_FOUND")

    scenario(tmp_path, play)


def test_a_cluster_of_one(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        assert (await here.ask("GET", "/cluster")).json() == {"name": "emqxcl", "nodes": [NODE], "self": NODE}
        assert (await here.ask("GET", "/cluster/topology")).json() == [{"core_node": NODE, "replicant_nodes": []}]
        for invite in ("invite", "invite_async"):
            for name in (NODE, "nameless", "a@b@c", "@"):
                assert_error(await here.ask("PUT", f"/cluster/{name}/{invite}"), 400, "BAD_REQUEST")
        answer = await here.ask("PUT", "/cluster/other@host/invite", json={"timeout": 4999})
        assert_error(answer, 400, "BAD_REQUEST")
        assert_error(await here.ask("PUT", "/cluster/other@host/invite", json={}), 400, "BAD_REQUEST")
        assert (await here.ask("PUT", "/cluster/other@host/invite_async")).status_code == 200
        found = (await here.ask("GET", "/cluster/invitation")).json()
        (failed,) = found.pop("failed")
        assert found == {"succeed": [], "in_progress": []}
        assert failed["node"] == "other@host" and failed["reason"]
        assert_error(await here.ask("DELETE", f"/cluster/{NODE}/force_leave"), 400, "BAD_REQUEST")
        assert_error(await here.ask("DELETE", "/cluster/other@host/force_leave"), 404, "NOT_FOUND")

    scenario(tmp_path, play)


def test_error_codes(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        codes = (await here.rest.get("/api/v5/error_codes")).json()
        names = [each["code"] for each in codes]
        assert {"WRONG_USERNAME_OR_PWD", "CLIENT_NOT_RESPONSE", "BAD_API_KEY_OR_SECRET"} <= set(names)
        assert len(names) == len(set(names)) == 33 and all(each["description"] for each in codes)
        one = await here.rest.get("/api/v5/error_codes/BAD_TOPIC")
        assert one.json() == next(each for each in codes if each["code"] == "BAD_TOPIC")
        assert_error(await here.rest.get("/api/v5/error_codes/NO_SUCH"), 404, "NOT_FOUND")

    scenario(tmp_path, play)
