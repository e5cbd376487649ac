"""Tools for tests in which two things happen at the same time."""

import threading

from django.db import OperationalError, connection, connections


def is_waiting_for_a_lock() -> bool:
    """Whether a connection to this worker's database waits for a lock. Can be asked repeatedly in one transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else the transaction keeps the first list of connections
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        )
        return cursor.fetchone()[0] > 0


def at_the_same_time(*deeds) -> list[BaseException]:
    """Run the actions at once, each in its own thread; return the exceptions."""
    faults, barrier = [], threading.Barrier(len(deeds))

    def do(deed):
        barrier.wait()
        try:
            deed()
        except Exception as fault:  # noqa: BLE001  the test must see every exception
            faults.append(fault)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=do, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults


LONG_ENOUGH = 0.5  # seconds for the other thread to reach the point where it waits


DEADLOCK = {"postgresql": [OperationalError], "sqlite": []}


def once_set(event: threading.Event, deed):
    """Return a function that runs the action once the event is set."""

    def do():
        assert event.wait(10)
        deed()

    return do
