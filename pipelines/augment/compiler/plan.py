"""Fuses the sampled operations of each image of a batch into passes.

Operations are added for many images at once. Operations of one kind that follow each other are a stretch.
Each image has at most one open stretch. An operation of another kind closes it, which makes it a pass:

    operations   flip  rotate  resize | brightness  contrast  hue | sharpness | equalize
    kind         GEOMETRY ----------- | COLOR --------------> HUE | UNFUSED   | TABLE
    composed     matrix @ matrix @ .. | matrix @ matrix, hue      |           | table[table[...]]
    pass         CropResize           | ColorPass                 | FilterPass| LookupPass

Two kinds continue a stretch of COLOR. HUE comes after the matrix in the same pass. TABLE takes the matrix
into its table, if the matrix does not mix channels; later operations of COLOR that do not mix channels
then join the table. A stretch that changes nothing, such as a turn and its opposite, becomes no pass.

The state of a stretch is in arrays with one row for each image, so an operation of the whole batch is a
few calls of NumPy. Images of one batch may have different stretches open, as policies choose for each.
"""

from collections.abc import Iterable

import numpy as np

from fitfeed.pipelines.arrays.types import Floats, Integers, Size
from fitfeed.pipelines.augment.base import Augmentation, PixelPass
from fitfeed.pipelines.augment.compiler.color_matrix import Color, ColorAugmentation, HsvAugmentation
from fitfeed.pipelines.augment.compiler.geometry import GeometricAugmentation, Geometry
from fitfeed.pipelines.augment.compiler.lookup_table import LookupPass, TableAugmentation
from fitfeed.pipelines.augment.cpu.interpolation import PLAIN, Sampling


class FusionKind:
    """Kinds of stretches. They are plain numbers: NumPy compares with members of an enum five times slower."""

    NONE = 0
    GEOMETRY = 1  # matrices are multiplied; one resampling
    COLOR = 2  # matrices are multiplied; one transform
    TABLE = 3  # look-up tables are composed; one look-up
    HUE = 4  # angles are added, factors multiplied; one pass with the matrix before them
    UNFUSED = 5  # one operation that does not fuse


class Plan:
    """The plan of n images; see `PlanBuilder`.

    Attributes:
        passes: The passes of each image that are complete. `finish` completes all.
        image_size: The `image_size` of the pipeline, if given.
    """

    def __init__(self, size: Integers, *, image_size: Size | None = None) -> None:
        """Starts a plan without operations.

        Args:
            size: int64 (n, 2), heights and widths of the images.
            image_size: The `image_size` of the pipeline, if given.
        """
        n = len(size)
        self.passes: list[list[PixelPass]] = [[] for _ in range(n)]
        self.image_size = image_size
        self._open = np.zeros(n, np.int8)  # a FusionKind for each image
        self._source = size.astype(np.int64)  # sizes before the open stretch of geometry
        whole = Geometry.whole(*size.T)
        self._matrix, self._size = whole.matrix.copy(), whole.size
        self._samplings: list[Sampling] = [PLAIN]
        self._sampling = np.zeros(n, np.int64)  # places in that list; 0 if no operation has a sampling
        self._color = Color.identity(n)
        self._hue_shift, self._saturation_scale = np.zeros(n), np.ones(n)
        self._chains: list[list[object]] = [[] for _ in range(n)]

    @property
    def size(self) -> Integers:
        """int64 (n, 2): height and width of the images after the operations so far."""
        return self._size

    def move(self, op: GeometricAugmentation, rows: Integers, parameters: Floats) -> None:
        """Adds a geometric operation."""
        # One resampling fetches pixels in one way: two operations that differ in it do not fuse.
        number = self._number(op.sampling)
        if number:
            others = (self._sampling[rows] != 0) & (self._sampling[rows] != number)
            self._close(rows[others])
        self._enter(FusionKind.GEOMETRY, rows, op)
        before = Geometry(matrix=self._matrix[rows], size=self._size[rows])
        after = op.move(before, parameters, image_size=self.image_size)
        self._matrix[rows], self._size[rows] = after.matrix, after.size
        if number:
            self._sampling[rows] = number

    def recolor(self, op: ColorAugmentation, rows: Integers, parameters: Floats) -> None:
        """Adds a linear operation on colors: to an open look-up table, if it does not mix channels."""
        in_table = (self._open[rows] == FusionKind.TABLE) & (not op.mixes)
        if in_table.any():
            self._enter(FusionKind.TABLE, rows[in_table], op)
            links = op.recolor(Color.identity(int(in_table.sum())), parameters[in_table]).color_passes()
            for i, link in zip(rows[in_table].tolist(), links, strict=True):
                if link is not None:
                    self._chains[i].append(link)
            rows, parameters = rows[~in_table], parameters[~in_table]
        self._enter(FusionKind.COLOR, rows, op)
        self._set_color(rows, op.recolor(self._color[rows], parameters))

    def tabulate(self, op: TableAugmentation, rows: Integers, parameters: Floats) -> None:
        """Adds an operation on single values. Its table takes in the linear operations before it."""
        # Their results are then not rounded in between, and one pass is saved.
        absorbed = rows[(self._open[rows] == FusionKind.COLOR) & self._color[rows].is_diagonal()]
        for i, link in zip(absorbed.tolist(), self._color[absorbed].color_passes(), strict=True):
            if link is not None:
                self._chains[i].append(link)
        self._set_color(absorbed, Color.identity(len(absorbed)))
        self._open[absorbed] = FusionKind.TABLE
        self._enter(FusionKind.TABLE, rows, op)
        for i, row in zip(rows.tolist(), parameters.tolist(), strict=True):
            self._chains[i].append((op, row))

    def rotate_hue(
        self, op: HsvAugmentation, rows: Integers, hue_shift: Floats, saturation_scale: Floats
    ) -> None:
        """Shifts the hue and multiplies the saturation, after the linear operations of the same pass."""
        self._open[rows[self._open[rows] == FusionKind.COLOR]] = FusionKind.HUE
        self._enter(FusionKind.HUE, rows, op)
        self._hue_shift[rows] += hue_shift
        self._saturation_scale[rows] *= saturation_scale

    def append(self, op: Augmentation, rows: Integers, passes: Iterable[PixelPass]) -> None:
        """Adds an operation that does not fuse: one pass for each row, complete at once."""
        self._enter(FusionKind.UNFUSED, rows, op)
        for i, one in zip(rows.tolist(), passes, strict=True):
            self.passes[i].append(one)
        self._open[rows] = FusionKind.NONE

    def branch(self, rows: Integers) -> "Plan":
        """Starts a plan for copies of these images, after the operations so far."""
        return Plan(self._size[rows], image_size=self.image_size)

    def finish(self) -> list[list[PixelPass]]:
        """Completes the passes of all images, and returns them."""
        self._close(np.arange(len(self._open)))
        return self.passes

    def _enter(self, kind: int, rows: Integers, op: Augmentation) -> None:
        """Continues the open stretch if it has this kind; otherwise closes it and begins one."""
        kinds = self._open[rows]
        self._close(rows[(kinds != kind) & (kinds != FusionKind.NONE)])
        self._open[rows] = kind

    def _close(self, rows: Integers) -> None:
        """Makes passes of the open stretches, and leaves out passes that would change nothing."""
        if not rows.size:
            return
        kinds = self._open[rows]
        for kind in set(kinds.tolist()):
            closing = rows[kinds == kind]
            for i, one in zip(closing.tolist(), self._completed(kind, closing), strict=True):
                if one is not None:
                    self.passes[i].append(one)
            self._open[closing] = FusionKind.NONE

    def _completed(self, kind: int, rows: Integers) -> Iterable[PixelPass | None]:
        if kind == FusionKind.GEOMETRY:
            return self._views(rows)
        if kind in (FusionKind.COLOR, FusionKind.HUE):
            passes: Iterable[PixelPass | None] = self._color[rows].color_passes(
                self._hue_shift[rows], self._saturation_scale[rows]
            )
            self._set_color(rows, Color.identity(len(rows)))
            self._hue_shift[rows], self._saturation_scale[rows] = 0, 1
            return passes
        if kind == FusionKind.TABLE:
            chains = [self._chains[i] for i in rows.tolist()]
            for i in rows.tolist():
                self._chains[i] = []
            return [LookupPass(tuple(chain)) for chain in chains]
        return [None] * len(rows)

    def _views(self, rows: Integers) -> Iterable[PixelPass | None]:
        geometry = Geometry(matrix=self._matrix[rows], size=self._size[rows])
        samplings = [self._samplings[number] for number in self._sampling[rows].tolist()]
        views = geometry.views(self._source[rows], samplings)
        self._source[rows], self._matrix[rows], self._sampling[rows] = self._size[rows], np.eye(3), 0
        return views

    def _set_color(self, rows: Integers, color: Color) -> None:
        self._color.pixel[rows], self._color.mean[rows], self._color.shift[rows] = (
            color.pixel,
            color.mean,
            color.shift,
        )

    def _number(self, sampling: Sampling | None) -> int:
        if sampling is None:
            return 0
        if sampling not in self._samplings[1:]:
            self._samplings.append(sampling)
        return self._samplings.index(sampling, 1)
