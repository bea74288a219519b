from __future__ import annotations

import gzip
import os
import threading

import pytest

from tests.oracles import reader
from tests.oracles.reader import Unreadable, read_records, short


def read(path):
    return list(read_records(path))


def test_lines_come_with_their_numbers(tmp_path):
    path = tmp_path / "plain.jsonl"
    path.write_bytes(b'{"a": 1}\n{"b": [18446744073709551615, null, true]}')
    assert read(path) == [(1, {"a": 1}), (2, {"b": [2**64 - 1, None, True]})]


def test_gzip_is_told_by_its_content_and_not_by_its_name(tmp_path):
    path = tmp_path / "packed.jsonl"
    path.write_bytes(gzip.compress(b'{"a": 1}\n'))
    assert read(path) == [(1, {"a": 1})]
    renamed = tmp_path / "plain.gz"
    renamed.write_bytes(b'{"a": 2}\n')
    assert read(renamed) == [(1, {"a": 2})]


def test_a_pipe_is_read_once_from_its_beginning(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(b'{"a": 1}\n'))
    writer.start()
    assert read(path) == [(1, {"a": 1})]
    writer.join()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "Expecting property name"),
        (b"\n", "Expecting value"),
        (b"null", "expected a JSON object, found NoneType"),
        (b"[1]", "expected a JSON object, found list"),
        (b'"{}"', "expected a JSON object, found str"),
        (b'{"a": 1} {"b": 2}', "Extra data"),
        (b'{"a": NaN}', "NaN is not a whole number"),
        (b'{"a": -Infinity}', "-Infinity is not a whole number"),
        (b'{"a": 4096.0}', "4096.0 is not a whole number"),
        (b'{"a": 1e3}', "1e3 is not a whole number"),
        (b'{"a": 1, "a": 1}', "'a' is twice"),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', "'b' is twice"),
        (b'{"a": "\xff"}', "byte 8 is not UTF-8"),
        (b'{\x00"\x00a\x00"\x00:\x001\x00}\x00', "Expecting property name"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number has thousands of digits"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_line_of_a_trace_is_told_with_its_number(tmp_path, line, reason):
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b'{"ok": 1}\n' + line + b'\n{"ok": 2}\n')
    with pytest.raises(Unreadable) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_an_endless_line_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "MAX_LINE", 1000)
    path = tmp_path / "long.jsonl"
    path.write_bytes(b'{"a": "' + b"x" * 990 + b'"}\n')
    assert len(path.read_bytes()) == 1000
    assert len(read(path)) == 1
    path.write_bytes(b'{"a": "' + b"x" * 991 + b'"}\n')
    with pytest.raises(Unreadable, match=r":1: the line is longer than 1,000 bytes"):
        read(path)


@pytest.mark.parametrize("kept", [3, 20, -9, -1])
def test_cut_off_gzip_is_told_apart_from_a_short_trace(tmp_path, kept):
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n' * 50)[:kept])
    with pytest.raises(Unreadable, match=r":\d+: the compressed data is damaged or ends early"):
        read(path)


def test_damaged_gzip_and_what_follows_it_are_told(tmp_path):
    good = gzip.compress(b'{"a": 1}\n')
    for content in (good[:-6] + b"\0\0" + good[-4:], good + b"rubbish"):
        path = tmp_path / "damaged.jsonl.gz"
        path.write_bytes(content)
        with pytest.raises(Unreadable, match=r":\d+: the compressed data is damaged or ends early"):
            read(path)


def test_files_that_can_not_be_opened_are_told_with_the_systems_reason(tmp_path):
    with pytest.raises(Unreadable, match=r"nowhere: No such file"):
        read(tmp_path / "nowhere")
    with pytest.raises(Unreadable, match=r"Is a directory"):
        read(tmp_path)


def test_values_in_sentences_are_cut():
    assert short("abc") == "'abc'"
    assert len(short("x" * 10**6)) < 100
    nested: list[object] = []
    for _ in range(5000):
        nested = [nested]
    assert len(short(nested)) < 100
