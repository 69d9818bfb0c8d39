"""A `tf.data` pipeline that yields the parsed and decoded records of TFRecord files, and batches of them."""

from collections.abc import Sequence
from pathlib import Path

from fitfeed.converters.inspect.reader.decode_code import HELPERS, Decoding, decoding_of
from fitfeed.converters.inspect.reader.python_text import one_line, quoted
from fitfeed.converters.inspect.reader.record_facts import RecordFacts
from fitfeed.converters.inspect.report import ForeignFeature

BATCH_SIZE = 32

EMPTY_BYTES = 2
"""An Example without a feature is 0 or 2 bytes long. Any other is longer."""


def tfrecord_reader(paths: Sequence[Path], features: Sequence[ForeignFeature], facts: RecordFacts) -> str:
    """Writes a program that reads TFRecord files with TensorFlow.

    Args:
        paths: The files.
        features: All of their features.
        facts: What else is known of their records.
    """
    if facts.has_too_many_names:
        lines = ["import tensorflow as tf", "", *_parse_any(facts), "", f"dataset = {_source(paths, facts)}"]
        return "\n".join([*lines, "examples = map(parse, dataset)"]) + "\n"
    usable = [feature for feature in features if feature.dtype not in ("mixed", "empty")]
    if facts.content == "bytes" or not usable:
        return _whole_records(paths, usable, facts)
    code = _Code(usable, facts)
    skipped = [f"# {code.literal(feature)}: {feature.note}" for feature in features if feature not in usable]
    parse = code.parse_sequence() if facts.content == "tf.train.SequenceExample" else code.parse_example()
    source = _source(paths, facts)
    if facts.empty:
        source += f".filter(lambda record: tf.strings.length(record) > {EMPTY_BYTES})"
        skipped.append(f"# {facts.empty:,} of {facts.records:,} records are empty, and left out")
    lines = [*code.imports(), "", *skipped, *parse, "", f"dataset = {source}.map(parse)", code.batches()]
    return "\n".join(lines) + "\n"


def _source(paths: Sequence[Path], facts: RecordFacts) -> str:
    option = "" if facts.compression == "none" else f', compression_type="{facts.compression.upper()}"'
    files = (
        quoted(str(paths[0])) if len(paths) == 1 else f"[{', '.join(quoted(str(path)) for path in paths)}]"
    )
    return f"tf.data.TFRecordDataset({files}{option})"


def _whole_records(paths: Sequence[Path], features: Sequence[ForeignFeature], facts: RecordFacts) -> str:
    source = _source(paths, facts)
    decoding = decoding_of(features[0], quoted) if len(features) == 1 and facts.content == "bytes" else None
    if decoding is None:
        return f"import tensorflow as tf\n\ndataset = {source}  # each element: the bytes of a record\n"
    code = _Code([], facts)
    code.decodings = {features[0].name: decoding}
    decode = f".map(lambda record: {decoding.expression.replace('{}', 'record', 1)})"
    lines = [*code.imports(), "", *code.helpers(), f"dataset = {source}{decode}", code.batches()]
    return "\n".join(lines) + "\n"


def _parse_any(facts: RecordFacts) -> list[str]:
    """Python for records with more features than a parser can list."""
    message = facts.content
    features = "context" if message == "tf.train.SequenceExample" else "features"
    return [
        "",
        "def parse(record):",
        f"    features = {message}.FromString(record.numpy()).{features}.feature",
        '    lists = {name: getattr(one, one.WhichOneof("kind") or "bytes_list") for name, one in features.items()}',
        "    return {name: list(values.value) for name, values in lists.items()}",
        "",
    ]


class _Code:
    """The parts of a program that parses Examples or SequenceExamples.

    Attributes:
        decodings: How the byte strings of features are decoded, by their names.
    """

    def __init__(self, features: Sequence[ForeignFeature], facts: RecordFacts) -> None:
        self._features, self._facts = features, facts
        self._has_bytes_names = any(feature.literal for feature in features)
        self._by_name = {feature.name: feature for feature in features}
        self.decodings: dict[str, Decoding] = {}
        for feature in features:
            decoding = decoding_of(feature, lambda name: self.literal(self._by_name[name]))
            if decoding is not None and _can_decode(decoding, feature):
                self.decodings[feature.name] = decoding

    def literal(self, feature: ForeignFeature) -> str:
        """Python for the name of a feature. TensorFlow sorts them, so all are bytes if one is."""
        if not self._has_bytes_names:
            return quoted(feature.name)
        return feature.literal or repr(feature.name.encode())

    def imports(self) -> list[str]:
        """What the program imports, one import on a line."""
        needed = {line for name in self._helper_names() for line in HELPERS[name][0]}
        return [*sorted(needed, key=_place), "import tensorflow as tf"]

    def helpers(self) -> list[str]:
        """The functions that the program calls."""
        return [line for name in self._helper_names() for line in ("", *HELPERS[name][1], "", "")][1:]

    def _helper_names(self) -> list[str]:
        return sorted({each.helper for each in self.decodings.values() if each.helper is not None})

    def parse_example(self) -> list[str]:
        """A function that parses an Example."""
        return [
            *self.helpers(),
            *_dictionary("features", [f"{self.literal(each)}: {_single(each)}" for each in self._features]),
            "",
            "",
            "def parse(record):",
            "    example = tf.io.parse_single_example(record, features)",
            *(f"    {line}" for line in self._decode("example", self._features)),
            "    return example",
            "",
        ]

    def parse_sequence(self) -> list[str]:
        """A function that parses a SequenceExample."""
        context = [feature for feature in self._features if feature.role == "context"]
        sequence = [feature for feature in self._features if feature.role == "sequence"]
        return [
            *self.helpers(),
            *_dictionary("context_features", [f"{self.literal(each)}: {_single(each)}" for each in context]),
            *_dictionary(
                "sequence_features", [f"{self.literal(each)}: {self._sequence(each)}" for each in sequence]
            ),
            "",
            "",
            "def parse(record):",
            "    context, sequence = tf.io.parse_single_sequence_example(record, context_features, sequence_features)",
            *(f"    {line}" for line in self._decode("context", context)),
            *(f"    {line}" for line in self._decode("sequence", sequence)),
            "    return context, sequence",
            "",
        ]

    def _sequence(self, feature: ForeignFeature) -> str:
        if None in feature.shape:
            return f"tf.io.RaggedFeature(tf.{feature.dtype})"
        missing = "" if feature.present == self._facts.records else ", allow_missing=True"
        return f"tf.io.FixedLenSequenceFeature({list(feature.shape)}, tf.{feature.dtype}{missing})"

    def _decode(self, dictionary: str, features: Sequence[ForeignFeature]) -> list[str]:
        """Statements that decode the byte strings of features, pixels last, since they need the sides."""
        lines = []
        for feature in features:
            value = f"{dictionary}[{self.literal(feature)}]"
            decoding = self.decodings.get(feature.name)
            if decoding is None:
                lines += _why_bytes(self.literal(feature), feature)
            elif _is_list(feature):
                lines.append(f"{value} = {_each(decoding, value)}")
            else:
                lines.append(f"{value} = {decoding.expression.replace('{}', value, 1)}")
        return lines

    def batches(self) -> str:
        """A line that makes batches."""
        if any(map(self._is_ragged, self._features)) or any(
            None in each.shape for each in self.decodings.values()
        ):
            return f"batches = dataset.ragged_batch({BATCH_SIZE})  # values of different lengths or sizes"
        return f"batches = dataset.batch({BATCH_SIZE})"

    @staticmethod
    def _is_ragged(feature: ForeignFeature) -> bool:
        steps = feature.steps
        return None in feature.shape or (steps is not None and steps.min != steps.max)


def _each(decoding: Decoding, values: str) -> str:
    """Decodes each of a list of byte strings, to one tensor or, if their sizes differ, to a ragged one."""
    one = decoding.expression.replace("{}", "one", 1)
    shape, dtype = list(decoding.shape), f"tf.{decoding.dtype}"
    if None not in shape:
        return f"tf.map_fn(lambda one: {one}, {values}, fn_output_signature=tf.TensorSpec({shape}, {dtype}))"
    signature = f"tf.RaggedTensorSpec({shape}, {dtype}, ragged_rank=1)"
    every = f"tf.map_fn(lambda one: tf.RaggedTensor.from_tensor({one}), {values}, fn_output_signature={signature})"
    none = f"tf.ragged.constant([], {dtype}, ragged_rank=2, inner_shape={tuple(shape[2:])})"
    return f"tf.cond(tf.size({values}) > 0, lambda: {every}, lambda: {none})"


def _is_list(feature: ForeignFeature) -> bool:
    return feature.shape != () or feature.role == "sequence"


def _can_decode(decoding: Decoding, feature: ForeignFeature) -> bool:
    """Whether code can decode it. Values of a list become one tensor: sides of only two axes may differ."""
    if not _is_list(feature):
        return True
    is_nested = feature.role == "sequence" and feature.shape != ()
    shape = decoding.shape
    is_one_tensor = None not in shape or (len(shape) > 1 and None not in shape[2:])
    return decoding.helper in (None, "decode_image") and is_one_tensor and not is_nested


def _why_bytes(literal: str, feature: ForeignFeature) -> list[str]:
    content = feature.content
    if content is not None and content.kind == "image":
        return [f"# {literal}: {', '.join(content.formats).upper()}, which TensorFlow does not decode"]
    if feature.images and feature.note:
        return [f"# {literal}: {one_line(feature.note)}, so all are left as bytes"]
    return []


def _single(feature: ForeignFeature) -> str:
    if None in feature.shape:
        return f"tf.io.RaggedFeature(tf.{feature.dtype})"
    return f"tf.io.FixedLenFeature({list(feature.shape)}, tf.{feature.dtype})"


def _dictionary(name: str, entries: list[str]) -> list[str]:
    return [f"{name} = {{", *(f"    {entry}," for entry in entries), "}"]


def _place(line: str) -> tuple[bool, str]:
    """Where an import belongs: those of Python first."""
    return line != "import io", line.removeprefix("from ").removeprefix("import ")
