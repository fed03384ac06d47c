"""Answers of a Prometheus server to ``/api/v1/query_range``, however long: read as a stream of JSON events."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import ijson

from suanheng.flows.sources.reading.files import opened
from suanheng.flows.sources.reading.prometheus import Sample, chunks, microseconds, series
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_REMARKS = ("PromQL info:", "PromQL warning:")
"""How annotations begin that speak of the query and its metrics, and not of stores that did not answer."""

_SCALARS = {"string", "number", "boolean", "null"}
_OPENS = {"start_map", "start_array"}
_SAYS_WHETHER_WHOLE = {"status", "error", "warnings", "isPartial"}

Events = Iterator[tuple[str, Any]]


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read an answer, one row per point, counted through the file.

    Args:
        path: what the server answered.
        options: none.

    Raises:
        UnreadableFile: it is no matrix, ends early, or says itself that it is an error or incomplete.
    """
    yield from chunks(samples(path))


def samples(path: Path) -> Iterator[Sample | Unreadable]:
    """Every point of an answer, one at a time.

    Raises:
        UnreadableFile: as ``read``.
    """
    with opened(path) as file:
        if file.peek(3)[:3] == _BYTE_ORDER_MARK:  # type: ignore[attr-defined]
            file.read(3)
        try:
            yield from _Answer(path, ijson.basic_parse(file, use_float=True)).samples()
        except ijson.JSONError as error:
            _refuse(path, f"no JSON, or only the beginning of it: {error}")


class _Answer:
    """One answer, consumed event by event from left to right."""

    def __init__(self, path: Path, events: Events) -> None:
        self._path, self._events = path, events
        self._row_number = 0
        self._said: dict[str, Any] = {}
        self._has_result = False

    def samples(self) -> Iterator[Sample | Unreadable]:
        if next(self._events, ("", None))[0] != "start_map":
            _refuse(self._path, "other JSON")
        for key in self._keys():
            event, value = next(self._events)
            if key == "data" and event == "start_map":
                yield from self._data()
            elif key in _SAYS_WHETHER_WHOLE:
                self._said[key] = self._whole(event, value)
            else:
                self._skip(event)
        self._refuse_incomplete()

    def _data(self) -> Iterator[Sample | Unreadable]:
        for key in self._keys():
            event, value = next(self._events)
            if key == "result" and event == "start_array":
                self._refuse_other_kind()
                self._has_result = True
                yield from self._result()
            elif key == "resultType":
                self._said[key] = value
                self._refuse_other_kind()
            else:
                self._skip(event)

    def _result(self) -> Iterator[Sample | Unreadable]:
        for event, _ in self._events:
            if event == "end_array":
                return
            if event == "start_map":
                yield from self._series()
            else:
                self._skip(event)
                yield self._unreadable("no_object", "a series should be a JSON object", event)

    def _series(self) -> Iterator[Sample | Unreadable]:
        found: tuple[str | None, str] | None = None
        for key in self._keys():
            event, value = next(self._events)
            if key == "metric":
                labels = self._whole(event, value)
                if not isinstance(labels, dict):
                    _refuse(self._path, f"a series whose metric is {labels!r}")
                found = series({name: str(text) for name, text in labels.items()})
            elif key == "values" and event == "start_array":
                if found is None:
                    _refuse(self._path, "a series whose values come before its metric")
                yield from self._points(*found)
            elif key == "histograms":
                self._skip(event)
                yield self._unreadable("native_histogram", "native histograms are not read", str(found))
            else:
                self._skip(event)

    def _points(self, metric: str | None, labels: str) -> Iterator[Sample | Unreadable]:
        events = self._events
        for opening, first in events:
            if opening == "end_array":
                return
            point = [] if opening == "start_array" else [self._whole(opening, first)]
            for event, value in events if opening == "start_array" else ():
                if event == "end_array":
                    break
                point.append(value if event in _SCALARS else self._whole(event, value))
            time_us = microseconds(point[0], 1) if len(point) == 2 else None
            if time_us is None or not isinstance(point[1], str | int | float | None):
                yield self._unreadable("point", "expected [seconds, value]", json.dumps(point))
            else:
                self._row_number += 1
                text = None if point[1] is None else str(point[1])
                yield Sample(self._row_number, metric, labels, time_us, text)

    def _keys(self) -> Iterator[str]:
        """Keys of the object that has been opened; whoever takes one consumes its value."""
        for event, value in self._events:
            if event == "end_map":
                return
            yield value

    def _whole(self, event: str, value: Any) -> Any:
        """A small value: text, number, point, labels or list of words."""
        if event == "start_array":
            return [self._whole(*part) for part in self._until("end_array")]
        if event == "start_map":
            return {key: self._whole(*next(self._events)) for key in self._keys()}
        return value

    def _until(self, end: str) -> Events:
        for event, value in self._events:
            if event == end:
                return
            yield event, value

    def _skip(self, event: str) -> None:
        depth = int(event in _OPENS)
        while depth:
            inner, _ = next(self._events)
            depth += (inner in _OPENS) - (inner in {"end_map", "end_array"})

    def _unreadable(self, rule: str, message: str, record: str) -> Unreadable:
        self._row_number += 1
        return Unreadable(self._row_number, rule, message, record)

    def _refuse_other_kind(self) -> None:
        kind = self._said.get("resultType", "matrix")
        if kind != "matrix":
            _refuse(self._path, f"an answer of kind {kind}")

    def _refuse_incomplete(self) -> None:
        said = self._said
        if said.get("status", "success") != "success":
            _refuse(self._path, f"status {said['status']}: {said.get('error', 'without a reason')}")
        if not self._has_result:
            _refuse(self._path, "JSON without data.result")
        warnings = said.get("warnings") or []
        stated = map(str, warnings if isinstance(warnings, list) else [warnings])
        missing = [warning for warning in stated if not warning.startswith(_REMARKS)]
        if missing or said.get("isPartial") is True:
            raise UnreadableFile(
                f"{self._path.name} is a partial answer",
                expected="an answer without warnings but those on the query itself",
                got="; ".join(missing or ["isPartial"]),
                do="Pull again once every part of the server answers.",
            )


def _refuse(path: Path, got: str) -> NoReturn:
    raise UnreadableFile(
        f"{path.name} is no answer of query_range",
        expected='{"status":"success","data":{"resultType":"matrix","result":[…]}}',
        got=got,
        do="Ask the server again, e.g. with suanheng pull.",
    )
