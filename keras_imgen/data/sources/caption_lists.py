"""Files that list captions: `metadata.jsonl` and `metadata.csv`, as Hugging Face's ImageFolder has them, and `captions.json`."""

import csv
import io
from collections.abc import Iterator

from keras_imgen.data.captions import NAMES, texts_of
from keras_imgen.data.files import parse_json, read_text, shown

METADATA = ("metadata.jsonl", "metadata.csv")
LISTS = (*METADATA, "captions.json")
Row = tuple[str, str, tuple[str, ...]]  # where it stands, the file that it names, its captions


def rows_of(path: str, text: str | None) -> list[Row] | None:
    """What a list says; None where it has no column of captions.

    Args:
        path: whose name is one of `LISTS`.
        text: the column of captions in metadata; None takes `caption`, `captions` or `text`.

    Raises:
        ValueError: it is damaged, empty or not in UTF-8, has two such columns, or none of the name `text`.
    """
    content, name = read_text(path), shown(path)
    if path.endswith("captions.json"):
        return [*_of_json(content, name)]
    rows = [*(_of_jsonl if path.endswith("jsonl") else _of_csv)(content, name)]
    if not rows:
        raise ValueError(f"{name} is empty: expected rows with file_name and caption.")
    for where, row in rows:
        if not isinstance(row.get("file_name"), str):
            raise ValueError(f"{where}: expected file_name, the path of a picture, got {', '.join(map(str, row))}.")
    columns = dict.fromkeys(k for _, row in rows for k in row)
    known = [k for k in ([text] if text else NAMES) if k in columns]
    if len(known) > 1:
        raise ValueError(
            f"{name} has the columns {' and '.join(known)}: pass one of them to `load`, as text={known[0]!r}."
        )
    if text and not known:
        raise ValueError(f"{name} has no column {text!r}: expected one of {', '.join(columns)}.")
    return [(where, row["file_name"], texts_of(row.get(known[0]), where)) for where, row in rows] if known else None


def _of_json(content: str, path: str) -> Iterator[Row]:
    given = parse_json(content, path)
    if isinstance(given, dict) and {"images", "annotations"} <= set(given):
        raise ValueError(f"{path} is a list in the form of COCO: write 'coco:{path}'.")
    if not isinstance(given, dict) or not given:
        raise ValueError(f"{path}: expected {{file name: caption, or [captions]}}, got {given!r:.60}.")
    for name, texts in given.items():
        yield path, name, texts_of(texts, f"{path}, {name}")


def _of_jsonl(content: str, path: str) -> Iterator[tuple[str, dict]]:
    for number, line in enumerate(content.split("\n"), 1):
        if line.strip():
            where = f"{path}, line {number}"
            row = parse_json(line, where)
            if not isinstance(row, dict):
                raise ValueError(f"{where}: expected {{file_name: ..., caption: ...}}, got {row!r:.60}.")
            yield where, row


def _of_csv(content: str, path: str) -> Iterator[tuple[str, dict]]:
    lines = csv.reader(io.StringIO(content, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(lines, [])]
        for fields in lines:
            where = f"{path}, line {lines.line_num}"
            if fields and len(fields) != len(header):
                raise ValueError(
                    f"{where} has {len(fields)} fields, and the first line {len(header)}: captions with commas stand in quotes."
                )
            if fields:
                yield where, dict(zip(header, fields))
    except csv.Error as error:
        raise ValueError(f"{path}, line {lines.line_num}: {error}.") from None
