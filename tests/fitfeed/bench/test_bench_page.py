"""The page needs nothing else and says what the terminal says."""

from html.parser import HTMLParser

from fitfeed.bench.bench_page import bench_page
from fitfeed.bench.model_step import ModelSpeed
from fitfeed.pipelines.stages.stage_times import STAGES
from tests.fitfeed.bench.results import made_result


class Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_has_bars_and_the_verdict() -> None:
    html = bench_page(
        made_result(model=ModelSpeed("resnet50", 5200.0, 0.006, "GPU")), "<script>alert(1)</script>"
    )
    page = Texts()
    page.feed(html)
    text = "\n".join(page.texts)
    assert all(stage in page.texts for stage in STAGES)
    assert "Decoding limits at 2,600 images/s" in text
    assert "what resnet50 takes" in text
    assert "script" not in page.tags
    assert page.tags.count("rect") >= len(STAGES) + 2 + 3
    assert "http" not in html.replace("http-equiv", "")


def test_beside_a_model_on_the_same_cpus_the_bars_are_of_what_both_make() -> None:
    result = made_result(model=ModelSpeed("small", 2500.0, 0.0128, "CPU"))
    page = Texts()
    page.feed(bench_page(result, "flowers"))
    now = page.texts.index("as it is")
    assert page.texts[now + 1 : now + 3] == ["1,275", "1.00"], "1 / (1 / 2,600 + 1 / 2,500)"
    assert result.verdict.best is not None
    after = page.texts.index(result.verdict.best.change.action)
    assert page.texts[after + 1] == f"{result.verdict.best.rate:,.0f}"
    assert page.texts[after + 2] == f"{result.verdict.best.gain:.2f}"
