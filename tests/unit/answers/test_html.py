"""Pages in a notebook."""

from isthmus.answers.html import draw
from isthmus.answers.parts import Facts, Part, Steps, Table


class TestDraw:
    def test_takes_nothing_for_markup(self) -> None:
        evil = "<b>&</b>"
        page: list[Part] = [evil, Facts([(evil, evil)]), Steps([evil]), Table([evil], [[evil]])]
        html = draw(page)
        assert "<b>" not in html
        assert html.count("&lt;b&gt;&amp;&lt;/b&gt;") == 6

    def test_numbers_are_right_aligned(self) -> None:
        html = draw([Table(["name", "times #"], [["a", "1,000"]])])
        right = ' style="text-align: right"'
        assert f"<th{right}>times</th>" in html
        assert f"<td{right}>1,000</td>" in html

    def test_leaves_out_empty_lines(self) -> None:
        assert draw(["a", "", "b"]) == "<p>a</p>\n<p>b</p>"
