"""The catalogue of broken guards fits the sources, and no threat is without one."""

import yaml

from tests.mutants import mutants
from tests.stack import ROOT


def test_each_mutant_fits_the_sources() -> None:
    assert [told for one in mutants() if (told := one.wrong())] == []


def test_each_threat_has_a_guard_to_break() -> None:
    threats = yaml.safe_load((ROOT / "site_src" / "_data" / "threats.yml").read_text())
    assert {one.threat for one in mutants()} == threats.keys()
    assert all(one.find != one.put for one in mutants())
