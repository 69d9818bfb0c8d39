"""SHA-256 of what every lane converts and feeds, on any processor: images are neither resized nor warped."""

FILES: dict[str, dict[str, str]] = {
    "photos kept, tfrecord": {
        "features.json": "6cd0df0a942f37ddd66740bf6fd83b588799cc9ac0995ad3a69efb45d3f99e5b",
        "rejects.jsonl": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "train-00000-of-00002.tfrecord": "6c0e6551c9144c4623f3fd2411593b48171630e1d67387142cc01faab84701fd",
        "train-00001-of-00002.tfrecord": "9b4400e2942eb1d27c3d0ddfceecc7c95a819e621ed35fc01de755655a3d84a3",
        "validation-00000-of-00002.tfrecord": "e5e6d0da96378548b0251e295e1c9df2fa0eb2a1bb7256537877b912d5575064",
        "validation-00001-of-00002.tfrecord": "781b4f070f331a52f2888a59331deb03fd5ca8168b97a1b5d7ec39294520aebf",
    },
    "photos kept, hdf5": {
        "rejects.jsonl": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "train-00000-of-00002.h5": "a21c8842e6e81774f8dfc8604c69f5ac4284791c3c26d55e467eb81e529b6484",
        "train-00001-of-00002.h5": "9a479d1af8e8273a804f10ccd54cd841263024c87108b97f87fb92e7c74ef6ab",
        "validation-00000-of-00002.h5": "aca96f7e4c9a6e788b449ff9bd4a078961c9520f38eda924f434f6176d0e8a52",
        "validation-00001-of-00002.h5": "2cc91ce9d806271768757923301880cd0c67b9e2ca2d2d02b5947cb54d030a63",
    },
    "16 bits as raw, tfrecord": {
        "duplicates.arrow": "cce51a819160e69362306ecb33edd31f633dd035a93c73ccc0a9f3eef966f709",
        "features.json": "779d34b20d6b1dd8e26bd9fe71149cde2de0ea673a129831c37b712876b4f82e",
        "rejects.jsonl": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "train-00000-of-00002.tfrecord": "0592624b79672fcf182b400469fbf9b169ab19d6d01a61e94a40d5f736324db5",
        "train-00001-of-00002.tfrecord": "1efc541b9ec232886024c752b67be2156f93555825b2582a07412bcdc0f3039d",
    },
    "16 bits as raw, hdf5": {
        "duplicates.arrow": "cce51a819160e69362306ecb33edd31f633dd035a93c73ccc0a9f3eef966f709",
        "rejects.jsonl": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "train-00000-of-00002.h5": "688edac5dd221e591205cbfe09655eff585dc80cc6b991e77eddf2f0261789f9",
        "train-00001-of-00002.h5": "6a25e5095c7312229a93dfbd012b24aea6a1712e8c4d2aa68f6c2d7b0ccfc60b",
    },
}
"""Name of a conversion to the digests of its files, but of the index and what follows from it: it knows sizes of sources, which zlib made, and
how photographs look when they are small."""

BATCHES: dict[str, dict[str, str]] = {
    "cut out, flipped": {
        "images": "69f32d90aec4a48656f552d12f8ef285da6a632c851c120e85aebb828f9b444b",
        "labels": "271e89e18047400e7f171b43fbde58e023c25c049d30e5541931c380fbe49cbd",
    },
}
"""Name of epochs to the digests of their arrays: type, shape and bits."""
