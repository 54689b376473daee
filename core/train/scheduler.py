"""Which run has the next turn: fair among people first, then among the runs of each; it has no clock of its own."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

WATCHED_SHARE = 2.0  # of a run that somebody watches, when the others of its person have 1


@dataclass
class _Share:
    """What somebody has had.

    Attributes:
        used: Seconds so far; who joins or comes back begins with what the others have had.
        turn: Number of its last turn: of those who had the same, the one that waits longest is next.
    """

    used: float
    turn: int = 0


@dataclass
class _Shares:
    """A fair choice among members: the next is always the one that has had least of those that want a turn."""

    members: dict[str, _Share] = field(default_factory=dict)
    _floor: float = 0.0  # what the last that was chosen had had: no credit is kept for time in which nothing was wanted
    _wanting: frozenset[str] = frozenset()

    def add(self, name: str) -> None:
        """Add a member, if it is none yet."""
        self.members.setdefault(name, _Share(self._floor))

    def next(self, wanting: Iterable[str], turn: int) -> str:
        """Return whose turn this is."""
        wanting = frozenset(wanting)
        for name in wanting - self._wanting:
            self.members[name].used = max(self.members[name].used, self._floor)
        self._wanting = wanting
        chosen = min(wanting, key=lambda name: (self.members[name].used, self.members[name].turn))
        self.took(chosen, turn)
        return chosen

    def took(self, name: str, turn: int) -> None:
        """Note that a member has this turn."""
        share = self.members[name]
        self._floor, share.turn = max(self._floor, share.used), turn


class Scheduler:
    """Chooses among runs so that, over time, people have equal shares, and so have the runs of each.

    Of the runs of a person those that are watched have `WATCHED_SHARE` times as much as the others.

    A new run has a turn at once, and every other one until it has `begun`. Who has waited for something, a pause or the
    next batch of slow motion, comes back with what the others have had by then: nothing is saved up, nothing is owed.
    """

    def __init__(self) -> None:
        self._person_of: dict[str, str] = {}
        self._people, self._runs = _Shares(), dict[str, _Shares]()
        self._watched = frozenset[str]()
        self._new: list[str] = []
        self._turns, self._last = 0, ""

    def add(self, run: str, person: str = "") -> None:
        """Add a run of a person."""
        self._person_of[run] = person
        self._people.add(person)
        self._runs.setdefault(person, _Shares()).add(run)
        self._new.append(run)

    def watch(self, runs: Iterable[str]) -> None:
        """Note which runs are watched from now on."""
        self._watched = frozenset(runs)

    def begun(self, run: str) -> None:
        """Note that a run is new no more."""
        if run in self._new:
            self._new.remove(run)

    def remove(self, run: str) -> None:
        """Remove a run, and its person with the last of theirs."""
        person = self._person_of.pop(run)
        del self._runs[person].members[run]
        self.begun(run)
        if not self._runs[person].members:
            del self._runs[person], self._people.members[person]

    def next(self, ready: Collection[str]) -> str | None:
        """Return the run whose turn it is, of those that have something to do; None where there is none."""
        if not ready:
            return None
        self._turns += 1
        new = () if self._last in self._new else self._new
        run = next((run for run in new if run in ready), None)
        if run is None:
            person = self._people.next({self._person_of[run] for run in ready}, self._turns)
            run = self._runs[person].next({run for run in ready if self._person_of[run] == person}, self._turns)
        else:
            self._people.took(self._person_of[run], self._turns)
            self._runs[self._person_of[run]].took(run, self._turns)
        self._last = run
        return run

    def charge(self, run: str, seconds: float) -> None:
        """Count what a run had of the time."""
        person = self._person_of[run]
        self._people.members[person].used += seconds
        self._runs[person].members[run].used += seconds / (WATCHED_SHARE if run in self._watched else 1.0)
