"""Trains on several labels of one picture: what garment it is, whether it is for children, and which parts of the body it covers.

    python examples/multi_label.py build/tags

The script first writes a table, whose column `tags` has several classes in a field. Then it does what `fitfeed convert
examples/clothing build/tags/dataset --size 128 --labels build/tags/tags.csv --label-column tags:multiclass` does. On the sample it
ends above an area under the curve of 0.8.
"""

import argparse
import csv
from pathlib import Path

import keras
from small_network import small_network

from fitfeed import RandomFlip, RandomResizedCrop, convert, make_pipeline, open_dataset

SOURCE = Path(__file__).parent / "clothing"
SIDE, BATCH_SIZE, SEED = 64, 16, 1
BODY = {
    "dress": ["torso", "legs"],
    "hat": ["head"],
    "pants": ["legs"],
    "shoes": ["feet"],
    "shorts": ["legs"],
    "skirt": ["legs"],
}
"""What a garment covers; all others cover the torso."""


def main() -> None:
    """Writes the table, converts, trains, and prints the area under the curve on the validation split."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=16)
    options = parser.parse_args()

    keras.utils.set_random_seed(SEED)
    table = write_table(options.folder)
    path = options.folder / "dataset"
    convert(SOURCE, path, {"size": (128, 128), "label_columns": ["tags:multiclass"]}, labels=table)
    dataset = open_dataset(path)
    train = make_pipeline(
        dataset,
        "train",
        batch_size=BATCH_SIZE,
        image_size=(SIDE, SIDE),
        augment=[RandomResizedCrop(scale=(0.5, 1.0)), RandomFlip("horizontal")],
        seed=SEED,
    )
    validation = make_pipeline(dataset, "validation", batch_size=BATCH_SIZE, image_size=(SIDE, SIDE))
    model = small_network(SIDE, len(dataset.class_names), activation="sigmoid")
    area = keras.metrics.AUC(multi_label=False, name="area")
    model.compile("adam", "binary_crossentropy", metrics=[area])
    model.fit(train, validation_data=validation, epochs=options.epochs, shuffle=False, verbose=2)
    print(f"area {model.evaluate(validation, verbose=0, return_dict=True)['area']:.3f}")


def write_table(folder: Path) -> Path:
    """Writes a row for each photograph: its path, and its tags."""
    with (SOURCE / "labels.csv").open(newline="") as file:
        kids = {row["image"] for row in csv.DictReader(file) if row["kids"] == "True"}
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "tags.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "tags"])
        for photo in sorted(SOURCE.glob("*/*/*.jpg")):
            tags = BODY.get(photo.parent.name, ["torso"]) + ["kids"] * (photo.stem in kids)
            writer.writerow([photo.relative_to(SOURCE), ";".join(tags)])
    return folder / "tags.csv"


if __name__ == "__main__":
    main()
