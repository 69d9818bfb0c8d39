"""Leaves a list of the images whose group is in two splits, for a conversion that planning refuses."""

import shlex

from fitfeed.converters.staging.staging import open_staging
from fitfeed.schemas.errors import ConversionError, SplitLeakError
from fitfeed.schemas.refused_conversion import LEAKS_NAME
from fitfeed.schemas.storage.place import Place


def with_leak_list(refused: SplitLeakError, dataset: Place) -> SplitLeakError:
    """Writes the images that a refusal counts to a file of the staging area, in the form of `--leave-out`.

    The file stays until the next run that begins.

    Args:
        refused: What planning refuses. Its details may have `images`.
        dataset: The dataset that was to be made.

    Returns:
        The same, and a line that names the file.

    Raises:
        UsageError: If nothing can be written there, or another conversion is running.
        ConversionError: If the file cannot be written.
    """
    if "images" not in refused.details:
        return refused
    with open_staging(dataset) as staging:
        file = staging.root.address(LEAKS_NAME)
        try:
            staging.root.write(LEAKS_NAME, "".join(f"{key}\n" for key in refused.details["images"]).encode())
        except OSError as error:
            msg = f"cannot write {file}: {error.strerror}. {staging.root.area().advice} and run the same command again."
            raise ConversionError(msg) from error
    listed = f"{file} lists these images. To leave them out: cp {shlex.quote(file)} {LEAKS_NAME}, and the same command with --leave-out {LEAKS_NAME}."
    return SplitLeakError(*refused.args, listed, details={**refused.details, "images_file": file})
