"""The report of when the modes part: its table, its page, its files, its warnings."""

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
import xarray as xr

import scoreshock as ss
from scoreshock.conventions import WORDS
from scoreshock.figures.style import short
from scoreshock.reports import when
from scoreshock.schedules.inputs import as_schedules

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
BROWSERS_OWN = ("google", "gstatic", "gvt1")
"""Hosts that Chromium asks by itself, whatever the page: for updates and dictionaries."""

PAIR = ss.families.pair(2.0, variance=0.25)
THREE = ss.mixture([[0.0, 0.0], [1.0, 0.0], [0.0, 5.0]], variance=0.04)


@pytest.fixture(scope="module")
def made():
    return when.report(THREE, as_schedules(["edm", "vp-cosine"]), "three components", draws=64)


def test_the_table_has_a_row_for_each_moment_from_noise_to_data(made):
    lines = when.text(made).splitlines()
    assert lines[0] == "three components"
    rows = lines[3 : 3 + made.moments.sizes["moment"]]
    sigma = [float(row[len("decision begins") :].split()[0]) for row in rows if "–" not in row]
    assert sigma == sorted(sigma, reverse=True)
    assert {row.split("  ")[0] for row in rows} == set(made.moments.moment.values.tolist())


def test_numbers_of_the_table_are_those_of_the_dataset(made):
    row = next(line for line in when.text(made).splitlines() if line.startswith("half decided"))
    one = made.moments.sel(moment="half decided", schedule="vp-cosine")
    expected = [short(one.sigma.item()), short(one.tau_moment.item())]
    assert row.split()[2:4] == expected
    assert row.split()[-2:] == [f"{one.sampling_step.item():.1f}", short(one.time.item())]


def test_calls_inside_the_window_are_said_of_each_schedule(made):
    text = when.text(made)
    for label in ("edm", "vp-cosine"):
        one = made.moments.sel(schedule=label)
        total = int((one.sigma_call > 0).sum())
        steps = f"steps {int(one.first_call)} to {int(one.last_call)} of 0 to {total - 1}"
        assert f"{label}: {steps}, {int(one.n_calls)} of {total}" in text


def test_what_does_not_exist_is_said_with_its_reason():
    wide = when.text(when.report(ss.families.pair(1.0, variance=1.0, weight=0.3), as_schedules("edm"), "wide"))
    assert "There is no decision window" in wide
    assert re.search(r"decided +– +below_data_variance", wide)
    assert re.search(r"decided.*: the condition would hold only below .* \(below_data_variance\)\.", wide)
    quiet = {"quiet": ss.schedule("ve", t_end=0.01)}
    beyond = when.text(when.report(PAIR, quiet, "a pair"))
    assert re.search(r"exact .* – +beyond_end", beyond)
    assert re.search(r"exact in quiet.*: the schedule never has so much noise \(beyond_end\)\.", beyond)
    assert "quiet: none of its 1000 calls lies inside" in beyond


def test_data_say_their_units_and_where_the_isotropic_model_may_be_used():
    x, y = np.random.default_rng(0).standard_normal((60, 2)) * [3.0, 0.2], np.arange(60) % 2
    x[:, 1] += 4 * y
    full = ss.from_labelled(x, y, covariance="full")
    beside = ss.isotropy(full).squeeze(drop=True)
    text = when.text(when.report(ss.from_labelled(x, y, scaling={"range": [-1, 1]}), {}, "bars", beside))
    assert "Units: " in text
    assert f"above sigma {short(float(np.sqrt(2 * beside.tau_isotropic)))}" in text
    assert "with own covariances" in text


@pytest.mark.slow
def test_files_hold_the_moments_and_a_page_that_asks_for_nothing_else(made, tmp_path):
    data, page = when.write(made, tmp_path / "new" / "folder")
    with xr.open_dataset(data) as stored:
        np.testing.assert_array_equal(stored.tau_moment, made.moments.tau_moment)
        assert stored.title == "three components"
    text = page.read_text()
    (script,) = [path.name for path in page.parent.glob("*.js")]
    assert re.findall(r"(?:src|href)=[\"']?([^\"' >]*)", text) == ["data:,", script, "when.nc"]
    assert text.count("<table>") == 4
    assert "Which directions between the classes speciate when" in text
    told = json.loads(when.as_json(made), parse_constant=lambda name: pytest.fail(name))
    assert told["source"] == "three components"
    assert told["coordinates"]["moment"]["data"] == made.moments.moment.values.tolist()


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_telephone_shows_the_page_drawn_without_scrolling_sideways_and_without_a_request(made, tmp_path):
    page = when.write(made, tmp_path)[1]
    frame = f'<iframe width="390" height="900" style="border: 0" src="{page.name}"></iframe>'
    report = (
        "<script>onload = () => setTimeout(() => { const inner = frames[0].document;"
        " document.body.dataset.width = inner.documentElement.scrollWidth;"
        " document.body.dataset.drawn = inner.querySelectorAll('.panels section').length; }, 3000)</script>"
    )
    (tmp_path / "all.html").write_text(frame + report)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--virtual-time-budget=9000"]
    options += [
        f"--log-net-log={tmp_path / 'net.json'}",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--enable-logging=stderr",
    ]
    command = [str(CHROMIUM), *options, "--dump-dom", (tmp_path / "all.html").as_uri()]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    found = dict(re.findall(r'data-(width|drawn)="(\d+)"', ended.stdout))
    assert int(found["width"]) <= 390
    assert int(found["drawn"]) == 7
    assert [
        line for line in re.findall(r'CONSOLE[^"]*"([^\n]*)", source', ended.stderr) if "document idle" not in line
    ] == []
    asked = set(re.findall(r'"url":"((?:https?|file)://[^"]*)"', (tmp_path / "net.json").read_text()))
    assert not [url for url in asked if str(page.parent) not in url and not any(own in url for own in BROWSERS_OWN)]


def test_calls_are_before_in_and_after_the_window(made):
    line = next(line for line in when.text(made).splitlines() if line.startswith("edm: steps"))
    inside, total, before, after = map(int, re.findall(r"(\d+) of (\d+) calls .*; (\d+) before it, (\d+) after it", line)[0])
    assert (total, before + inside + after) == (18, 18)


@pytest.mark.slow
def test_the_page_explains_every_status_of_its_table_of_directions(tmp_path):
    near = ss.mixture([[-6.0, -1.0, 0.0], [-6.0, 1.0, 0.0], [6.0, -1.0, 0.1], [6.0, 1.0, -0.1]], variance=0.04)
    page = when.write(when.report(near, {}, "four", draws=64), tmp_path)[1].read_text()
    shown = {name for name in WORDS if f">{name}</td>" in page}
    assert shown >= {"below_data_variance", "not_applicable"}
    for name in shown:
        assert f"{name}: {html.escape(WORDS[name])}" in page or f"{html.escape(WORDS[name])} ({name})" in page
