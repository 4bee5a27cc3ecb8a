"""The generated pages say what the code says; the registers that people read are those that the program carries."""

import pytest

from tests.reference import PAGES, REFERENCE, ROOT
from tuodi.batch.registers import FOLDER


@pytest.mark.parametrize("name", PAGES)
def test_the_generated_page_is_up_to_date(name):
    assert (REFERENCE / name).read_text("utf-8") == PAGES[name](), "run: make reference"


@pytest.mark.parametrize("name", ["clauses.md", "interpretations.md"])
def test_the_register_in_docs_is_the_one_in_the_program(name):
    assert (ROOT / "docs" / name).read_text("utf-8") == (FOLDER / name).read_text("utf-8")
