"""The life of a conversion, from the lock to the end: one class, whose methods are the moves.

| state | on disk | the move to the next state | a run that is killed here |
|---|---|---|---|
| locked | `lock`, held by one process | `prepare` writes the plan | leaves nothing that counts; the lock ends with its process |
| planned | `plans/`, then `job.json` | workers write shards | is continued by the same command; another plan replaces it |
| written | a result for every shard, written after its file | `review` writes what publication decided | the same: no shard is written twice |
| reviewed | `outcome.json` | `commit_new`, `commit_append`; or the outcome is raised | is reviewed again, which takes seconds |
| committed | the manifest of the dataset names the shards; after an append, indexes and rejects have their first names | `settle` gives them their final names | is a whole dataset; the next append settles it |
| settled | the manifest names the files that every dataset has | `remove` | is a whole dataset; the next append removes `.work/` |

A new dataset goes from reviewed to settled in one move: its files have their final names from the start.
"""

import dataclasses
import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

from fitfeed.converters.staging.commit import (
    NOTHING,
    STAGED_REJECTS,
    join_dataset,
    replace_dataset,
    replace_sources,
    settle_names,
)
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.held import find_held
from fitfeed.converters.staging.job import ConversionPlan, Job
from fitfeed.converters.staging.launch import JobLaunch
from fitfeed.converters.staging.outcome import Outcome
from fitfeed.converters.staging.seen_manifest import see_manifest
from fitfeed.converters.staging.sign_of_life import ALIVE_NAME
from fitfeed.converters.staging.states import UNFINISHED, State
from fitfeed.converters.staging.tfds_place import complete_tfds_files
from fitfeed.schemas.errors import OvertakenError, UsageError
from fitfeed.schemas.manifest import WORK_FOLDER, Manifest, find_manifest
from fitfeed.schemas.side_tables import SIDE_TABLES
from fitfeed.schemas.storage.claim import Claim
from fitfeed.schemas.storage.failures import kind_of
from fitfeed.schemas.storage.many import at_once, for_each
from fitfeed.schemas.storage.own_folder import TEMPORARY_NAME
from fitfeed.schemas.storage.place import Entries, Place
from fitfeed.schemas.tfds_info import TFDS_NAMES

LOCK_NAME = "lock"


BEGUN_ANEW = "the finished shards in {root} are not used, because nothing shows that an earlier run wrote them there: they were copied, unpacked or touched, or the file system keeps no change times. The conversion begins anew."


class Staging:
    """The staging area of a dataset. The methods are the moves of a conversion, in their order.

    One launch at a time holds the lock (`open_staging`). Its publication, which may run on another machine, acts for it
    and makes a `Staging` of its own.

    Attributes:
        dataset: The dataset.
        root: Its staging area, `.work/`.
        claim: What keeps others out; None in a process that acts for the launch.
        prepared: The job that `prepare` has written; None before.
    """

    def __init__(self, dataset: Place) -> None:
        """Names the staging area of a dataset. Nothing is read or written."""
        self.dataset = dataset
        self.root = dataset.below(WORK_FOLDER)
        self.claim: Claim | None = None
        self.prepared: Job | None = None

    def prepare(
        self,
        plan: ConversionPlan,
        *,
        timeout_s: float,
        engine: str = "",
        notify: Callable[[str], None] = lambda text: None,
        entries: Entries | None = None,
    ) -> WorkFolder:
        """From locked to planned: writes the plan, and keeps finished shards of the same job.

        From then on the plan is on disk. Drop it: of a million images it takes half a gigabyte. What still runs for an
        older launch stops before anything of it is removed. Of two launches that both believe to be the one, the later finds
        what the other has begun: each says that it has begun before it looks for others.

        Args:
            plan: The plan.
            timeout_s: Seconds that decoding one image may take; 0 for no limit.
            engine: The runner whose workers will convert; empty for processes of this launch.
            notify: Receives one line if there are finished shards, and they are not used.
            entries: What is in the staging area, if it was listed a moment ago: whether the job was begun is not asked again.

        Returns:
            The folder of the job, with its seal.

        Raises:
            LostClaimError: If this launch was taken for dead.
            ConversionError: If it cannot be written.
        """
        work = WorkFolder(self.dataset, plan.job.digest)
        try:
            self._require_claim()
            self._sweep_side_files()
            entries = entries or self.root.entries()
            is_there = work.digest in entries.folders
            earlier = work.find_earlier() if is_there else None
            if earlier is None:
                if is_there and work.has_results():
                    notify(BEGUN_ANEW.format(root=work.root))
                begun, (token, present), sources = self._begin(work, plan, engine, is_there=is_there)
            else:
                token, present = self._begin_launch(work, engine)
                # Not written anew: a shard that is kept may be of files as they were when it was planned first.
                begun, sources = earlier.begun, work.keep_sources(earlier.sources_sha256)
            self._require_claim()
            self._remove_all_but(work, present)
            work.root.area().sweep()
            stamps = work.write_plans(plan.shards, begun, is_new=earlier is None)
            job = dataclasses.replace(
                plan.job, begun=begun, stamps=stamps, sources_sha256=sources, launch=token, engine=engine
            )
            if earlier is not None:
                work.release(job, timeout_s)
                work.forget_outcome()
            self._require_claim()
            sealed = work.write_job(job)
        except OSError as error:
            msg = f"cannot write to DATASET {self.dataset}: {error.strerror}. {self.root.area().advice} and run the same command again."
            raise kind_of(error)(msg) from error
        self.prepared = job
        return sealed

    def _begin(
        self, work: WorkFolder, plan: ConversionPlan, engine: str, *, is_there: bool
    ) -> tuple[str, tuple[str, Entries], str | None]:
        """Begins the folder of a job anew; returns its mark, what `_begin_launch` does, and the digest of `sources.arrow`."""
        if is_there:
            work.root.delete_all()
        is_local = self.root.area().moves_at_once  # where a link may have its name, which was not listed
        return at_once(
            self.root,
            partial(work.begin, is_there=is_local),
            partial(self._begin_launch, work, engine),
            partial(work.write_sources, plan.sources),
        )

    def _begin_launch(self, work: WorkFolder, engine: str) -> tuple[str, Entries]:
        """Makes the folder of a job that of this launch; returns its token, or nothing where the lock is enough, and all there is."""
        token = "" if self.claim is None else self.claim.token
        if engine and not token:
            token = uuid.uuid4().hex
        if token:
            work.launch.begin(JobLaunch(token=token, engine=engine))
        else:
            work.launch.forget()
        if engine:
            work.root.delete(ALIVE_NAME)
        return token, self.root.entries()

    def review(self, work: WorkFolder, outcome: Outcome) -> None:
        """From written to reviewed: writes down what publication decided."""
        work.write_outcome(outcome)

    def commit_new(
        self,
        work: WorkFolder,
        job: Job,
        manifest: Manifest,
        in_place: Mapping[str, str] = NOTHING,
        *,
        only_shards: bool = False,
    ) -> None:
        """From reviewed to settled, for a new dataset, which replaces the one that planning saw, if any.

        Args:
            work: The folder of the job.
            job: The job.
            manifest: Of the dataset.
            in_place: Files that have their final names already, to the `file_identity` that each must have.
            only_shards: Whether nothing but shards may have to be moved: all else has its final name already.

        Raises:
            OvertakenError: If another launch has published since.
            OSError: If a file cannot be written.
        """
        require_ours = partial(work.require_ours, job)
        _, present, held = at_once(self.dataset, require_ours, self.manifest_sha256, partial(find_held, work))
        # An earlier attempt at this very commit may have removed the old manifest, or put the new one in place.
        ours = hashlib.sha256(manifest.to_json().encode()).hexdigest()
        if present not in (None, ours, job.seen):
            raise self._overtaken(work)
        with self._one_wins(work, job):
            replace_dataset(
                work,
                manifest,
                held=held,
                only_shards=only_shards,
                in_place=in_place,
                require_ours=require_ours,
            )

    def commit_append(
        self,
        work: WorkFolder,
        job: Job,
        manifest: Manifest,
        held: Manifest,
        in_place: Mapping[str, str] = NOTHING,
    ) -> None:
        """From reviewed to committed, for images that join a dataset.

        Args:
            work: The folder of the job.
            job: The job.
            manifest: Of the union, with the names that files have until they are settled.
            held: Of the dataset as it is.
            in_place: Files that have their final names already, to the `file_identity` that each must have.

        Raises:
            OvertakenError: If another launch has published since it was planned.
            OSError: If a file cannot be written.
        """
        work.require_ours(job)
        identity = self.require_seen(work, job)
        with self._one_wins(work, job):
            join_dataset(work, manifest, held, identity=identity, in_place=in_place)

    def keep_sources(self, work: WorkFolder, manifest: Manifest) -> None:
        """Replaces `sources.arrow` of a dataset to which nothing is added: all files were compared or tried again."""
        self._require_claim()
        replace_sources(work, manifest)

    def settle(self) -> Manifest:
        """From committed to settled: gives all files their final names. A settled dataset stays as it is.

        Returns:
            The manifest of the dataset now.

        Raises:
            OSError: If a file cannot be written.
        """
        manifest, identity = find_manifest(self.dataset)
        with self._one_wins():
            return settle_names(self.dataset, manifest, identity=identity)

    def remove(self) -> None:
        """From settled to the end: removes the staging area, and last what keeps others out.

        Raises:
            LostClaimError: If this launch was taken for dead: then it is another one's.
        """
        self._require_claim()
        self._remove_all_but(None, self.root.entries())
        self.root.area().remove()

    def _require_claim(self) -> None:
        if self.claim is not None:
            self.claim.require()

    def leave(self) -> None:
        """Removes the staging area, but unfinished jobs that can still be continued."""
        folders = [(work, self._may_continue(work)) for work in self._folders()]
        if not any(may_continue for _, may_continue in folders):
            complete_tfds_files(self.dataset)
            self.remove()
            return
        for work, may_continue in folders:
            if not may_continue:
                work.remove()

    def _may_continue(self, work: WorkFolder) -> bool:
        job, launch = work.read_job_or_none(), work.launch.read()
        state = State.LOCKED if job is None else self.state_of(work, job)
        settles = state == State.COMMITTED and launch is not None and not launch.ended
        return state in UNFINISHED or settles

    def launched(self, entries: Entries | None = None) -> list[WorkFolder]:
        """The folders of jobs that were launched on engines, and may be running there without their commands."""
        found = [(work, work.launch.read()) for work in self._folders(entries)]
        return [work for work, launch in found if launch is not None and launch.engine]

    def state_of(self, work: WorkFolder, job: Job) -> State:
        """How far a job is that has been prepared, read from the disk."""
        outcome = work.read_outcome()
        if outcome is not None and outcome.status == "published" and self._has_published(job):
            return State.COMMITTED if self.dataset.area().has_file(STAGED_REJECTS) else State.SETTLED
        if outcome is not None:
            return State.REVIEWED
        if work.has_results_of(range(job.shards)):
            return State.WRITTEN
        return State.PLANNED

    def _has_published(self, job: Job) -> bool:
        """Whether a manifest is there that planning has not seen."""
        return self.manifest_sha256() not in (None, job.seen)

    def manifest_sha256(self) -> str | None:
        """SHA-256 of the manifest that is there now; None if there is none, or something that no reader takes for one.

        Raises:
            UsageError: If it cannot be read.
        """
        return see_manifest(self.dataset).sha256

    def require_seen(self, work: WorkFolder, job: Job) -> str | None:
        """Checks that no other launch has published since the job was planned.

        Returns:
            The identity of the manifest's file; None if there is none.

        Raises:
            OvertakenError: If the manifest is not the one that planning saw.
        """
        present = see_manifest(self.dataset)
        if present.sha256 != job.seen:
            raise self._overtaken(work)
        return present.identity

    @contextmanager
    def _one_wins(self, work: WorkFolder | None = None, job: Job | None = None) -> Iterator[None]:
        """Of two launches that publish at once, one ends with an error."""
        try:
            yield
        except FileExistsError as error:
            if work is not None and job is not None:
                work.require_ours(job)  # else its outcome is not ours to forget
            raise self._overtaken(work) from error

    def _overtaken(self, work: WorkFolder | None) -> OvertakenError:
        if work is not None:
            work.forget_outcome()
        msg = f"another launch has published into {self.dataset} since this one began, so this one published nothing. Run the same command again: it begins with what is there now."
        return OvertakenError(msg)

    def _folders(self, entries: Entries | None = None) -> list[WorkFolder]:
        names = self.root.folders() if entries is None else entries.folders
        return [WorkFolder(self.dataset, name) for name in names]

    def _sweep_side_files(self) -> None:
        """Removes what is left of a file beside the dataset, whose writer was killed. In a store nothing is left."""
        if not self.dataset.area().builds_in_place:
            return
        for name in self.dataset.area().names(f"{file}.*" for file in (*SIDE_TABLES, *TFDS_NAMES)):
            if TEMPORARY_NAME.fullmatch(name):
                self.dataset.delete(name)

    def _remove_all_but(self, work: WorkFolder | None, entries: Entries) -> None:
        for name in entries.folders:
            if work is None or name != work.digest:
                WorkFolder(self.dataset, name).remove()
        for_each(self.root, self.root.delete, [each.name for each in entries.files if each.name != LOCK_NAME])


def tidy(dataset: Place) -> None:
    """Removes what launches have left beside a dataset that is complete, but not what can still be continued.

    Nothing happens where another conversion is running, or one may not write: the dataset is as it should be.
    """
    if not Staging(dataset).root.exists():
        return
    with suppress(UsageError), open_staging(dataset) as staging:
        staging.leave()


@contextmanager
def open_staging(dataset: Place, *, notify: Callable[[str], None] = lambda text: None) -> Iterator[Staging]:
    """To locked: lets one launch at a time into a dataset.

    In a folder the lock ends with the process, however it ends. In a store a claim ends a minute after its process.

    Args:
        dataset: The dataset.
        notify: Receives one line if it must be waited for to see whether another launch is alive.

    Raises:
        UsageError: If another conversion is running, nothing can be written there, or what is there may be somebody
            else's (`WorkArea.require_own`).
    """
    staging = Staging(dataset)
    area = staging.root.area()
    with ExitStack() as held:
        try:
            area.require_own()
            area.make()
            staging.claim = held.enter_context(area.hold(LOCK_NAME, notify=notify))
        except BlockingIOError as error:
            holder = f" ({error.strerror})" if error.strerror else ""
            msg = f"another conversion into {dataset} is running{holder}. Wait for it, or choose another folder."
            raise UsageError(msg) from error
        except OSError as error:
            msg = f"cannot write to DATASET {dataset}: {error.strerror}. {area.access_advice}."
            raise UsageError(msg) from error
        yield staging
