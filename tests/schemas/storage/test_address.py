"""Addresses are taken apart, and none has a secret."""

import pytest

from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.storage.address import parse_address


@pytest.mark.parametrize(
    "address",
    [
        "s3://AKIAID:HUSH@bucket/photos",
        "s3://HUSH@bucket",
        "https://account.blob.core.windows.net/c/p?sv=2024&sig=HUSH",
        "az://container/photos?sv=2024&sig=HUSH",
        "gs://bucket?token=HUSH",
        "https://user:HUSH@example.com/x",
        "s3://user:HU@SH@bucket/a?x=HUSH",
        "s3://AKIAID:HU/SH@bucket/photos",
        "s3://AKIAID:HU?SH@bucket/photos",
        "s3://me@bucket/a?x=a@SH&HUSH",
    ],
)
def test_secrets_in_addresses_are_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(UsageError, match=r"user name or a password|has a query") as caught:
        parse_address(address, "SOURCE")
    assert "HUSH" not in str(caught.value)
    assert "SH" not in str(caught.value)
    assert "environment" in str(caught.value)


@pytest.mark.parametrize(
    ("address", "mend"),
    [
        ("file:///home/me/photos", r"Write it as a path: /home/me/photos$"),
        ("https://bucket.s3.amazonaws.com/photos", "Write it as gs://BUCKET"),
        ("gcs://bucket/x", "Write it as gs://BUCKET"),
        ("s3a://bucket/x", "Write it as s3://BUCKET"),
        ("abfss://container/x", "Write it as az://CONTAINER/PATH, and set AZURE_STORAGE_ACCOUNT_NAME"),
        ("hdfs://node/x", "mount the hdfs store"),
        ("s3://", "names no bucket"),
        ("s3:///photos", "names no bucket"),
        ("s3://bucket:9000/x", "names no bucket"),
        ("gs://bucket/a//b", "empty"),
        ("gs://bucket/a/../b", "empty"),
    ],
)
def test_other_addresses_are_answered_with_what_to_write(address: str, mend: str) -> None:
    with pytest.raises(UsageError, match=mend):
        parse_address(address, "SOURCE")
