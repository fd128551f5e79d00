"""Killed and resumed runs of the command equal those that nobody killed."""

import signal
import time

import drill
import pytest

QUICK = drill.RECIPES["diffusion"]
OF_TF_DATA = ("restoration", "translation")
FAMILIES = [pytest.param(f, marks=[pytest.mark.tensorflow] * (f in OF_TF_DATA)) for f in drill.RECIPES]


@pytest.mark.slow
def test_killed_at_its_last_operation(tmp_path):
    """When the backup of a finished run is being removed: the trained model stays."""
    whole, killed = str(tmp_path / "whole"), str(tmp_path / "killed")
    code, said = drill.run(QUICK, whole, 0)
    assert code == 0, said
    count = int(said.rsplit("OPERATIONS ", 1)[1])
    code, _ = drill.run(QUICK, killed, count)
    assert code == -signal.SIGKILL
    assert drill.resume(QUICK, killed)[0] == 0
    assert drill.difference(drill.contents(whole), drill.contents(killed)) == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("family", FAMILIES)
def test_killed_anywhere(family):
    assert all(result["equal"] for result in drill.drill(4, 1, [family]))


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop(how, tmp_path):
    whole, stopped = str(tmp_path / "whole"), str(tmp_path / "stopped")
    start = time.perf_counter()
    assert drill.run(QUICK, whole)[0] == 0
    code, said = drill.run(QUICK, stopped, seconds=0.6 * (time.perf_counter() - start), how=how)
    assert code == (130 if how == signal.SIGINT else -how)
    assert how == signal.SIGTERM or "Interrupted." in said
    assert drill.resume(QUICK, stopped)[0] == 0
    assert drill.difference(drill.contents(whole), drill.contents(stopped)) == []


@pytest.mark.slow
def test_two_processes_in_one_folder(tmp_path):
    """The second is refused in a line, and the first does not notice."""
    import subprocess
    import sys

    whole, shared = str(tmp_path / "whole"), str(tmp_path / "shared")
    assert drill.run(QUICK, whole)[0] == 0
    command = [sys.executable, "-c", drill.CHILD, shared, "-1", *QUICK]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    said = [child.communicate()[0] for child in both]
    codes = [child.returncode for child in both]
    assert sorted(codes) == [0, 1]
    assert "Another process is training in" in said[codes.index(1)] or "is not empty" in said[codes.index(1)]
    assert drill.difference(drill.contents(whole), drill.contents(shared)) == []
