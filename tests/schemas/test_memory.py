"""Memory is counted as a container has it."""

import math
from pathlib import Path

import pytest

from fitfeed.schemas.memory import available_memory
from tests.schemas.test_cpus import make_root

MACHINE = {"proc/meminfo": "MemTotal:  8000 kB\nMemAvailable:  4000 kB\nHugePages_Total:  0\n"}

NEWER = {"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.current": "900000\n"}

OLDER = {
    "proc/self/cgroup": "4:cpuset,memory:/job\n",
    "sys/fs/cgroup/memory/job/memory.usage_in_bytes": "600000\n",
}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({}, math.inf, id="nobody says"),
        pytest.param(MACHINE, 4_096_000, id="no control groups"),
        pytest.param({**MACHINE, **NEWER, "sys/fs/cgroup/a/memory.max": "max\n"}, 4_096_000, id="no limit"),
        pytest.param({**MACHINE, **NEWER, "sys/fs/cgroup/a/memory.max": "1000000\n"}, 100_000, id="above"),
        pytest.param(
            {
                **MACHINE,
                **NEWER,
                "sys/fs/cgroup/a/memory.max": "1000000\n",
                "sys/fs/cgroup/a/memory.stat": "anon 200000\ninactive_file 400000\nactive_file 300000\n",
            },
            800_000,
            id="files are given up",
        ),
        pytest.param({**NEWER, "sys/fs/cgroup/a/memory.max": "800000\n"}, 0, id="never less than nothing"),
        pytest.param(
            {
                **MACHINE,
                **OLDER,
                "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "1000000\n",
                "sys/fs/cgroup/memory/job/memory.stat": "cache 9\ntotal_inactive_file 5\ntotal_active_file 2\n",
            },
            400_007,
            id="older",
        ),
        pytest.param(
            {**MACHINE, **OLDER, "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "9223372036854771712\n"},
            4_096_000,
            id="older without limit",
        ),
    ],
)
def test_memory_is_what_the_machine_and_its_groups_leave(
    tmp_path: Path, files: dict[str, str], expected: float
) -> None:
    assert available_memory(root=make_root(tmp_path, files)) == expected
