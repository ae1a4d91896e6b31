"""What is remembered of a picture: made once, for each language, and only of the last few."""

from __future__ import annotations

from dashboard.language import language, speaking
from dashboard.remembered import Remembered
from dashboard.spans import variant_rows
from tests.dashboard.records import guarded_trial


def test_it_is_made_once_for_the_same_picture_and_again_for_one_that_only_looks_alike() -> None:
    made: list[list[int]] = []

    def make(picture: list[int]) -> int:
        made.append(picture)
        return sum(picture)

    total, picture = Remembered(make), [1, 2]
    assert [total(picture), total(picture), total([1, 2])] == [3, 3, 3]
    assert len(made) == 2


def test_each_language_has_its_own() -> None:
    words = Remembered(lambda picture: language())
    picture = object()
    assert words(picture) == "en"
    with speaking("ko"):
        assert words(picture) == "ko"
    assert words(picture) == "en"


def test_only_the_last_few_are_held() -> None:
    made: list[object] = []
    length = Remembered(lambda picture: made.append(picture))
    pictures = [object() for _ in range(6)]
    for picture in (*pictures, pictures[-1], pictures[0]):
        length(picture)
    assert len(made) == 7


def test_the_rows_of_a_trial_are_told_to_each_viewer_in_his_language() -> None:
    trial = guarded_trial(3, until=0.2)  # type: ignore[no-untyped-call]
    english = [row.words for row in variant_rows(trial)]
    with speaking("ko"):
        korean = [row.words for row in variant_rows(trial)]
    assert english != korean
    assert [row.words for row in variant_rows(trial)] == english
