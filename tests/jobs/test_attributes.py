"""Names of attributes in the job ad."""

from __future__ import annotations

import classad2
import pytest

from jobs.attributes import attribute_of, share_attribute


@pytest.mark.parametrize("name", ["FNAL", "US-FNAL_2", "2nd-site", "a--b"])
def test_the_name_of_the_share_is_one_that_classads_take(name: str) -> None:
    """Whatever a site may be called, its share can be set in an ad and asked for in an expression."""
    attribute = share_attribute(name)
    ad = classad2.ClassAd({attribute: 12.5})
    assert classad2.ExprTree(f"{attribute} * 2").eval(ad) == pytest.approx(25)
    assert attribute == f"SonicGridShare_{attribute_of(name)}"
