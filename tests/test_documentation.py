"""Every example has its page."""

from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_example_has_a_gallery_page():
    examples = {p.stem for p in (ROOT / "examples").glob("*.py")} - {"run_all"}
    pages = {p.stem for p in (ROOT / "docs" / "gallery").glob("*.md")} - {"index"}
    assert examples == pages
