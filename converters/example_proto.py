"""The messages `tf.train.Example` and `tf.train.SequenceExample`, parsed without TensorFlow.

It has its own descriptors in its own pool, so those of TensorFlow are neither imported nor disturbed.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def _sequence_example_class() -> Any:
    """The class of tf.train.SequenceExample (tensorflow/core/example/{example,feature}.proto).

    It reads an Example, too: the `features` of an Example are the `context` of a SequenceExample. Maps are repeated
    entries here, as they are in the bytes. Keys are bytes, since programs in C++ and Go write names that are not UTF-8.
    """
    field = descriptor_pb2.FieldDescriptorProto
    package = "fitfeed.example"
    file = descriptor_pb2.FileDescriptorProto(name="fitfeed/example.proto", package=package, syntax="proto3")
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        if message_name == "Feature":
            message.oneof_decl.add(name="kind")
        for number, (name, kind) in enumerate(fields.items(), start=1):
            repeated, _, type_name = kind.rpartition(" ")
            label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
            added = message.field.add(name=name, number=number, label=label)
            if type_name in _MESSAGES:
                added.type, added.type_name = field.TYPE_MESSAGE, f".{package}.{type_name}"
            else:
                added.type = field.Type.Value(f"TYPE_{type_name.upper()}")
            if message_name == "Feature":
                added.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.SequenceExample"))


_MESSAGES = {
    "BytesList": {"value": "repeated bytes"},
    "FloatList": {"value": "repeated float"},
    "Int64List": {"value": "repeated int64"},
    "Feature": {"bytes_list": "BytesList", "float_list": "FloatList", "int64_list": "Int64List"},
    "Entry": {"key": "bytes", "value": "Feature"},
    "Features": {"feature": "repeated Entry"},
    "FeatureList": {"feature": "repeated Feature"},
    "ListEntry": {"key": "bytes", "value": "FeatureList"},
    "FeatureLists": {"feature_list": "repeated ListEntry"},
    "SequenceExample": {"context": "Features", "feature_lists": "FeatureLists"},
}

SequenceExample: Any = _sequence_example_class()
"""Parses both messages. The features of an Example are its `context.feature`, a list of `key` (bytes) and `value`."""
