#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Clicks through every control of the pages that fanin writes, in a real browser, as wide as a desk and as a phone.

pages_test.py FANIN [FOLDER]: writes the pages with the program FANIN; screenshots stay in FOLDER, if that is given.
Exits with 77, which ctest takes for "skipped", where Chromium is not installed."""
import csv
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import xml.dom.minidom

from webdriver import Browser, missing

SMALL = ["--data", "synthetic:train=96,test=48", "--batch", "16", "--augment", "none", "--threads", "1"]
HOSTILE = "conv=normal:std=0.05;linear?=zeros"  # a name with marks that HTML and CSV might take for their own
CHART = "Chart.getChart(arguments[0].querySelector('canvas'))"
checks = 0


def check(good, what):
    global checks
    checks += 1
    if not good:
        raise AssertionError(what)


def write_pages(fanin, folder):
    def run(*arguments):
        done = subprocess.run([fanin, *arguments], cwd=folder, capture_output=True, text=True)
        check(done.returncode == 0, " ".join(arguments) + ": " + done.stdout + done.stderr)
    run("probe", "wrn-10-1", "--scheme", "kaiming_normal", "--scheme", "xavier_uniform", "--scheme", HOSTILE,
        "--seeds", "3", "--report", "probe.html", *SMALL)
    run("probe", "plain-4-4", "--schemes", "kaiming_normal,xavier_uniform", "--seeds", "2", "--report", "probe-zh.html",
        "--lang", "zh", *SMALL)
    run("compare", "--scheme", "kaiming_normal", "--scheme", HOSTILE, "--model", "plain-4-4", "--seeds", "3", "--lrs",
        "0.02,0.1", "--epochs", "3", "--record", "true", "--jobs", "2", "--log-every", "1", "--out", "compare",
        *SMALL[:-2])
    shutil.copytree(os.path.join(folder, "compare"), os.path.join(folder, "compare-zh"))
    run("report", "compare-zh", "--lang", "zh")
    for lesson in ("glorot2010", "dead-relu"):
        run("lesson", lesson, "--quick", "--threads", "1", "--out", "en")
    for lesson in ("bn-hides-init", "symmetry"):
        run("lesson", lesson, "--quick", "--threads", "1", "--lang", "zh", "--out", "zh")
    pages = {"probe": "probe.html", "probe-zh": "probe-zh.html", "compare": "compare/report.html",
             "compare-zh": "compare-zh/report.html", "lesson-glorot": "en/glorot2010.html",
             "lesson-dead-relu": "en/dead-relu.html", "lesson-bn-zh": "zh/bn-hides-init.html",
             "lesson-symmetry-zh": "zh/symmetry.html", "course-zh": "zh/index.html"}
    return {name: os.path.join(folder, file) for name, file in pages.items()}


def figures(browser, kind):
    return browser.find_all(f"figure[data-kind={kind}]")


def inside(browser, figure, selector):
    return browser.run("return arguments[0].querySelector(arguments[1])", figure, selector)


def painted(browser, figure):
    """The share of a chart's pixels that have something on them."""
    return browser.run("""const c = arguments[0].querySelector('canvas'), count = c.width * c.height;
      const bytes = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
      let full = 0;
      for (let i = 3; i < bytes.length; i += 4) full += bytes[i] > 0;
      return count > 10000 ? full / count : 0""", figure)


def fits(browser, name, width):
    check(browser.run("return document.documentElement.scrollWidth") <= width, f"{name} is wider than {width} pixels")
    small = browser.run("""return [...document.querySelectorAll('button, select, input, summary')].filter((e) => {
        const box = e.getBoundingClientRect();
        return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1);
      }).map((e) => e.outerHTML.slice(0, 100))""")
    check(not small, f"{name}: controls beyond the edge: {small}")
    if width >= 1280:
        cut = browser.run("""return [...document.querySelectorAll('.wide')].filter((e) => e.scrollWidth > e.clientWidth + 1)
            .map((e) => e.textContent.slice(0, 60))""")
        check(not cut, f"{name}: tables that a desk's screen cuts: {cut}")


def data_of(browser, figure):
    return browser.run("return JSON.parse(arguments[0].querySelector('script').textContent)", figure)


def test_language(browser, name):
    """Every control of a Chinese page says what it does in Chinese; series keep the names of schemes."""
    if not browser.run("return document.documentElement.lang").startswith("zh"):
        return
    words = browser.run("""return [...document.querySelectorAll('figure button, figure label, figure option, .note, ' +
        'figure output, summary')].filter((e) => !e.closest('.legend')).map((e) => e.textContent.trim())""")
    strange = [w for w in words if any(c.isalpha() for c in w) and not any("\u4e00" <= c <= "\u9fff" for c in w)]
    check(not strange, f"{name}: not in Chinese: {strange}")


def hidden_sets(browser):
    return browser.run("return [...fanin.state.hidden]")


def test_toggle(browser, group):
    """Off in one figure is off in all that have the group, in what is drawn and in what is said."""
    count = """return [...document.querySelectorAll('figure canvas')].flatMap((c) => Chart.getChart(c).data.datasets)
      .filter((d) => !d.edge && d.hidden).length"""
    of = """return [...document.querySelectorAll('figure script')].map((s) => JSON.parse(s.textContent)).filter((d) =>
      arguments[1].some((list) => (d[list] || []).some((s) => s.group === arguments[0])) ||
      (d.frames || []).some((f) => f.series.some((s) => s.name === arguments[0]))).length"""
    legends, charts = (browser.run(of, group, lists) for lists in (["series", "overlay"], ["series"]))
    before = browser.run(count)
    buttons = "[...document.querySelectorAll('.legend button')].filter((b) => b.dataset.group === arguments[0])"
    browser.click(browser.run(f"return {buttons}[0]", group))
    check(hidden_sets(browser) == [group], "one group is off")
    pressed = browser.run(f"return {buttons}.map((b) => b.getAttribute('aria-pressed'))", group)
    check(len(pressed) == legends and set(pressed) == {"false"}, f"all buttons of {group} say so: {pressed}")
    check(browser.run(count) >= before + charts, f"{group}: gone from {charts} figures: {browser.run(count)} lines")
    # By the keyboard, on another figure's button.
    browser.type(browser.run(f"return {buttons}.pop()", group), "enter")
    check(hidden_sets(browser) == [], "and on again")
    check(browser.run(count) == before, "with its lines")


def test_plot(browser, figure, phone):
    scales = f"const s = {CHART}.scales; return [s.x.min, s.x.max, s.y.min, s.y.max, s.x.type, s.y.type]"
    title = browser.run("return arguments[0].querySelector('figcaption').textContent", figure)
    canvas = inside(browser, figure, "canvas")
    check(not browser.run("return arguments[0].querySelector('.drawing').getClientRects().length", figure),
          "the still drawing makes way")
    whole = browser.run(scales, figure)
    check(painted(browser, figure) > 0.01, f"{title}: something is drawn")  # a frame and a grid are more than that

    browser.hover(canvas, (0.05, 0.0))
    shown = browser.run(f"const t = {CHART}.tooltip; return [t.opacity, t.body.flatMap((b) => b.lines).join('; ')]", figure)
    check(shown[0] > 0 and ": " in shown[1], f"{title}: a value under the pointer: {shown}")
    browser.type(canvas, "right", "right")
    spoken = browser.run("return arguments[0].querySelector('.spoken').value", figure)
    check(":" in spoken and ";" in spoken, f"{title}: the keyboard reads a value: {spoken}")

    log = inside(browser, figure, "[data-log=y]")
    was = browser.run(scales, figure)[5]
    browser.click(log)
    check(browser.run(scales, figure)[5] != was, f"{title}: the y axis changes its kind")
    browser.click(log)
    check(browser.run(scales, figure)[5] == was, f"{title}: and back")

    reset = inside(browser, figure, "[data-zoom=reset]")
    if not phone:
        browser.drag(canvas, (-0.1, -0.1), (0.2, 0.2))
        zoomed = browser.run(scales, figure)
        check(zoomed[0] > whole[0] and zoomed[1] < whole[1] and zoomed[2] > whole[2], f"{title}: dragging zooms")
        browser.click(reset)
    check(browser.run(scales, figure)[:4] == whole[:4], f"{title}: all is shown again")
    browser.click(inside(browser, figure, "[data-zoom=in]"))
    check(browser.run(scales, figure)[0] > whole[0], f"{title}: the button zooms")
    browser.click(inside(browser, figure, "[data-zoom=out]"))
    browser.click(reset)
    browser.type(canvas, "+")
    check(browser.run(scales, figure)[0] > whole[0], f"{title}: the keyboard zooms")
    browser.type(canvas, "0")
    check(browser.run(scales, figure)[:4] == whole[:4], f"{title}: and shows all")


def test_bands(browser, figure):
    edges = f"return {CHART}.data.datasets.filter((d) => d.edge && !d.hidden).map((d) => d.data.map((p) => p.y))"
    choose = """const select = arguments[0].querySelector('[data-control=band]'); select.value = arguments[1];
      select.dispatchEvent(new Event('change'))"""
    options = browser.run("return [...arguments[0].querySelectorAll('[data-control=band] option')].map((o) => o.value)",
                          figure)
    seen = []
    for option in options:
        browser.run(choose, figure, option)
        seen.append(json.dumps(browser.run(edges, figure)))
        others = browser.run("return [...document.querySelectorAll('[data-control=band]')].map((s) => s.value)")
        check(set(others) <= {option, "quartiles"} and option in others, "bands of all figures change together")
    check(len(set(seen)) == len(options), f"each choice draws another band: {options}")
    check(json.loads(seen[-1]) == [], "none is none")
    browser.run(choose, figure, "quartiles")


def test_slider(browser, figure):
    data = data_of(browser, figure)
    kind, frames = data["slider_label"], len(data["frames"])
    slider = inside(browser, figure, "input[type=range]")
    check(painted(browser, figure) > 0.01, "something is drawn")
    data = f"return JSON.stringify({CHART}.data.datasets.map((d) => d.data))"
    browser.type(slider, "home")
    first = browser.run(data, figure)
    browser.type(slider, "right")
    check(browser.run(data, figure) != first, "the slider changes the histogram")
    labels = browser.run("return [...document.querySelectorAll('.frame-label')].map((o) => o.value)")
    check(any("(2/" in label for label in labels) and all(kind in label for label in labels), f"{labels}")
    positions = browser.run("return [...document.querySelectorAll('input[type=range]')].map((s) => s.value)")
    check(len(set(positions)) == 1 or kind != "epoch", f"sliders move together: {positions}")
    browser.type(slider, *["right"] * (frames + 2))
    check(browser.run("return arguments[0].value", slider) == str(frames - 1), "it ends at the last frame")
    for box in browser.run("return [...arguments[0].querySelectorAll('.controls input')]", figure):
        kind_of = f"const s = {CHART}.scales; return [s.y.type, s.x.min, s.x.max]"
        browser.click(box)
        browser.run(kind_of, figure)
        browser.click(box)


def test_heat_map(browser, figure):
    read = "return arguments[0].querySelector('.readout').value"
    before = browser.run(read, figure)
    browser.hover(inside(browser, figure, ".cell"), (0.0, 0.0))
    first = browser.run(read, figure)
    check(first != before and data_of(browser, figure)["value_label"] in first, f"a cell tells its value: {first}")
    check(any(c.isdigit() for c in first.split(":")[-1]), f"with a number: {first}")
    browser.type(inside(browser, figure, "svg"), "right")
    check(browser.run(read, figure) != first, "the keyboard moves on")


def test_downloads(browser, figure):
    data = data_of(browser, figure)
    drawing = xml.dom.minidom.parseString(
        browser.save(inside(browser, figure, "[data-download=svg]"), ".svg").encode())
    check(drawing.documentElement.tagName == "svg" and drawing.documentElement.getAttribute("xmlns"), "an SVG file")
    rows = list(csv.reader(io.StringIO(browser.save(inside(browser, figure, "[data-download=csv]"), ".csv"))))
    width = len(rows[0])
    check(len(rows) > 1 and all(len(row) == width for row in rows), f"{data['title']}: a CSV of one width")
    if "series" in data:
        check(len(rows) - 1 == sum(len(s["x"]) for s in data["series"]), "a row a point")
        check(abs(float(rows[1][4]) - data["series"][0]["y"][0]) < 1e-12, "with its value")


def test_page(browser, name, file, width, shots):
    phone = width < 600
    browser.open(file)
    browser.log()
    fits(browser, name, width)
    for kind in ("plot", "histograms", "heat_map", "intervals", "pictures"):
        for figure in figures(browser, kind):
            if kind == "plot":
                test_plot(browser, figure, phone)
            if kind == "heat_map":
                test_heat_map(browser, figure)
            test_downloads(browser, figure)
    groups = browser.run("return [...document.querySelectorAll('.legend button')].map((b) => b.dataset.group)")
    if groups:
        test_toggle(browser, groups[1])
    banded = [f for f in figures(browser, "plot") if inside(browser, f, "[data-control=band]")]
    if banded:
        test_bands(browser, banded[-1])
    for figure in figures(browser, "histograms"):
        test_slider(browser, figure)
    test_language(browser, name)
    for summary in browser.find_all("summary"):
        browser.click(summary)
        check(browser.run("return arguments[0].parentElement.open", summary), "details open")
        browser.click(summary)
    fits(browser, name, width)
    # The page asked nobody for anything; its policy stopped nothing, because there was nothing to stop.
    asked = browser.run("return performance.getEntriesByType('resource').map((e) => e.name)")
    check(all(url.startswith(("data:", "blob:")) for url in asked), f"{name} asked for {asked}")
    check(not browser.log(), f"{name}: the browser complained")
    if shots:
        browser.screenshot(os.path.join(shots, f"{name}-{width}.png"))


def main():
    if missing():
        print(f"skipped: no {' and no '.join(missing())}; on Debian: apt-get install chromium chromium-driver")
        return 77
    fanin = os.path.abspath(sys.argv[1])
    shots = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as folder:
        pages = write_pages(fanin, folder)
        for width, height in ((1280, 900), (390, 844)):
            browser = Browser(width, height)
            try:
                for name, file in pages.items():
                    test_page(browser, name, file, width, shots)
            finally:
                browser.close()
        browser = Browser(390, 844, dark=True)
        try:
            for name, file in pages.items():
                browser.open(file)
                colours = browser.run("const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]")
                check(colours == ["rgb(232, 232, 232)", "rgb(22, 22, 22)"], f"dark: {colours}")
                if shots:
                    browser.screenshot(os.path.join(shots, f"{name}-dark.png"))
        finally:
            browser.close()
        browser = Browser(1280, 900, script=False)
        try:
            browser.open(pages["probe"])
            browser.devtools("Emulation.setScriptExecutionDisabled", {"value": True})
            browser.open(pages["probe"])
            if shots:
                browser.screenshot(os.path.join(shots, "probe-still.png"))
        finally:
            browser.close()
    print(f"{checks} checks hold")
    return 0


if __name__ == "__main__":
    sys.exit(main())
