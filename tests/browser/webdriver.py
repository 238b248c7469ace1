# SPDX-License-Identifier: MIT
"""A headless Chromium, driven through chromedriver's WebDriver protocol over plain HTTP. Needs python3 alone."""
import base64
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's name for a reference to an element
KEYS = {"left": "\ue012", "up": "\ue013", "right": "\ue014", "down": "\ue015", "enter": "\ue007", "home": "\ue011"}


def missing():
    """The programs that are not installed, of those a browser test needs."""
    return [p for p in ("chromium", "chromedriver") if not shutil.which(p)]


def unfinished(name):
    return name.endswith(".crdownload") or name.startswith(".org.chromium.")


class Browser:
    def __init__(self, width, height, dark=False, script=True):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.root = f"http://127.0.0.1:{port}"
        self.folder = tempfile.mkdtemp(prefix="fanin-browser-")
        self.downloads = os.path.join(self.folder, "downloads")
        self.next_save = 0.0
        os.mkdir(self.downloads)
        self.driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        self._wait_for_driver()
        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--hide-scrollbars", f"--user-data-dir={self.folder}/profile"]
        if dark:
            arguments += ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"]
        options = {"args": arguments, "prefs": {"download.default_directory": self.downloads}}
        if not script:
            options["prefs"]["profile.managed_default_content_settings.javascript"] = 2
        answer = self._send("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.session = "/session/" + answer["sessionId"]
        self.devtools("Emulation.setDeviceMetricsOverride",
                      {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        self.devtools("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": self.downloads})
        self.devtools("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})

    def _wait_for_driver(self):
        for _ in range(600):
            try:
                if self._send("GET", "/status")["ready"]:
                    return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        raise RuntimeError("chromedriver does not answer")

    def _send(self, method, path, body=None):
        request = urllib.request.Request(self.root + path, method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise AssertionError(f"{path}: {value['error']}: {value['message']}") from None

    def post(self, path, body):
        return self._send("POST", self.session + path, body)

    def devtools(self, command, parameters):
        return self.post("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, file):
        self.post("/url", {"url": "file://" + os.path.abspath(file)})

    def run(self, script, *arguments):
        """The value of a JavaScript function body."""
        return self.post("/execute/sync", {"script": script, "args": list(arguments)})

    def find(self, selector):
        return self.post("/element", {"using": "css selector", "value": selector})

    def find_all(self, selector):
        return self.post("/elements", {"using": "css selector", "value": selector})

    def click(self, element):
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        self.post(f"/element/{element[ELEMENT]}/click", {})

    def type(self, element, *keys):
        text = "".join(KEYS.get(k, k) for k in keys)
        self.post(f"/element/{element[ELEMENT]}/value", {"text": text})

    def drag(self, element, start, end):
        """With the mouse, between two points given as shares of the element's size from its middle."""
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        box = self.run("const r = arguments[0].getBoundingClientRect(); return [r.width, r.height];", element)

        def move(to):
            return {"type": "pointerMove", "duration": 50, "origin": element,
                    "x": round(to[0] * box[0]), "y": round(to[1] * box[1])}
        actions = [move(start)]
        if end:
            actions += [{"type": "pointerDown", "button": 0}, move(end), {"type": "pointerUp", "button": 0}]
        self.post("/actions", {"actions": [{"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"},
                                            "actions": actions}]})

    def hover(self, element, place):
        self.drag(element, place, None)

    def log(self):
        """What the browser complained about since the last call."""
        return [e for e in self.post("/se/log", {"type": "browser"}) if e["level"] in ("SEVERE", "WARNING")]

    def screenshot(self, file, whole=True):
        size = self.run("return [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        parameters = {"format": "png", "captureBeyondViewport": whole}
        if whole:
            parameters["clip"] = {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1}
        with open(file, "wb") as out:
            out.write(base64.b64decode(self.devtools("Page.captureScreenshot", parameters)["data"]))

    def save(self, button, name_ends):
        """The text of the file that a click on the button saves.

        Chromium drops downloads that follow each other quickly in one page (some of 40 at five a second, none at 1.4)."""
        time.sleep(max(0.0, self.next_save - time.monotonic()))
        self.click(button)
        self.next_save = time.monotonic() + 0.7
        return self._downloaded(name_ends)

    def _downloaded(self, name_ends):
        """The file that a click has saved.

        While it saves, Chromium keeps the file's name with an empty file and writes to one named *.crdownload."""
        for _ in range(300):
            names = os.listdir(self.downloads)
            for name in names:
                path = os.path.join(self.downloads, name)
                if name.endswith(name_ends) and os.path.getsize(path) and not any(map(unfinished, names)):
                    with open(path, encoding="utf-8") as file:
                        text = file.read()
                    os.remove(path)
                    return text
            time.sleep(0.1)
        raise AssertionError(f"nothing that ends in {name_ends} was saved; there are {names}")

    def close(self):
        try:
            self._send("DELETE", self.session)
        finally:
            self.driver.terminate()
            self.driver.wait()
            shutil.rmtree(self.folder, ignore_errors=True)
