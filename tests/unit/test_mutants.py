"""Each planted fault says what it is, and can be planted in the source as it stands."""

import subprocess

import pytest

import mutants

PATCHES = sorted(mutants.PATCHES.glob("*.patch"))


def test_there_are_faults_of_many_kinds():
    found = [mutants.read(patch) for patch in PATCHES]
    assert len(found) >= 40
    assert len({one.kind for one in found}) >= 8
    assert len({one.fault for one in found}) == len(found)


@pytest.mark.parametrize("patch", PATCHES, ids=[patch.stem for patch in PATCHES])
def test_a_fault_can_be_planted(patch):
    subprocess.run(["git", "apply", "--check", str(patch)], cwd=mutants.ROOT, check=True)
