"""What each golden dataset reads to: its fingerprint, and the digest of its examples. Never changed, only added to."""

DIGESTS: dict[str, tuple[str, str]] = {
    "version-2-16-bits-hdf5": (
        "33360862576cd8e7bbab1eb277602d7eb33a6d4aa7fef57a8d614a65f2285c55",
        "79beab1a42db3b04dbb5b75874870ab45fc74bcc54071e914e2c5d0637cbed3e",
    ),
    "version-2-16-bits-tfrecord": (
        "f6f4c27ea9a8548b6d48b7610a828073acd9c8c6961de929a4161ca08438e991",
        "79beab1a42db3b04dbb5b75874870ab45fc74bcc54071e914e2c5d0637cbed3e",
    ),
    "version-2-keep-hdf5": (
        "82a8a82dfa6596cb5a0d7ea4f0b57b4ef0e0419f7d21290bcb2658a199a07e52",
        "3605362cb0e1787b2e6628edd80257999ef806141fb3e4d734fe4927689bdc6c",
    ),
    "version-2-keep-tfrecord": (
        "a8a12d64f3d60e2d856edcb48d502414cb9f2fe3e2d950dd6f2527cface9c4a2",
        "3605362cb0e1787b2e6628edd80257999ef806141fb3e4d734fe4927689bdc6c",
    ),
    "version-2-labels-hdf5": (
        "e47edb367a3526916bdf41975b4188af0c89d99a0e73924b9d8dc1542a0d5805",
        "bc6b8679440e0ceb7a0e45305e59894731d7645b127c52e5b62df99276ec8ebc",
    ),
    "version-2-labels-tfrecord": (
        "7a2da3d8af168b23e2708bb6f5939079c3703b26894248eb690a310696fc8bde",
        "bc6b8679440e0ceb7a0e45305e59894731d7645b127c52e5b62df99276ec8ebc",
    ),
}
