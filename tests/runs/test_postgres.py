"""The run store on a PostgreSQL server: what differs from SQLite, and what goes wrong, really brought about."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from core.errors import StorageError
from core.model.layers import Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.records import Event, Evidence, Metric
from core.runs.store import RunStore
from core.runs.tables import RUNS
from core.runs.transactions import BusyError
from core.train.config import TrainConfig
from tests.absent import make_absent
from tests.postgres import ENCODED, PASSWORD, Server, new_schema

SPEC = ModelSpec("small", (1, 8, 8), 10, (Conv(4), Flatten(), Dense(10)))
CONFIG = TrainConfig()
METRIC = Metric(1, 1, 0.1, 0.5, 1.0, 0.25, 0.5, 0.75)


@pytest.fixture
def store(postgres_url: str):
    store = RunStore()
    yield store
    store.close()


def together(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Call `act` in so many threads at the same moment; return what each returned or raised."""
    outcomes: list[Any] = [None] * count
    start = threading.Barrier(count)

    def begin(number: int) -> None:
        start.wait()
        try:
            outcomes[number] = act(number)
        except Exception as error:
            outcomes[number] = error

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (lambda server: server.url(password="s3cret%23wrong"), "refuses user convscope .password .*: check user and"),
        (lambda server: server.url("nowhere"), "There is no database nowhere on the server at .*createdb nowhere"),
        (lambda server: server.url(port=9), "server at 127.0.0.1:9 does not answer .Connection refused.*: check that"),
        (lambda server: server.url(password="s3cret@w0rd"), "special characters in user and password are written in"),
        (lambda server: server.url(password="s3cret:5x/w0rd"), "special characters in user and password|refuses user"),
        (lambda server: server.url("").rstrip("/"), "it is postgresql.psycopg://user:password@host"),
        (lambda server: f"mysql://me:{ENCODED}@host/runs", "names neither a SQLite file .* nor a PostgreSQL server"),
    ],
    ids=["password", "database", "server", "at", "colon", "nameless", "mysql"],
)
def test_what_keeps_from_connecting_is_one_sentence_without_the_password(postgres: Server, url, words) -> None:
    with pytest.raises(StorageError, match=words) as refused:
        RunStore(url(postgres))
    said = str(refused.value)
    assert "s3cret" not in said and "w0rd" not in said and "\n" not in said


def test_a_driver_that_is_not_installed_is_named(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    make_absent(monkeypatch, "psycopg", "psycopg_c", "psycopg_binary")
    with pytest.raises(StorageError, match=r"driver is not installed here: pip install -r requirements-server\.txt"):
        RunStore(postgres.url())


def test_addresses_as_others_write_them_mean_the_same(store: RunStore, postgres_url: str) -> None:
    run_id = store.create(SPEC, CONFIG, "digits")
    for scheme in ("postgresql", "postgres"):
        other = RunStore(postgres_url.replace("postgresql+psycopg", scheme))
        assert [run.id for run in other.list()] == [run_id]
        other.close()


def test_what_lies_beside_the_weights_names_the_server_without_user_and_password(store: RunStore) -> None:
    copy = store.folder / store.create(SPEC, CONFIG, "digits") / "run.json"
    assert '"database":"127.0.0.1:' in copy.read_text()
    assert PASSWORD not in copy.read_text() and "convscope" not in copy.read_text()


def test_servers_that_start_at_the_same_moment_make_the_tables_once(postgres: Server) -> None:
    url = new_schema(postgres)[1]
    stores = together(4, lambda number: RunStore(url))
    assert [type(store) for store in stores] == [RunStore] * 4
    run_id = stores[0].create(SPEC, CONFIG, "digits")
    assert [[run.id for run in store.list()] for store in stores] == [[run_id]] * 4
    for store in stores:
        store.close()


def test_a_store_of_a_newer_version_is_refused_untouched(postgres: Server) -> None:
    url = new_schema(postgres)[1]
    store = RunStore(url)
    with store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE store_version SET version = 7")
        connection.exec_driver_sql("DROP TABLE evidence")
    with pytest.raises(StorageError, match="newer version of ConvScope: update this one"):
        RunStore(url)
    with store.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT to_regclass('evidence')").scalar_one() is None
    store.close()


def test_a_store_of_an_older_version_is_completed(postgres: Server) -> None:
    url = new_schema(postgres)[1]
    older = RunStore(url)
    first, second = (older.create(SPEC, CONFIG, "digits") for _ in range(2))
    older.change(second, status="failed", message="The loss is no longer a number.")
    with older.database.writing() as connection:
        for lost in ("COLUMN number", "COLUMN failure", "COLUMN person"):
            connection.exec_driver_sql(f"ALTER TABLE runs DROP {lost}")
        connection.exec_driver_sql("DROP TABLE evidence")
        connection.exec_driver_sql("DROP INDEX metrics_validated")
        connection.exec_driver_sql("DROP TABLE store_version")
    older.close()
    newer = RunStore(url)
    assert [(run.id, run.failure) for run in newer.list()] == [(second, "diverged"), (first, "")]
    newer.worker.record(first, [METRIC], [Evidence(0, "dead", "all", 0.5)])
    third = newer.create(SPEC, CONFIG, "digits")
    with newer.database.reading() as connection:
        numbers = connection.execute(select(RUNS.c.id, RUNS.c.number).order_by(RUNS.c.number)).all()
        indexes = connection.exec_driver_sql("SELECT count(*) FROM pg_indexes WHERE indexname = 'metrics_validated' AND schemaname = current_schema()")  # fmt: skip  # noqa: E501
        assert (numbers, indexes.scalar_one()) == ([(first, 1), (second, 2), (third, 3)], 1)
    newer.close()


def test_numbers_and_texts_come_back_as_they_were_given(store: RunStore) -> None:
    run_id = store.create(SPEC, CONFIG, "digits", "Émile \x00 卷积 🙂", note="a\x00b")
    metric = Metric(2**40, 1, 0.1 + 0.2, 1e-300, float("inf"), 1 / 3, 3.4e38, 2 / 3)
    layer = "l" * 300
    store.worker.record(
        run_id, [metric], [Evidence(2**40, "weights", layer, 1 / 3, (0.1,))], [Event(2**40, "edit", "\x00")], step=2**40
    )
    assert store.metrics(run_id) == (metric,)
    assert store.series.evidence(run_id) == (Evidence(2**40, "weights", layer, 1 / 3, (0.1,)),)
    run = store.get(run_id)
    assert (run.name, run.note, run.step) == ("Émile \ufffd 卷积 🙂", "a\ufffdb", 2**40)
    assert [found.id for found in store.list(containing="émile \x00")] == []
    assert [found.id for found in store.list(containing="卷")] == [run_id]


def test_each_run_is_claimed_once_and_created_with_a_number_of_its_own(store: RunStore) -> None:
    ids = together(8, lambda number: [store.create(SPEC, CONFIG, "digits") for _ in range(3)])
    ids = [run_id for own in ids for run_id in own]
    with store.database.reading() as connection:
        assert sorted(connection.execute(select(RUNS.c.number)).scalars()) == list(range(1, 25))

    def claim(number: int) -> list[str]:
        claimed = []
        while store.worker.first() is not None:
            if (run_id := store.worker.claim(f"worker {number}", 99)) is not None:
                claimed.append(run_id)
        return claimed

    claimed = together(8, claim)
    assert sorted(run_id for own in claimed for run_id in own) == sorted(ids)
    with store.database.reading() as connection:
        owners = dict(connection.execute(select(RUNS.c.id, RUNS.c.owner)).all())
    assert owners == {run_id: f"worker {number}" for number, own in enumerate(claimed) for run_id in own}


def test_a_run_that_another_is_claiming_is_left_out_and_not_waited_for(store: RunStore) -> None:
    first, second = (store.create(SPEC, CONFIG, "digits") for _ in range(2))
    with store.database.writing() as connection:
        connection.execute(select(RUNS.c.id).where(RUNS.c.id == first).with_for_update())
        assert store.worker.claim("me", 9, first) is None
        assert store.worker.claim("me", 9) == second


def test_tables_that_others_hold_are_waited_for_only_so_long(store: RunStore) -> None:
    run_id = store.create(SPEC, CONFIG, "digits", owner="me")
    with store.database.writing() as connection:
        connection.exec_driver_sql("LOCK TABLE metrics")
        with pytest.raises(BusyError, match=r"is busy .*lock timeout.*: try again"):
            store.worker.record(run_id, [METRIC], by="me", wait=0.02)
    store.worker.record(run_id, [METRIC], by="me", wait=0.02)
    assert store.metrics(run_id) == (METRIC,)


def test_tables_that_were_dropped_are_named_and_made_again_with_the_runs_in_the_folder(postgres: Server) -> None:
    store = RunStore(new_schema(postgres)[1])
    run_id = store.create(SPEC, CONFIG, "digits")
    store.worker.record(run_id, [METRIC])
    store.copy(run_id, curves=True)
    before = store.get(run_id), store.metrics(run_id)
    with store.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE metrics, events, evidence, runs")
    with pytest.raises(StorageError, match=r"lost its tables .* try again"):
        store.list()
    assert (store.get(run_id), store.metrics(run_id)) == before
    store.close()


def test_the_first_look_at_a_long_run_is_averaged_by_the_server(store: RunStore, tmp_path: Path) -> None:
    run_id = store.create(SPEC, CONFIG, "digits")
    with store.database.writing() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO metrics SELECT '{run_id}', n, 1, 0.1, n, 1.0 / n, 0.5 FROM generate_series(1, 12000) AS n"
        )
    look = store.series.overview(run_id, 200)
    assert look is not None and (look.width, look.last.step, len(look.stretches)) == (64, 12_000, 188)
    losses = 1 / np.arange(1, 12_001)
    for place, stretch in look.stretches.items():
        part = losses[place * 64 : (place + 1) * 64]
        assert (stretch.step, stretch.count) == (min((place + 1) * 64, 12_000), len(part))
        assert stretch.loss == pytest.approx(part.mean(), rel=1e-12)
