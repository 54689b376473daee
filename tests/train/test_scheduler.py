"""Who has the next turn, against sequences computed by hand."""

from core.train.scheduler import Scheduler


def turns(scheduler: Scheduler, ready: str, count: int, seconds: float = 1.0) -> str:
    """Let so many turns of equal length be had by those that are ready, and return whose they were."""
    had = ""
    for _ in range(count):
        run = scheduler.next(tuple(ready))
        scheduler.charge(run, seconds)
        scheduler.begun(run)
        had += run
    return had


def queue(**people: str) -> Scheduler:
    """Return a scheduler of these people's runs, each of which has had its first turn, of no length."""
    scheduler = Scheduler()
    for person, runs in people.items():
        for run in runs:
            scheduler.add(run, person)
    everybody = "".join(people.values())
    assert turns(scheduler, everybody, len(everybody), 0.0) == everybody
    return scheduler


def test_runs_of_one_person_take_turns():
    assert turns(queue(ann="abc"), "abc", 7) == "abcabca"


def test_people_have_equal_shares_however_many_runs_they_have():
    assert turns(queue(ann="abc", bob="x"), "abcx", 8) == "axbxcxax"


def test_whose_turns_are_longer_has_fewer_of_them():
    scheduler, had = queue(ann="ab"), ""
    for _ in range(8):
        run = scheduler.next("ab")
        scheduler.charge(run, 3.0 if run == "a" else 1.0)
        had += run
    assert had == "abbbabbb"  # 3 against 3 seconds, twice


def test_a_watched_run_has_twice_the_share_within_that_of_its_person():
    scheduler = queue(ann="abc", bob="x")
    scheduler.watch(("a",))
    had = turns(scheduler, "abcx", 16)
    assert [had.count(run) for run in "abcx"] == [4, 2, 2, 8]
    scheduler.watch(())
    had = turns(scheduler, "abcx", 12)
    assert [had.count(run) for run in "abcx"] == [2, 2, 2, 6]


def test_a_new_run_has_its_first_turn_at_once_and_then_an_equal_share():
    scheduler = queue(ann="ab")
    turns(scheduler, "ab", 10)
    scheduler.add("c", "ann")
    scheduler.add("x", "bob")
    assert turns(scheduler, "abcx", 2, 0.1) == "cx"
    # a and b have had 5 seconds each, c begins with the 4 of whoever was chosen last, x with the 9 of its person
    assert turns(scheduler, "abcx", 9) == "xcxaxbxcx"


def test_a_run_that_takes_long_to_begin_leaves_every_other_turn_to_the_rest():
    scheduler = queue(ann="ab", bob="x")
    for run in ("n", "m"):
        scheduler.add(run, "bob")
    had = ""
    for _ in range(9):
        run = scheduler.next("abxnm")
        scheduler.charge(run, 1.0)
        if had.count("n") == 2:
            scheduler.begun("n")
        had += run
    assert had == "nanbmambm"


def test_a_run_that_waited_comes_back_without_credit():
    scheduler = queue(ann="abc")
    assert turns(scheduler, "ab", 8) == "abababab"  # c pauses
    assert turns(scheduler, "abc", 6) == "cabcab"
    assert turns(scheduler, "c", 5) == "ccccc"  # the others pause: nor does c owe them anything
    assert turns(scheduler, "abc", 6) == "abcabc"


def test_a_person_who_waited_comes_back_without_credit():
    scheduler = queue(ann="a", bob="xy")
    turns(scheduler, "a", 20)
    assert turns(scheduler, "axy", 6) == "xayaxa"


def test_who_has_left_has_no_turn_and_leaves_its_share_to_the_others():
    scheduler = queue(ann="ab", bob="x")
    scheduler.remove("x")
    scheduler.add("n", "bob")
    scheduler.remove("n")
    assert turns(scheduler, "ab", 4) == "abab"
    assert scheduler.next(()) is None
