"""Processes of a job that draw."""

import os
import signal
import sys

import pytest

from scoreshock.running import forks


@pytest.mark.parametrize("end", [lambda: os._exit(3), lambda: sys.exit("no"), lambda: os.kill(os.getpid(), signal.SIGKILL)])
def test_a_process_that_draws_and_fails_fails_its_job(tmp_path, end):
    with pytest.raises(RuntimeError, match="a process that draws figures ended with an error"):
        forks.forked([end, (tmp_path / "drawn").touch])
    assert not (tmp_path / "drawn").exists()
