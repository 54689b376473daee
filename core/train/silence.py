"""Telling the dead from the living by their heartbeats alone: clocks jump, and those of two machines differ."""

from collections.abc import Mapping


class Silence:
    """Counts for how many looks a heartbeat has not changed.

    Looks are counted, not seconds: whoever looks rarely, because the machine sleeps or is short of time, must expect
    the others to be as slow.

    Args:
        looks: After so many looks without a change, a heartbeat has stopped.
    """

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self._seen: dict[str, tuple[float, int]] = {}

    def look(self, heartbeats: Mapping[str, float]) -> dict[str, float]:
        """Take in the heartbeats of this moment, by run, and return those that have stopped."""
        before, self._seen = self._seen, {}
        for run_id, heartbeat in heartbeats.items():
            known, count = before.get(run_id, (None, 0))
            self._seen[run_id] = (heartbeat, count + 1 if heartbeat == known else 0)
        return {run_id: heartbeat for run_id, (heartbeat, count) in self._seen.items() if count >= self.looks}
