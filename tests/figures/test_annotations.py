"""What is written onto curves stands at the right epoch, is bounded and finds room."""

from core.figures.annotations import MAX_EVENTS, MAX_LABELS, Mark, best_rows, event_rows, events_not_drawn, mark_rows
from core.runs.history import Best
from core.runs.records import Event


def edit(step: int, text: str = "momentum 0.9 → 0.5") -> Event:
    return Event(step, "edit", text)


def test_an_event_stands_where_its_step_lies():
    (row,) = event_rows([edit(150, "learning rate 0.001 → 0.01")], 100, 4)
    assert (row["epoch"], row["label"], row["text"]) == (1.5, *["learning rate 0.001 → 0.01"] * 2)


def test_events_of_one_step_share_a_line_and_long_words_are_cut_on_the_label_alone():
    first, second = event_rows([edit(1), edit(1, "flip 0 → 0.5"), edit(2, "x" * 60)], 10, 1)
    assert first["text"] == first["label"] == "momentum 0.9 → 0.5, flip 0 → 0.5"
    assert second["label"] == "x" * 39 + "…"
    assert second["text"] == "x" * 60


def test_labels_stand_on_the_side_that_has_room_and_neighbours_below_one_another():
    rows = event_rows([edit(1), edit(2), edit(9)], 1, 10)
    assert [row["side"] for row in rows] == ["left", "left", "right"]
    assert len({row["row"] for row in rows}) == 3


def test_however_many_events_there_are_a_chart_stays_small_and_shows_the_latest():
    events = [edit(step) for step in range(1000)]
    rows = event_rows(events, 10, 100)
    assert len(rows) == MAX_EVENTS
    assert events_not_drawn(events) == 1000 - MAX_EVENTS and events_not_drawn(events[:MAX_EVENTS] * 2) == 0
    assert rows[-1]["epoch"] == 99.9
    assert [bool(row["label"]) for row in rows] == [False] * (MAX_EVENTS - MAX_LABELS) + [True] * MAX_LABELS


def test_the_best_epoch_is_marked_on_both_curves():
    best = Best(epoch=4, step=40, loss=0.5, accuracy=0.8)
    curve = [{"value": 0.9}, {"value": 0.4}, {"value": float("nan")}]
    (loss,), (accuracy,) = (best_rows(best, measure, 10, 10, curve) for measure in ("loss", "accuracy"))
    assert (loss["epoch"], loss["value"], loss["label"]) == (4.0, 0.5, "best: epoch 4")
    assert (accuracy["epoch"], accuracy["value"]) == (4.0, 0.8)
    assert best_rows(None, "loss", 10, 10, curve) == []


def test_the_label_of_the_best_epoch_keeps_away_from_the_edge_at_which_findings_are_named():
    best = Best(epoch=4, step=40, loss=1.6, accuracy=0.3)
    rows = [best_rows(best, "loss", 10, 10, [{"value": highest}])[0] for highest in (2.3, 6.0)]
    assert [row["down"] for row in rows] == [True, False]
    assert not best_rows(best, "accuracy", 10, 10, [{"value": 0.3}])[0]["down"]


def test_findings_are_named_in_the_rows_that_changed_settings_leave_free():
    marks, changes = [Mark(3, 8, "overfitting", "loss")], event_rows([edit(1), edit(2)], 1, 10)
    assert [mark_rows(marks, "loss", 10, before)[0]["row"] for before in ([], changes)] == [0, 2]


def test_a_finding_is_drawn_on_its_own_curve_alone_and_a_moment_can_be_seen():
    marks = [Mark(3, 8, "overfitting", "loss"), Mark(2, 2, "a jump", "loss"), Mark(1, 2, "dead", "dead")]
    stretch, moment = mark_rows(marks, "loss", 10)
    assert (stretch["epoch"], stretch["until"], stretch["label"]) == (3, 8, "overfitting")
    assert (moment["epoch"], moment["until"]) == (1.9, 2)
    assert [row["label"] for row in mark_rows(marks, "dead", 10)] == ["dead"]
