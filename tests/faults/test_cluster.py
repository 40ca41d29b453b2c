"""Two nodes on one PostgreSQL and one Redis: whatever befalls one of these, nobody is lost, and `make faults` tries it at more moments."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random

import pytest
import pytest_asyncio

from tests.faults import cluster
from tests.faults.cluster import Cluster
from tests.faults.points import Fault, Moment, strike

PEOPLE = 1500

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    async with cluster.cluster(tmp_path_factory.mktemp("cluster"), PEOPLE) as there:
        yield there


async def struck(town: Cluster, fault: Fault) -> None:
    verdict = await strike(town, fault, Moment(arrivals=PEOPLE // 3), Random(1), key=fault.__name__)
    assert verdict.fine, str(verdict)


async def test_a_node_that_is_killed_is_taken_over_by_the_other(town: Cluster) -> None:
    await struck(town, cluster.kill_node)


async def test_a_node_that_hangs_until_the_other_has_done_its_work_sends_nothing_when_it_wakes(town: Cluster) -> None:
    await struck(town, cluster.hang_node)


async def test_both_nodes_killed_lose_nobody(town: Cluster) -> None:
    await struck(town, cluster.kill_all_nodes)


async def test_a_redis_that_is_wiped_costs_nobody_an_alert(town: Cluster) -> None:
    await struck(town, cluster.wipe_redis)


async def test_a_database_that_crashes_and_comes_back_costs_nobody_an_alert(town: Cluster) -> None:
    await struck(town, cluster.restart_database("immediate"))


async def test_without_redis_the_alert_goes_on_and_nothing_comes_twice(town: Cluster) -> None:
    await struck(town, cluster.stop_redis)


async def test_a_rolling_restart_loses_nothing_and_sends_nothing_twice(town: Cluster) -> None:
    await struck(town, cluster.rolling_restart)
