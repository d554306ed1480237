"""Names of attributes: valid in a ClassAd, the same wherever they are spelled."""

from __future__ import annotations

import classad2
import pytest

from jobs.attributes import share_attribute


@pytest.mark.parametrize(("site", "name"), [("FNAL", "SonicGridShare_FNAL"), ("a-b_c-d", "SonicGridShare_a_b_c_d")])
def test_the_share_of_a_site_has_a_name_that_classads_know(site: str, name: str) -> None:
    """A site's name may hold '-', an attribute's may not."""
    assert share_attribute(site) == name
    assert classad2.parseOne(f"{name} = 34.5")[name] == 34.5
