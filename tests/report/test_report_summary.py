"""summary.md: what a CI job shows, and that no string from a file can break it."""

import html
import re

import pytest
from markdown_it import MarkdownIt
from report_records import image, lost, pair, reference, runtime, suite

from parity.record import ArtifactRecord
from parity.report.markdown import escaped, preformatted
from parity.report.suite.summary import summary_md

NASTY = [
    "a|b",
    "<script>alert(1)</script>",
    "`code`",
    "two\nlines",
    "[text](http://x.example)",
    "![i](http://x.example/i.png)",
    "https://x.example",
    "www.example.org",
    "*bold* _it_ ~~no~~",
    "# heading",
    "</pre></details><b>",
    "&lt;b&gt;",
    "\\|",
    "- item",
    "+ item",
    "1. item",
    "1) item",
    "    code",
    "===",
    "$x$",
    "@someone",
    ":tada:",
    "a\u202eb",
]


def rendered(text: str) -> str:
    """The page as HTML, raw HTML passed through, tables and links as on GitHub."""
    return MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(text)


def test_the_verdict_comes_first() -> None:
    """The first line is the verdict, the second block the table."""
    record = suite(reference(), runtime("onnx", image("a.png", lost())))
    first, _, header, *_ = summary_md(record).splitlines()
    assert first == "# parts-ssd: fail (1 fail) against keras (native), 1 image"
    assert header.startswith("| runtime | verdict | tolerance | images | pairs | lost |")


def test_a_failed_runtime_tells_its_message_and_hides_its_images() -> None:
    """The runtime's message is open, the rows of its images are folded."""
    text = summary_md(suite(reference(), runtime("onnx", image("a.png", lost()))))
    assert "\n## onnx: fail\n\n<pre>\nonnx disagrees with the native reference" in text
    assert "<details>\n<summary>Images that failed (1)</summary>\n\n<pre>\nonnx on a.png" in text
    assert text.count("<details>") == text.count("</details>") == 2


def test_a_suite_that_holds_is_a_table_and_how_it_was_run() -> None:
    """Nothing but the table is open where nothing failed."""
    text = summary_md(suite(reference(), runtime("onnx", image("a.png", pair()))))
    assert "##" not in text.replace("# parts", "")
    assert "| onnx | onnxruntime | library onnxruntime, version 1.31.1, threads 1 |" in text
    assert "detector.onnx (1.2 MiB, SHA-256 abababababab)" in text


@pytest.mark.parametrize("name", NASTY)
def test_escaped_text_is_only_text(name: str) -> None:
    """Rendered, it is one paragraph that shows the name and nothing else."""
    page = rendered(escaped(name))
    assert re.fullmatch(r"<p>[^<>]*</p>\n", page)
    shown = html.unescape(page[3:-5])
    assert shown == name.replace("\n", "\\n").replace("\u202e", "\\u202e")


@pytest.mark.parametrize("name", NASTY)
def test_names_from_files_cannot_break_the_page(name: str) -> None:
    """Whatever classes, images, paths and hints are called, the page keeps its structure."""

    def page(word: str) -> str:
        failed = runtime(
            "onnx",
            image(f"images/{word}.png", lost()),
            hints=(word,),
            notes=(word,),
            identity={word: word},
            artifacts=(ArtifactRecord(word, "ab" * 32, 1),),
        )
        return rendered(summary_md(suite(reference(), failed, classes=("x", word, "y"))))

    tags = re.compile(r"<[^>]*>")
    assert tags.findall(page(name)) == tags.findall(page("word"))


def test_preformatted_text_keeps_its_lines() -> None:
    """Lines stay lines; what could end the block is text."""
    assert preformatted(["a\n  b", "</pre>"]) == "<pre>\na\n  b\n&lt;/pre&gt;\n</pre>"


def test_many_failed_images_are_counted() -> None:
    """A page stays small enough for a CI job: the rest is in results.json."""
    failed = runtime("onnx", *[image(f"{i}.png", lost()) for i in range(25)])
    text = summary_md(suite(reference(), failed))
    assert "and 5 more images: see results.json" in text
