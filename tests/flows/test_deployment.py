"""The deployment of prefect.yaml on a server and a process worker of its own, from `deploy` to the warehouse."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

ROOT = Path(__file__).parents[2]
POOL = "onrecord"
DEPLOYMENT = "build-warehouse/hourly"
TEXTS = {
    "bridge.txt": "Bridge to close for repairs\n\nThe old bridge will close in May, the council said on Monday.\n\n"
    "“We have waited for ten years, and we can wait no longer,” said Marta Lindqvist, the mayor of the town.\n",
    "harvest.txt": "Farmers expect a late harvest\n\nRain has kept the fields wet since the end of March.\n\n"
    "“The wheat stands well, but it stands in water,” Tomas Okafor, a farmer, told reporters on Friday.\n",
}

pytestmark = [pytest.mark.deployment, pytest.mark.xdist_group("deployment")]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of server, worker and run: a home, a port and data folders of their own."""
    home = tmp_path_factory.mktemp("deployment")
    inbox = home / "inbox"
    inbox.mkdir()
    for name, text in TEXTS.items():
        inbox.joinpath(name).write_text(text, encoding="utf-8")
        os.utime(inbox / name, (time.time() - 60, time.time() - 60))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return {
        **os.environ,
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "ONRECORD_SOURCES": str(inbox),
        "ONRECORD_WAREHOUSE": str(home / "news.duckdb"),
        "ONRECORD_DATA_DIR": str(home / "data"),
    }


@pytest.fixture(scope="module")
def api(environment: dict[str, str]) -> Iterator[httpx.Client]:
    """A client of a running server on which everything in prefect.yaml is deployed."""
    url = httpx.URL(environment["PREFECT_API_URL"])
    with (
        run_in_background(environment, "server", "start", "--host", str(url.host), "--port", str(url.port)),
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        wait_for(lambda: is_healthy(client), seconds=120)
        run_prefect(environment, "work-pool", "create", POOL, "--type", "process")
        run_prefect(environment, "--no-prompt", "deploy", "--all")
        yield client


@contextmanager
def run_in_background(environment: dict[str, str], *arguments: str) -> Iterator[None]:
    log = Path(environment["PREFECT_HOME"]).with_name(f"{arguments[0]}.log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            prefect_command(*arguments), env=environment, cwd=log.parent, stdout=output, stderr=output
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def run_prefect(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        prefect_command(*arguments), env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def prefect_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "prefect", *arguments]


def is_healthy(client: httpx.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx.TransportError:
        return False


def wait_for(look: Callable[[], Any], *, seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"nothing after {seconds} s"
        time.sleep(0.3)
    return found


def send(api: httpx.Client, method: str, path: str, **content: Any) -> Any:
    """Send a request and read its answer; a server whose database is busy says 503, and is asked again, as Prefect's client does."""

    def try_once() -> httpx.Response | None:
        response = api.request(method, path, **content)
        return None if response.status_code == 503 else response

    response = wait_for(try_once, seconds=60)
    response.raise_for_status()
    return response.json()


def find_deployment(api: httpx.Client) -> dict[str, Any]:
    return dict(send(api, "GET", f"/deployments/name/{DEPLOYMENT}"))


def test_the_deployment_runs_every_hour_one_run_at_a_time(api: httpx.Client) -> None:
    deployment = find_deployment(api)
    assert [schedule["schedule"]["cron"] for schedule in deployment["schedules"]] == ["0 * * * *"]
    assert deployment["global_concurrency_limit"]["limit"] == 1
    assert deployment["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert deployment["work_pool_name"] == POOL


def test_a_backfill_is_there_to_be_started_by_hand(api: httpx.Client) -> None:
    deployment = send(api, "GET", "/deployments/name/backfill-warehouse/backfill")
    assert deployment["schedules"] == []
    assert {"since", "until", "outlet", "ids"} <= deployment["parameter_openapi_schema"]["properties"].keys()


def test_scheduled_runs_exist(api: httpx.Client) -> None:
    query = {
        "deployments": {"id": {"any_": [find_deployment(api)["id"]]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
    }
    runs = wait_for(lambda: send(api, "POST", "/flow_runs/filter", json=query), seconds=60)
    assert {run["state_name"] for run in runs} == {"Scheduled"}
    assert all(run["auto_scheduled"] for run in runs)


def test_a_worker_runs_it_and_the_warehouse_and_the_artifacts_are_there(
    api: httpx.Client, environment: dict[str, str]
) -> None:
    deployment_id = find_deployment(api)["id"]
    run_id = send(api, "POST", f"/deployments/{deployment_id}/create_flow_run", json={})["id"]
    with run_in_background(environment, "worker", "start", "--pool", POOL, "--limit", "1"):
        state = wait_for(lambda: find_final_state(api, run_id), seconds=150)
    assert (state["type"], state["message"]) == ("COMPLETED", None)
    with duckdb.connect(environment["ONRECORD_WAREHOUSE"], read_only=True) as con:
        found = con.execute("select source_uri from fact_articles order by all").fetchall()
        speakers = con.execute(
            "select speaker_text from fact_quotes where quote_type = 'direct' order by all"
        ).fetchall()
    assert found == [("bridge.txt",), ("harvest.txt",)]
    assert speakers == [("Marta Lindqvist",), ("Tomas Okafor",)]
    artifacts = send(api, "POST", "/artifacts/filter", json={"artifacts": {"flow_run_id": {"any_": [run_id]}}})
    by_key = {artifact["key"]: artifact for artifact in artifacts}
    assert {"build-stages", "build-rejections", "build-summary", "build-data-docs"} == by_key.keys()
    stages = [row["stage"] for row in json.loads(by_key["build-stages"]["data"])]
    assert stages[0] == "find" and stages[-1] == "docs"


def find_final_state(api: httpx.Client, run_id: str) -> dict[str, Any] | None:
    state = send(api, "GET", f"/flow_runs/{run_id}")["state"]
    return state if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None
