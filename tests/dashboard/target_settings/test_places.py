"""The line on which a key stands, in every way in which TOML can write it."""

from __future__ import annotations

from dashboard.target_settings.places import lines_of


def test_a_key_of_a_table_is_found() -> None:
    assert lines_of("# note\n[a.b]\n\nc = 1")[("a", "b", "c")] == 4


def test_a_table_is_found_by_every_part_of_its_name() -> None:
    assert lines_of("[a.b]\n[a.c]")[("a", "c")] == 2


def test_a_value_over_several_lines_begins_where_its_key_stands() -> None:
    found = lines_of('a = [\n  "x", # [b]\n  "y",\n]\nb = """\n[c]\nd = 1\n"""\ne = 2')
    assert found == {("a",): 1, ("b",): 5, ("e",): 9}


def test_keys_with_dots_and_quotes_are_the_keys_that_they_mean() -> None:
    assert lines_of('["x.y"]\n"a b".c = 1')[("x.y", "a b", "c")] == 2


def test_a_key_of_an_inline_table_stands_on_its_line() -> None:
    assert lines_of("[a]\nb = { c = { d = 1 } }")[("a", "b", "c", "d")] == 2


def test_lines_of_a_file_from_windows_are_counted_alike() -> None:
    assert lines_of("[a]\r\n\r\nb = 1\r\n")[("a", "b")] == 3
