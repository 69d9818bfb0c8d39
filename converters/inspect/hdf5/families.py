"""Describes objects that are alike in one line: `/img_*/image`, of which there are 20,000."""

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from fitfeed.converters.inspect.report import FEW, Content, ForeignFeature, Span

MIN_FAMILY = 9
"""So many objects that are alike are described in one line. Fewer are listed."""

MAX_LEVELS = 32
"""Objects that are deeper in a file are listed as they are: merging them takes time that grows with the square of the depth."""

_Key = tuple[str, str, str, int, bool]


class Families:
    """Collects objects, and keeps few of those that are alike."""

    def __init__(self) -> None:
        """Starts with no object."""
        self._kept: defaultdict[_Key, list[ForeignFeature]] = defaultdict(list)

    def add(self, feature: ForeignFeature) -> None:
        """Adds an object. Those whose names differ in their numbers only are merged when they become many."""
        is_text = feature.literal is None
        kept = self._kept[_key(re.sub(r"\d+", "*", feature.name) if is_text else feature.name, feature)]
        kept.append(feature)
        if len(kept) >= MIN_FAMILY:
            kept[:] = [_merged(kept)]

    def features(self) -> tuple[ForeignFeature, ...]:
        """All objects in the order of their names, with those that are alike in one."""
        found = [feature for kept in self._kept.values() for feature in _lone_merged(kept)]
        deep = [feature for feature in found if feature.name.count("/") > MAX_LEVELS]
        found = [feature for feature in found if feature.name.count("/") <= MAX_LEVELS]
        levels = max((feature.name.count("/") for feature in found), default=0)
        for level in range(levels, 0, -1):
            found = list(_merged_at(found, level))
        return tuple(sorted([*found, *deep], key=lambda feature: feature.name))


def _key(pattern: str, feature: ForeignFeature) -> _Key:
    """What objects that are alike have in common, beside the names of their attributes."""
    return pattern, feature.role, feature.dtype, len(feature.shape), bool(feature.images)


def _lone_merged(kept: list[ForeignFeature]) -> list[ForeignFeature]:
    """A family, and what came after it was merged."""
    return [_merged(kept)] if kept[0].count > 1 else kept


def _merged_at(found: Iterable[ForeignFeature], level: int) -> Iterator[ForeignFeature]:
    """Merges objects whose names differ in one part, however they differ: `/cat/a.jpg` and `/cat/b.jpg`."""
    families: defaultdict[_Key, list[ForeignFeature]] = defaultdict(list)
    for feature in found:
        parts = feature.name.split("/")
        if _may_be_any(feature, parts, level):
            parts[level] = "*"
        families[_key("/".join(parts), feature)].append(feature)
    for kept in families.values():
        yield from [_merged(kept)] if len(kept) >= MIN_FAMILY else kept


def _may_be_any(feature: ForeignFeature, parts: list[str], level: int) -> bool:
    """Whether a part of a name may be any. The last one may for images and groups, but not for columns of labels."""
    if len(parts) <= level or feature.role == "link" or feature.literal is not None:
        return False
    is_last = level == len(parts) - 1
    return not is_last or feature.role == "group" or bool(feature.images) or len(feature.shape) > 1


def _merged(features: list[ForeignFeature]) -> ForeignFeature:
    """One object for many that are alike."""
    first = features[0]
    shapes = zip(*(feature.shape for feature in features), strict=True)
    shape = tuple(sizes[0] if len(set(sizes)) == 1 else None for sizes in shapes)
    images: defaultdict[str, int] = defaultdict(int)
    for feature in features:
        for kind, count in feature.images.items():
            images[kind] += count
    few = {value for feature in features for value in feature.few}
    knows_few = all(feature.few for feature in features) and len(few) <= FEW
    return dataclasses.replace(
        first,
        name=_pattern([feature.name for feature in features]),
        count=sum(feature.count for feature in features),
        shape=shape,
        size=_span(feature.size for feature in features),
        images=dict(images),
        content=_content(features),
        values=_span(feature.values for feature in features),
        distinct=len(few) if knows_few else None,
        few=tuple(sorted(few, key=lambda value: (isinstance(value, str), value))) if knows_few else (),
        values_read=None,
        attributes=_attributes(features),
        also=(),
        note=first.note if all(feature.note == first.note for feature in features) else None,
    )


def _content(features: list[ForeignFeature]) -> Content | None:
    """What all of the objects hold, with those sides that all have."""
    contents = [feature.content for feature in features]
    first = contents[0]
    if first is None or any(content is None or content.kind != first.kind for content in contents):
        return None
    known = [content for content in contents if content is not None]
    shapes = {content.shape for content in known}
    formats = tuple(sorted({kind for content in known for kind in content.formats}))
    channels = {content.channels for content in known}
    return dataclasses.replace(
        first,
        shape=first.shape if len(shapes) == 1 else None,
        formats=formats,
        channels=channels.pop() if len(channels) == 1 else None,
        dtype="uint16" if any(content.dtype == "uint16" for content in known) else first.dtype,
        is_palette=all(content.is_palette for content in known),
    )


def _span(spans: Iterable[Span | None]) -> Span | None:
    known = [span for span in spans if span is not None]
    return Span(min(span.min for span in known), max(span.max for span in known)) if known else None


def _pattern(names: list[str]) -> str:
    """What names have in common, part by part, with a `*` for what differs."""
    parts = zip(*(name.split("/") for name in names), strict=True)
    return "/".join(_common(list(each)) for each in parts)


def _common(parts: list[str]) -> str:
    different = list(dict.fromkeys(parts))
    if len(different) == 1:
        return different[0]
    start = _beginning(different).rstrip("0123456789*")
    end = _beginning([part[len(start) :][::-1] for part in different])[::-1].lstrip("0123456789*")
    return f"{start}*{end}"


def _beginning(texts: list[str]) -> str:
    """The longest beginning that all texts have. It is that of the first and the last of them."""
    first, last = min(texts), max(texts)
    same = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:same]


def _attributes(features: list[ForeignFeature]) -> dict[str, str]:
    """The attributes of objects that are alike: their different values, shortened."""
    values: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for feature in features:
        for name, value in feature.attributes.items():
            for one in value.split(_SEPARATOR):
                if len(values[name]) <= FEW:
                    values[name][one] = None
    return {
        name: _SEPARATOR.join([*list(found)[:FEW], *(["..."] if len(found) > FEW else [])])
        for name, found in values.items()
    }


_SEPARATOR = " | "
