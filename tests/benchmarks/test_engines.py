"""Do the product's two engines of the benchmark still run, and find what they are asked for?"""

from __future__ import annotations

import pytest

from tests.benchmarks.engines import Engine, Product, ProductTerms
from tests.benchmarks.material import Asked, Cut, Material, analyzer

SECTION = """# 第{0}节

机房第{0}号交换机的光口告警灯常亮，先检查光纤弯曲半径，再用光功率计测量收光功率。
收光功率低于灵敏度时清洁连接器，仍不合格就更换光模块，最后在网管上核对告警消除。
"""


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    source, work = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("work")
    (source / "sections.md").write_text("\n".join(SECTION.format(number) for number in range(30)), encoding="utf-8")
    made = Material(work, source, 30, "test")
    made.prepare(analyzer(work))
    return made


@pytest.mark.parametrize("kind", [Product, ProductTerms])
def test_the_products_engines_find_a_section_by_its_words_and_its_attributes(
    kind: type[Engine], material: Material
) -> None:
    folder = material.folder / kind.__name__
    folder.mkdir()
    engine = kind(folder)
    engine.build(material)
    engine.open()
    wanted: Cut = next(material.cut())
    conditions = (("kind", wanted.kind), ("category", wanted.category), ("audience", wanted.audience))
    found = engine.search(Asked("光功率计", ("光功率",), filters=conditions), 40)
    alike = [one.number for one in material.cut() if (one.kind, one.category, one.audience) == (
        wanted.kind, wanted.category, wanted.audience
    )]  # fmt: skip
    assert sorted(found) == alike
    engine.close()
